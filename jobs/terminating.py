"""Terminate (R9): what waits is cancelled, what is processing is told to stop, down to the last child."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from jobs import advancing, afterwards
from jobs.carrying import intents
from jobs.locking import retried, under_root
from jobs.models import Job
from jobs.moving import Note, move
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations import access
from orchestrations.access import Actor


class AlreadySettled(Exception):
    """There is nothing left to terminate; the message is for the user."""


class IsDecided(AlreadySettled):
    """Its component has ended and its tables are being loaded: that is finished, not cut off (R9)."""


def terminate(job: Job, *, actor: Actor, now: datetime) -> Job:
    """Terminate the job and everything below it. Doing it twice is harmless while it is terminating.

    Raises Denied, AlreadySettled, IsDecided.
    """
    access.require_run(actor, job.project, job.component_id, now)
    return _terminate(job.pk, job.lock_id, str(actor)[:255], now)


@retried
def _terminate(job_id: int, lock_id: int, by: str, now: datetime) -> Job:
    with under_root(lock_id):
        job: Job = Job.objects.get(pk=job_id)
        if job.is_settled:
            raise AlreadySettled(f"Job {job.pk} has ended in {job.status} already.")
        if _is_decided(job):
            raise IsDecided(f"Job {job.pk} has done its work and is loading its tables: it ends by itself in a moment.")
        _stop_with_all_below(job, by, now)
        job.refresh_from_db()
        if job.is_settled:
            advancing.follow(job, now)
        afterwards.do(lambda: advancing.start_waiting_runs(now=timezone.now()))
        wake(Topic.STOP)
        wake(Topic.WORK)
        return job


def _stop_with_all_below(job: Job, by: str, now: datetime) -> None:
    """Top down the jobs are marked, so that nothing new is begun; bottom up the runs among them settle.

    A job whose import is decided goes on, and its run settles after it.
    """
    if _is_decided(job):
        return
    cancelled = move(
        job.pk,
        JobStatus.CANCELLED,
        note=Note(kind="job.settled", level="warn", message=f"Cancelled by {by} before it started."),
        now=now,
        terminated_by=by,
    )
    if cancelled:
        return
    # Not waiting any more: maybe a worker has claimed it since we read it. No job goes back to waiting while we
    # hold the root, so it is processing, terminating or settled.
    move(
        job.pk,
        JobStatus.TERMINATING,
        note=Note(kind="job.terminating", level="warn", message=f"Terminated by {by}."),
        now=now,
        terminated_by=by,
    )
    if job.is_run:
        for child in job.children.unsettled().order_by("pk"):
            _stop_with_all_below(child, by, now)
        advancing.settle_if_done(Job.objects.get(pk=job.pk), now)


def _is_decided(job: Job) -> bool:
    return not job.is_run and job.status == JobStatus.PROCESSING and intents.is_decided(job.pk)
