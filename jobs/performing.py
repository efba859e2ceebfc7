"""A worker's work on one claimed job: its process from start to end, and the lease meanwhile (DESIGN §5)."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from jobs import advancing, claiming, concluding, loading, logs, rescuing
from jobs.advancing import End
from jobs.claiming import Claim, Claimant
from jobs.models import Job
from jobs.moving import seconds_from_now
from jobs.preparing import Attempt, CannotStart, Remover, prepare
from jobs.processes.client import Nursery, NurseryGone, StillSupervised, SupervisedProcess
from jobs.processes.kernel import lease_clock
from jobs.processes.protocol import Ended, ExitRecord, LogGrew, Lost
from jobs.states import SETTLED, JobStatus
from jobs.wakeups import Listener, Topic, listener

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_SECONDS = 1.0  # how often the row is looked at for a wish to stop, in case its wake-up was lost
SHORT_SECONDS = 0.3  # a process that ends within this costs no listener of its own
DATABASE_RETRY_SECONDS, REST_SECONDS = 0.5, 10.0
DATABASE_ERRORS = (OperationalError, InterfaceError)


class Drain:
    """What the cluster wants of its workers; shared memory in a cluster, a plain object elsewhere."""

    def claims_no_more(self) -> bool:
        return False

    def must_stop_now(self) -> bool:
        return False


@dataclass
class Worker:
    """One worker process of a cluster, with its nursery of processes."""

    claimant: Claimant
    drain: Drain = field(default_factory=Drain)
    nursery: Nursery = field(default_factory=Nursery)
    remover: Remover = field(default_factory=Remover)
    _next: Claim | None = None
    leased_at: float = 0.0
    """Just before the lease of the job at hand was written: the supervisor counts from there."""

    def perform_all(self, claim: Claim) -> None:
        """Perform the claim and, without going back to the queue, whatever else can be claimed then."""
        begun = False
        self._next = claim
        while self._next is not None:
            following, self._next = self._next, None
            self._perform(following, begun)
            if self._next is None:
                self._claim_another()
            begun = True

    def _claim_another(self) -> None:
        try:
            if not self.drain.claims_no_more():
                self.leased_at = lease_clock()
                claims = claiming.claim(self.claimant, now=timezone.now(), most=1)
                self._next = claims[0] if claims else None
        except DatabaseError:
            log.exception("Could not claim another job")
            connection.close()

    def _trade(self) -> None:
        """Take the next job in the settling transaction; when that is rolled back, its fence is void."""
        if not self.drain.claims_no_more():
            self.leased_at = lease_clock()
            self._next = claiming.trade(self.claimant, now=timezone.now())

    def _perform(self, claim: Claim, begun: bool) -> None:
        if not begun and not insist(lambda: self._begin(claim)):
            return
        attempt = Attempt(claim.job_id, claim.fence)
        try:
            job, record = self._run(attempt)
            if job is not None and record is not None:
                conclude(attempt, record, job, also=self._trade)
        except CannotStart as error:
            end = End(
                status=JobStatus.ERROR, message=str(error), error_type="user", result=_error_result(error, "user")
            )
            insist(lambda: advancing.settle(claim.job_id, claim.fence, end, now=timezone.now()))
        except UnfitMachine:
            log.exception("Job %s could not be launched on this machine; it goes to another", claim.job_id)
            insist(lambda: rescuing.interrupt(claim.job_id, claim.fence, now=timezone.now(), never_ran=True))
            self._rest()
        except Exception as error:  # the boundary of this process: whatever happened, the job settles
            log.exception("Job %s could not be performed", claim.job_id)
            fail(claim, error)
        self.remover.remove(attempt)

    def _rest(self) -> None:
        """Take nothing for a while: a machine without disk or processes would burn job after job."""
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until and not self.drain.claims_no_more():
            time.sleep(POLL_SECONDS)

    def _begin(self, claim: Claim) -> bool:
        self.leased_at = lease_clock()
        return claiming.begin(claim, self.claimant.worker, now=timezone.now())

    def _run(self, attempt: Attempt) -> tuple[Job | None, ExitRecord | None]:
        """Run the process to its end: the job as it was loaded, and its exit record, None when the claim was void."""
        job = insist(lambda: loading.attempt(attempt.job_id, attempt.fence))
        if job is None or job.is_settled:
            return None, None
        if job.status == JobStatus.TERMINATING:
            insist(lambda: rescuing.interrupt(attempt.job_id, attempt.fence, now=timezone.now()))
            return job, None
        process = self._launch(job, attempt)
        try:
            return job, Watch(attempt, process, number=job.attempt, drain=self.drain).to_the_end()
        except BaseException:
            # Whatever becomes of the job, its configuration may only go on once this process is no more (R5).
            wait_for_its_end(process)
            raise
        finally:
            process.close()

    def _launch(self, job: Job, attempt: Attempt) -> SupervisedProcess:
        try:
            spec = insist(lambda: prepare(job, attempt, leased_at=self.leased_at, now=timezone.now()))
            return self.nursery.launch(spec)
        except (OSError, NurseryGone, StillSupervised) as error:
            raise UnfitMachine(str(error)) from error


class UnfitMachine(Exception):
    """Nothing can be launched here now: no room on the disk, no processes, no descriptors. Not the job's fault."""


def wait_for_its_end(process: SupervisedProcess) -> None:
    """Stop the process and wait until nothing of it runs; its supervisor sees to it within the grace."""
    process.stop("lost")
    while not any(isinstance(message, Ended | Lost) for message in process.receive()):
        select.select([process.fileno()], [], [], POLL_SECONDS)


