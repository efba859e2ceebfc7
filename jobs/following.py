"""Watching a job until it has settled, cheaply, and whatever becomes of the database meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import connection

from jobs import snapshots, waiting
from jobs.models import Job
from jobs.states import SETTLED, JobStatus
from jobs.wakeups import Listener, Topic, listener
from orchestrations import plans

LOOK_SECONDS = 1.0
"""Wake-ups may be lost, and the duration is shown by the second."""
FAILURES = (DatabaseError, connection.Database.Error)  # type: ignore[attr-defined]  # every backend has its driver there
"""Listening goes past Django, so the driver's own errors come through."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is. ``phase`` counts from 1, 0 before the first; the texts are for people."""

    job_id: int
    name: str
    status: JobStatus
    message: str = ""
    reason: str = ""
    phase: int = 0
    phases: int = 0
    done: int = 0
    tasks: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED


def follow(job_id: int, clock: Callable[[], datetime]) -> Iterator[Progress | None]:
    """What is known of the job, after every wake-up and every second, until it has settled.

    None stands for a look that the database did not answer; it is tried again for as long as it takes.
    Raises Job.DoesNotExist when the job has been pruned meanwhile.
    """
    hearing = listener(Topic.WORK)
    settled = False
    try:
        while not settled:
            try:
                hearing.open()
                progress = look(job_id, clock())
                yield progress
                settled = progress.is_settled
                if not settled:
                    hearing.wait(LOOK_SECONDS)
            except FAILURES:
                yield None
                hearing = _start_anew(hearing)
    finally:
        with suppress(*FAILURES):
            hearing.close()


def look(job_id: int, now: datetime) -> Progress:
    """Raises Job.DoesNotExist."""
    job = Job.objects.select_related("project").get(pk=job_id)
    reason = waiting.reason(job, now=now) if job.status == JobStatus.WAITING else None
    plan = _plan_of(job) if job.is_run else None
    return Progress(
        job_id=job.pk,
        name=job.name,
        status=JobStatus(job.status),
        message=job.message,
        reason=reason.text if reason else "",
        phase=0 if job.phase_position is None else _place(plan, job.phase_position),
        phases=len(_phases(plan)),
        done=job.children.settled().count() if job.is_run else 0,
        tasks=len(plan.tasks) if plan else 0,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _plan_of(run: Job) -> plans.Plan | None:
    try:
        return snapshots.plan_of(run)
    except (snapshots.SnapshotLost, plans.InvalidPlan, plans.InvalidSelection):
        return None


def _phases(plan: plans.Plan | None) -> list[int]:
    """The positions of the phases that have something to run."""
    return [place for place, phase in enumerate(plan.phases) if phase.tasks] if plan else []


def _place(plan: plans.Plan | None, position: int) -> int:
    return sum(place <= position for place in _phases(plan))


def _start_anew(hearing: Listener) -> Listener:
    """Django does not reconnect outside of a request by itself."""
    for close in (hearing.close, connection.close):
        with suppress(*FAILURES):
            close()
    time.sleep(LOOK_SECONDS)
    return listener(Topic.WORK)
