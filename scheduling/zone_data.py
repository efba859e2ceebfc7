"""Which edition of the world's time zones this installation knows, and what a newer one changes (R22).

Settings leave the operating system's data aside, so that every machine has that of the locked package ``tzdata``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import tzdata
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from scheduling import cron
from scheduling.due import INSTANT
from scheduling.models import Schedule

log = logging.getLogger(__name__)

VERSION: str = tzdata.IANA_VERSION
BATCH = 100


def recompute_next_runs(*, now: datetime) -> int:
    """A batch of moments that another edition computed is computed anew; how many there were, 0 when all are done.

    What is due already stays due: it fires as it was going to. One that cannot be read says why, and hinders no other.
    """
    ids = list(_outdated().values_list("pk", flat=True)[:BATCH])
    try:
        _recompute(ids, now)
    except DatabaseError:
        raise
    except Exception:
        log.exception("A batch of schedules could not be computed anew: each is tried alone")
        for schedule_id in ids:
            _recompute_alone(schedule_id, now)
    return len(ids)


def _recompute_alone(schedule_id: int, now: datetime) -> None:
    try:
        _recompute([schedule_id], now)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("Schedule %s could not be computed anew", schedule_id)
        sentence = f"Its next start could not be computed with the time zones of {VERSION}: {error}"
        Schedule.objects.filter(pk=schedule_id).update(zone_version=VERSION, last_error=sentence)


def _recompute(ids: Sequence[int], now: datetime) -> None:
    with transaction.atomic():
        batch = list(_outdated().filter(pk__in=ids).select_for_update(of=("self",), no_key=True))
        for schedule in batch:
            schedule.zone_version = VERSION
            if schedule.next_run_at is None or schedule.next_run_at > now:
                start = max(now, (schedule.paused_until or now) - INSTANT)
                schedule.next_run_at = cron.next_after(schedule.expression, schedule.zone, start)
        Schedule.objects.bulk_update(batch, ["next_run_at", "zone_version"])


def _outdated() -> QuerySet[Schedule]:
    found: QuerySet[Schedule] = Schedule.objects.filter(is_enabled=True).exclude(zone_version=VERSION).order_by("pk")
    return found
