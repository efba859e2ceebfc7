"""Which edition of the world's time zones this installation knows, and what a newer one changes (R22).

Settings leave the operating system's data aside, so that every machine has that of the locked package ``tzdata``.
"""

from __future__ import annotations

from datetime import datetime

import tzdata
from django.db import transaction

from scheduling import cron
from scheduling.due import INSTANT
from scheduling.models import Schedule

VERSION: str = tzdata.IANA_VERSION
BATCH = 100


def recompute_next_runs(*, now: datetime) -> int:
    """A batch of moments that another edition computed is computed anew; how many there were, 0 when all are done.

    What is due already stays due: it fires as it was going to.
    """
    outdated = Schedule.objects.filter(is_enabled=True).exclude(zone_version=VERSION).order_by("pk")
    with transaction.atomic():
        batch = list(outdated.select_for_update(of=("self",), no_key=True)[:BATCH])
        for schedule in batch:
            schedule.zone_version = VERSION
            if schedule.next_run_at is None or schedule.next_run_at > now:
                start = max(now, (schedule.paused_until or now) - INSTANT)
                schedule.next_run_at = cron.next_after(schedule.expression, schedule.zone, start)
        Schedule.objects.bulk_update(batch, ["next_run_at", "zone_version"])
    return len(batch)