def conclude(attempt: Attempt, record: ExitRecord, job: Job, *, also: Callable[[], object] | None = None) -> None:
    """Settle the job by its exit record, or take the attempt as interrupted when we stopped it (R12).

    ``also`` is tried once in the settling transaction; what fails of it keeps no job from its end.
    """
    insist(lambda: logs.store(attempt, number=job.attempt))
    if concluding.is_final(record):
        end = concluding.end_of(record, attempt)
        try:
            advancing.settle(attempt.job_id, attempt.fence, end, now=timezone.now(), known=job, also=also)
        except Exception:
            log.warning("Job %s could not be settled together with the next claim", attempt.job_id, exc_info=True)
            insist(lambda: advancing.settle(attempt.job_id, attempt.fence, end, now=timezone.now()))
    else:
        never_ran = concluding.never_ran(record)
        insist(lambda: rescuing.interrupt(attempt.job_id, attempt.fence, now=timezone.now(), never_ran=never_ran))


def fail(claim: Claim, error: Exception) -> None:
    message = "The job could not be performed because of an internal error. The log of the worker says more."
    end = End(
        status=JobStatus.ERROR, message=message, error_type="application", result=_error_result(error, "application")
    )
    insist(lambda: advancing.settle(claim.job_id, claim.fence, end, now=timezone.now()))


def insist(work: Callable[[], T]) -> T:
    """Do it, however long the database is away: everything a worker writes is fenced, so late does no harm."""
    while True:
        try:
            return work()
        except DATABASE_ERRORS:
            log.warning("The database is away; trying again", exc_info=True)
            connection.close()
            time.sleep(DATABASE_RETRY_SECONDS)


class Watch:
    """Follows one running process: stores its log, renews the lease, passes on the wish to stop."""

    def __init__(self, attempt: Attempt, process: SupervisedProcess, *, number: int, drain: Drain) -> None:
        self.attempt = attempt
        self.process = process
        self.number = number
        self.drain = drain
        self.listener: Listener | None = None
        self.started = self.looked = self.renewed = time.monotonic()
        self.record: ExitRecord | None = None
        self.stopping = self.void = self.heard = False

    def to_the_end(self) -> ExitRecord | None:
        """The exit record; None when somebody else owns the job now."""
        try:
            while self.record is None and not self.void:
                self._wait()
                self._take_messages()
                if self.record is None:
                    self._look()
        finally:
            self._stop_listening()
        return None if self.void else self.record

    def _wait(self) -> None:
        running = time.monotonic() - self.started
        timeout = POLL_SECONDS if running > SHORT_SECONDS else SHORT_SECONDS - running + 0.01
        watched: list[int] = [self.process.fileno()]
        self.heard = self._has_heard()
        if self.listener is not None and not self.heard:
            watched.append(self.listener.fileno())
        select.select(watched, [], [], 0 if self.heard else timeout)

    def _has_heard(self) -> bool:
        return self.listener is not None and bool(self._with_database(self.listener.heard))

    def _take_messages(self) -> None:
        for message in self.process.receive():
            if isinstance(message, Ended):
                self.record = message.record
            elif isinstance(message, Lost):
                self.record = rescuing.record_of_lost(self.attempt)
            elif isinstance(message, LogGrew):
                self._with_database(lambda: logs.store(self.attempt, number=self.number))

    def _look(self) -> None:
        now = time.monotonic()
        if self.drain.must_stop_now() and not self.stopping:
            self.stopping = True
            self.process.stop("interrupt")
        if now - self.started < SHORT_SECONDS:
            return
        if self.listener is None:
            self._with_database(self._listen)
        heard = self._has_heard() or self.heard
        if now - self.renewed >= settings.HEARTBEAT_SECONDS:
            self._with_database(self._renew)
        elif heard or now - self.looked >= POLL_SECONDS:
            self.looked = now
            self._with_database(self._look_at_row)

    def _listen(self) -> None:
        heard = listener(Topic.STOP)
        heard.open()
        self.listener = heard
        self._look_at_row()

    def _renew(self) -> None:
        as_of = lease_clock()
        owned = (
            Job.objects.active()
            .filter(pk=self.attempt.job_id, fence=self.attempt.fence)
            .update(lease_until=seconds_from_now(settings.LEASE_SECONDS))
        )
        if owned:
            self.renewed = time.monotonic()
            self.process.renew(as_of)
        self._look_at_row()

    def _look_at_row(self) -> None:
        row = Job.objects.filter(pk=self.attempt.job_id, fence=self.attempt.fence).values_list("status", flat=True)
        status = row.first()
        if status is None or status in SETTLED:
            # Taken over: this process must not go on, and its end is nobody's.
            self.process.stop("lease")
            self.void = True
        elif status == JobStatus.TERMINATING and not self.stopping:
            self.stopping = True
            self.process.stop("terminate")

    def _with_database(self, work: Callable[[], T]) -> T | None:
        """While the database is away the process goes on; its supervisor stops it when the lease gets too old."""
        try:
            return work()
        except DATABASE_ERRORS:
            log.warning("The database is away while job %s runs", self.attempt.job_id)
            connection.close()
            self.listener = None if connection.vendor == "postgresql" else self.listener
            return None

    def _stop_listening(self) -> None:
        if self.listener is not None:
            self._with_database(self.listener.close)


def _error_result(error: Exception, error_type: str) -> dict[str, object]:
    return {"message": str(error) if error_type == "user" else "Internal error", "error": {"type": error_type}}
