"""What must not come into the log."""

import logging

from orchestration_site.logs import HidesInvitations


def test_the_link_of_an_invitation_is_not_logged() -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "%s: %s", ("Unprocessable Entity", "/invitation/7/abc-123/"), None
    )

    kept = HidesInvitations().filter(record)

    assert kept
    assert record.getMessage() == "Unprocessable Entity: /invitation/7/…/"
