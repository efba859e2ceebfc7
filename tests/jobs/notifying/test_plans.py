"""However many messages were sent long ago: they are not looked through for those that wait, or were kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.models import Delivery
from jobs.notifying import delivering, leasing
from jobs.queries import notifications
from orchestrations.models import Channel

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="tells of SQLite's plans"),
]


def plan_of(work: Callable[[], object]) -> list[str]:
    """How the first statement is carried out."""
    with CaptureQueriesContext(connection) as captured:
        work()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {captured[0]['sql']}")
        return [row[3] for row in cursor.fetchall()]


@pytest.mark.parametrize(("channel", "looks"), [(Channel.EMAIL, 1), (Channel.WEBHOOK, 2), (Channel.CHAT, 2)])
def test_the_next_one_to_send(channel: Channel, looks: int) -> None:
    now = timezone.now()
    Delivery.objects.create(channel=channel, address="a", message_id="1", next_attempt_at=now, created_at=now)

    plan = plan_of(lambda: leasing.claim(channel, now=now))

    assert sum("INDEX delivery_due" in step for step in plan) == looks, plan
    assert sum("jobs_delivery" in step or "U0" in step for step in plan) == looks, plan
    assert not any("CORRELATED" in step for step in plan), plan


@pytest.mark.parametrize(
    "work",
    [
        lambda: list(notifications.kept_mails().order_by("-pk")[:25]),
        lambda: delivering.release_kept(now=timezone.now()),
    ],
    ids=["outbox", "release"],
)
def test_what_was_kept(work: Callable[[], object]) -> None:
    (look,) = plan_of(work)

    assert "INDEX delivery_kept" in look
