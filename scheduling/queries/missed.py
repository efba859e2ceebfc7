"""What an orchestration missed while it was off: for the dialog after it is switched on again (R15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrations.models import Configuration
from scheduling import cron
from scheduling.models import Firing, Schedule

MOST_OFFERED = 20


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What one schedule missed. ``moments``: the last ones, newest first; ``is_more``: there are others before."""

    schedule: Schedule
    since: datetime
    moments: list[datetime]
    is_more: bool


def of(orchestration: Configuration) -> list[Missed]:
    """Two queries. Empty when nothing was missed, or the schedules have fired since."""
    ignored = orchestration.schedules.filter(ignored_since__isnull=False, next_run_at__isnull=False)
    schedules = [schedule for schedule in ignored if not schedule.problem]
    fired: dict[int, set[datetime]] = {schedule.pk: set() for schedule in schedules}
    since = min((each.ignored_since for each in schedules if each.ignored_since), default=None)
    if since is not None:
        known = Firing.objects.filter(schedule__in=schedules, due_at__gte=since)
        for schedule_id, due_at in known.values_list("schedule_id", "due_at"):
            fired[schedule_id].add(due_at)
    found = [_missed(schedule, fired[schedule.pk]) for schedule in schedules]
    return [each for each in found if each.moments]


def _missed(schedule: Schedule, fired: set[datetime]) -> Missed:
    """The firings from the first ignored one up to the next that is planned."""
    assert schedule.ignored_since is not None and schedule.next_run_at is not None
    moments: list[datetime] = []
    moment = cron.previous_before(schedule.expression, schedule.zone, schedule.next_run_at)
    while moment >= schedule.ignored_since and len(moments) <= MOST_OFFERED:
        if moment not in fired:
            moments.append(moment)
        moment = cron.previous_before(schedule.expression, schedule.zone, moment)
    return Missed(
        schedule=schedule,
        since=schedule.ignored_since,
        moments=moments[:MOST_OFFERED],
        is_more=len(moments) > MOST_OFFERED,
    )
