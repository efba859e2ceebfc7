"""Starting what an orchestration missed while it was off: only what a person chooses (R15)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from jobs import advancing, afterwards, unattended
from jobs.locking import retried
from jobs.models import Cause, Job
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.models import Configuration, Role
from scheduling import ticking
from scheduling.models import Firing, FiringOutcome, Schedule
from scheduling.queries import missed


class NotMissed(ValueError):
    """Nothing was started; the message is for the user."""


@retried
def start_missed(
    orchestration: Configuration, chosen: Collection[tuple[int, datetime]], *, actor: Actor, now: datetime
) -> list[Job]:
    """A run for each chosen (schedule, due moment), in the order of the moments; the offer is over then.

    An empty choice declines it. Raises Denied, NotMissed.
    """
    access.require(actor, orchestration.project, Role.OPERATOR)
    with transaction.atomic():
        locked = Schedule.objects.filter(orchestration=orchestration).select_for_update(of=("self",), no_key=True)
        schedules = {schedule.pk: schedule for schedule in locked}
        offered = {(each.schedule.pk, moment) for each in missed.of(orchestration) for moment in each.moments}
        wrong = sorted(set(chosen) - offered)
        if wrong:
            raise NotMissed(f"{wrong[0][1]:%Y-%m-%d %H:%M} UTC was not missed, or has been made up for already.")
        firings = [
            Firing(schedule=schedules[pk], due_at=due, at=now, outcome=FiringOutcome.STARTED, note="Made up for.")
            for pk, due in sorted(chosen, key=lambda each: (each[1], each[0]))
        ]
        jobs = unattended.create([_start(orchestration, each) for each in firings], now=now)
        for firing, job in zip(firings, jobs, strict=True):
            firing.job = job
        Firing.objects.bulk_create(firings)
        Schedule.objects.filter(pk__in=schedules).update(ignored_since=None)
        for job in jobs:
            _start_later(job.pk)
    return jobs


def _start(orchestration: Configuration, firing: Firing) -> unattended.Start:
    detail = ticking.detail(firing.schedule, firing.due_at)
    return unattended.Start(orchestration=orchestration, cause=Cause.SCHEDULE, detail=detail)


def _start_later(run_id: int) -> None:
    afterwards.do(lambda: advancing.start(run_id, now=timezone.now()))
