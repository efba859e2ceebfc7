"""What the administrator allows a job to connect to."""

from __future__ import annotations

import os

from orchestrations.lib.addresses import Permissions

SETTING = "TUTTI_ALLOW_PRIVATE_ADDRESSES"


def of_this_job() -> Permissions:
    given = os.environ.get(SETTING, "")
    return Permissions.of_setting(given == "yes" if given in ("yes", "no", "") else given.split(","))
