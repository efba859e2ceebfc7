"""Assertions about schedules and triggers: each due moment once, no update left behind (R13, R16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from jobs.models import Cause, TableUpdate
from scheduling.models import CatchUp, Evaluation, Firing, FiringOutcome, Schedule, Verdict
from tests.chaos import workload
from tests.chaos.evidence import Evidence
from tests.scheduling import accounts

MINUTE = timedelta(minutes=1)


def every_due_moment_has_one_run(found: Evidence) -> list[str]:
    """The schedules are due each minute; most make up for everything, one for the last, one for nothing."""
    broken = [problem for schedule in Schedule.objects.order_by("pk") for problem in _problems(schedule)]
    fired = set(Firing.objects.filter(outcome=FiringOutcome.STARTED).values_list("job_id", flat=True))
    created = {job.pk for job in found.runs if job.cause == Cause.SCHEDULE and job.parent_id is None}
    if fired != created:
        broken.append(f"firings name the jobs {sorted(map(str, fired))}, and schedules created {sorted(created)}")
    return broken


def _problems(schedule: Schedule) -> Iterator[str]:
    first = workload.first_due(schedule)
    # That nothing was due in the end was waited for: schedules go on while the rest settles.
    yield from accounts.problems(schedule, first, MINUTE, until=first - MINUTE)
    if not schedule.firings.exists():
        yield f"schedule {schedule.pk} has never fired"
    if schedule.catch_up == CatchUp.ALL:
        yield from _gaps(schedule)


def _gaps(schedule: Schedule) -> Iterator[str]:
    dues: list[datetime] = sorted(schedule.firings.values_list("due_at", flat=True))
    for earlier, later in pairwise(dues):
        if later - earlier != MINUTE:
            yield f"schedule {schedule.pk} fired for {earlier:%H:%M} and then for {later:%H:%M}"


def every_update_was_evaluated(found: Evidence) -> list[str]:
    left = list(TableUpdate.objects.filter(evaluated_at__isnull=True).values_list("pk", flat=True))
    fired = set(Evaluation.objects.filter(verdict=Verdict.FIRED).values_list("job_id", flat=True))
    created = {job.pk for job in found.runs if job.cause == Cause.TRIGGER and job.parent_id is None}
    broken = [f"the updates {left} were not evaluated"] if left else []
    if not fired:
        broken.append("the trigger has never fired")
    if fired != created:
        broken.append(f"verdicts name the jobs {sorted(map(str, fired))}, and the trigger created {sorted(created)}")
    return broken
