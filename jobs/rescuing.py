"""Bringing back jobs whose worker, cluster or machine has died (R12)."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from jobs import advancing, concluding, logs, machine
from jobs.advancing import End
from jobs.carrying import inputs, intents, outputs
from jobs.carrying.program import EXPORT, request_file
from jobs.claiming import Claim, Claimant, take_over
from jobs.locking import retried, under_root
from jobs.models import Job
from jobs.moving import Note, move, seconds_from_now
from jobs.preparing import Attempt, CannotStart, mapping_of
from jobs.processes.protocol import ExitRecord, is_supervised, read_exit_record, was_launched
from jobs.processes.record import COMPONENT
from jobs.processes.sweep import find_marked, kill_marked
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations.components import catalogue

log = logging.getLogger(__name__)

ATTEMPTS = 3
INTERRUPTED = "The job was interrupted: its worker or machine stopped while it ran."


@retried
def interrupt(job_id: int, fence: str, *, now: datetime, seen: Job | None = None, never_ran: bool = False) -> bool:
    """Decide what becomes of an attempt that nobody performs any more; False when the fence is void.

    Terminating: terminated. Never begun: back to waiting. Safe to run again: back to waiting, at most 3 attempts.
    Otherwise it ends in error "interrupted". ``seen``: only if no worker has taken the attempt up or renewed its lease
    since this was read. ``never_ran``: it was begun, but no process launched; it is given back, 3 times at most.
    """
    identity = Job.objects.active().filter(pk=job_id, fence=fence).values_list("root_id", flat=True)
    if not identity:
        return False
    with under_root(identity[0] or job_id):
        # The row's own lock: taking up and renewing are done without the root.
        rows = Job.objects.active().select_for_update(no_key=True).filter(pk=job_id, fence=fence)
        found = rows.first()
        if found is None or (seen is not None and _lives(found, seen)):
            return False
        job = found if found.status == JobStatus.PROCESSING else None
        if job is not None and intents.is_decided(job_id):
            return intents.release(job_id, fence)
        if job is not None and (job.begun_at is None or (never_ran and job.attempt < ATTEMPTS) or _may_run_again(job)):
            return _give_back(job, now)
    message = INTERRUPTED if job is None or job.attempt < ATTEMPTS else f"{INTERRUPTED} This was attempt {job.attempt}."
    result = {"message": message, "error": {"type": "application"}}
    end = End(status=JobStatus.ERROR, message=message, error_type="application", result=result)
    return advancing.settle(job_id, fence, end, now=now)


def _lives(found: Job, seen: Job) -> bool:
    return bool(found.begun_at != seen.begun_at or found.lease_until != seen.lease_until)


def _may_run_again(job: Job) -> bool:
    try:
        component = catalogue.get(job.component_id)
    except catalogue.UnknownComponent:
        return False
    return component.safe_to_run_again and job.attempt < ATTEMPTS


def _give_back(job: Job, now: datetime) -> bool:
    if job.begun_at is None:
        note = Note(kind="job.given-back", message="Was not begun, waits for another worker.")
    else:
        note = Note(kind="job.interrupted", level="warn", message=f"{INTERRUPTED} It will be run again.")
    moved = move(
        job.pk,
        JobStatus.WAITING,
        sources={JobStatus.PROCESSING},
        only_fence=job.fence,
        note=note,
        now=now,
    )
    wake(Topic.WORK)
    return moved


class Rescuer:
    """Looks after the jobs of this machine's dead processes, and after those of machines long silent.

    Keeps in memory since when it has seen a dead worker's processes alive.
    """

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self.dead_since: dict[str, float] = {}
        self.taken: list[Claim] = []
        """Attempts that this cluster has taken over, to be handed to its workers."""
        self.undelivered = 0
        """Claims of this very cluster that no worker has taken up in time: the sign of a wedged queue of workers."""
        self.handed: set[str] = set()
        """Fences of attempts taken over since a worker last took a claim up."""

    def has_delivered(self) -> None:
        """A worker has taken a claim up: the queue is not wedged."""
        self.undelivered = 0
        self.handed.clear()

    def rescue(self) -> int:
        """One round; returns how many jobs it brought back. One that fails hinders no other."""
        rescued = 0
        for job in self._abandoned():
            try:
                rescued += self._rescue(job)
            except Exception:
                log.exception("Could not rescue job %s", job.pk)
        return rescued

    def _abandoned(self) -> Iterable[Job]:
        """Jobs of this machine whatever their lease, of others two leases after the last renewal (DESIGN §5)."""
        mine = Q(owner__startswith=f"{machine.name()}/")
        silent = Q(lease_until__lt=seconds_from_now(-settings.LEASE_SECONDS))
        released = Q(owner="", lease_until__lt=seconds_from_now(0))
        return list(Job.objects.active().filter(mine | silent | released, is_run=False).annotate(expired=_is_expired()))

    def _rescue(self, job: Job) -> bool:
        attempt = Attempt(job.pk, job.fence)
        expired = bool(getattr(job, "expired", True))
        if not job.owner and job.begun_at is not None:
            return expired and self._take_over(job)
        if not job.owner.startswith(f"{machine.name()}/"):
            return interrupt(job.pk, job.fence, now=timezone.now(), seen=job)
        if job.begun_at is None:
            if not expired and machine.is_alive(owner_process(job.owner)):
                return False
            given_back = interrupt(job.pk, job.fence, now=timezone.now(), seen=job)
            self.undelivered += given_back and job.owner == self.owner
            return given_back
        if not expired and (machine.is_alive(job.worker) or not job.worker):
            self.dead_since.pop(job.fence, None)
            return False
        return self._adopt(job, attempt)

    def _take_over(self, job: Job) -> bool:
        claimant = Claimant(owner=self.owner, workers=settings.WORKERS, labels=tuple(settings.WORKER_LABELS))
        claim = take_over(job, claimant)
        if claim is not None:
            self.dead_since.pop(job.fence, None)
            self.undelivered += claim.fence in self.handed
            self.handed.add(claim.fence)
            self.taken.append(claim)
        return claim is not None

    def _adopt(self, job: Job, attempt: Attempt) -> bool:
        """Wait until nothing of the attempt runs any more, then settle by what its process left behind."""
        since = self.dead_since.setdefault(job.fence, time.monotonic())
        if is_supervised(attempt.folder) or find_marked(attempt.mark):
            if time.monotonic() - since > settings.GRACE_SECONDS + 5:
                kill_marked(attempt.mark)
            return False
        logs.store(attempt, number=job.attempt)
        record = read_exit_record(attempt.folder, attempt.fence)
        if intents.is_decided(job.pk):
            rescued = interrupt(job.pk, job.fence, now=timezone.now())
        elif job.status == JobStatus.PROCESSING and _gives_tables(record, attempt, job):
            return self._take_over(job)
        elif record is not None and concluding.is_final(record):
            rescued = advancing.settle(job.pk, job.fence, _end_of(record, attempt, job), now=timezone.now())
        else:
            # After a power cut a folder that is missing says nothing.
            never_ran = (
                concluding.never_ran(record)
                if record is not None
                else machine.is_of_this_boot(job.worker) and not _component_was_launched(attempt)
            )
            rescued = interrupt(job.pk, job.fence, now=timezone.now(), never_ran=never_ran)
        del self.dead_since[job.fence]
        attempt.remove()
        return rescued


def _gives_tables(record: ExitRecord | None, attempt: Attempt, job: Job) -> bool:
    """Whether the component has succeeded and its tables are still to be loaded."""
    if record is None or not concluding.is_success(record):
        return False
    try:
        return outputs.are_there(attempt) or bool(mapping_of(job).outputs)
    except CannotStart:
        return True  # who goes on with it says so


def _end_of(record: ExitRecord, attempt: Attempt, job: Job) -> End:
    """How the component ended, with the input tables that it found."""
    end = concluding.end_of(record, attempt)
    if end.status != JobStatus.SUCCESS:
        return end
    try:
        return replace(end, result=inputs.in_result(end.result, attempt, mapping_of(job)))
    except CannotStart:
        return end  # what it has read can no longer be told, but how it ended stands


def _component_was_launched(attempt: Attempt) -> bool:
    """While its input tables are written, it was not."""
    return was_launched(attempt.folder) and not request_file(attempt, EXPORT).exists()


def record_of_lost(attempt: Attempt, stage: str = COMPONENT) -> ExitRecord:
    """The supervisor was killed: end what it left running, and say that we did."""
    kill_marked(attempt.mark)
    record = read_exit_record(attempt.folder, attempt.fence, stage)
    if record is not None:
        return record
    moment = time.time()
    return ExitRecord(
        fence=attempt.fence,
        stage=stage,
        code=None,
        stopped_by_us="lost",
        message="The supervisor of the process was killed.",
        stdout_tail="",
        stderr_tail="",
        started_at=moment,
        ended_at=moment,
    )


def owner_process(owner: str) -> str:
    """The process part of a cluster's name, ``machine/process/unique``."""
    return owner.split("/")[1] if owner.count("/") >= 2 else ""


def _is_expired() -> ExpressionWrapper:
    return ExpressionWrapper(Q(lease_until__lt=seconds_from_now(0)), output_field=BooleanField())
