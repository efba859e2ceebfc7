"""Assertions about schedules and triggers: each due moment once, no update left behind (R13, R16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from jobs.models import Cause, TableUpdate
from scheduling.models import Evaluation, Firing, FiringOutcome, Schedule, Verdict
from tests.chaos.evidence import Evidence

MINUTE = timedelta(minutes=1)


def every_due_moment_has_one_run(found: Evidence) -> list[str]:
    """The schedules are due each minute, and make up for everything."""
    broken = [problem for schedule in Schedule.objects.order_by("pk") for problem in _gaps(schedule)]
    fired = set(Firing.objects.filter(outcome=FiringOutcome.STARTED).values_list("job_id", flat=True))
    created = {job.pk for job in found.runs if job.cause == Cause.SCHEDULE and job.parent_id is None}
    if fired != created:
        broken.append(f"firings name the jobs {sorted(map(str, fired))}, and schedules created {sorted(created)}")
    return broken


def _gaps(schedule: Schedule) -> Iterator[str]:
    dues: list[datetime] = sorted(schedule.firings.values_list("due_at", flat=True))
    if not dues:
        yield f"schedule {schedule.pk} has never fired"
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
