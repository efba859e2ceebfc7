"""A worker's work on one claimed job: its processes from start to end, and the job's own end (DESIGN §5)."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from jobs import advancing, claiming, concluding, loading, logs, rescuing
from jobs.carrying import inputs, intents, outputs
from jobs.carrying.course import TRY_AGAIN_SECONDS, Course
from jobs.carrying.program import Failed, Stopped
from jobs.claiming import Claim, Claimant
from jobs.ends import End
from jobs.models import Job
from jobs.preparing import Attempt, CannotStart, Prepared, Remover, prepare
from jobs.processes.client import Nursery, NurseryGone, StillSupervised, SupervisedProcess
from jobs.processes.kernel import lease_clock
from jobs.processes.protocol import Ended, ExitRecord, Lost, ProcessSpec
from jobs.states import JobStatus
from jobs.supervising import POLL_SECONDS, Drain, UnfitMachine, Watch, insist
from orchestrations.mappings import NOTHING, Mapping

log = logging.getLogger(__name__)

REST_SECONDS = 10.0
INTERNAL = "The job could not be performed because of an internal error. The log of the worker says more."


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
        is_over = True
        try:
            is_over = self._run(attempt)
        except CannotStart as error:
            fail(claim, str(error), "user")
        except Failed as error:
            fail(claim, error.message, error.error_type)
        except UnfitMachine:
            log.exception("Job %s could not be launched on this machine; it goes to another", claim.job_id)
            insist(lambda: rescuing.interrupt(claim.job_id, claim.fence, now=timezone.now(), never_ran=True))
            self._rest()
        except Exception:  # the boundary of this process: whatever happened, the job settles
            log.exception("Job %s could not be performed", claim.job_id)
            fail(claim, INTERNAL, "application")
        if is_over:
            self.remover.remove(attempt)

    def _rest(self) -> None:
        """Take nothing for a while: a machine without disk or processes would burn job after job."""
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until and not self.drain.claims_no_more():
            time.sleep(POLL_SECONDS)

    def _begin(self, claim: Claim) -> bool:
        self.leased_at = lease_clock()
        return claiming.begin(claim, self.claimant.worker, now=timezone.now())

    def _run(self, attempt: Attempt) -> bool:
        """Run the component, with its tables before and after it. False: a rescuer gives the attempt to another."""
        job = insist(lambda: loading.attempt(attempt.job_id, attempt.fence))
        if job is None or job.is_settled:
            return True
        if job.status == JobStatus.TERMINATING:
            insist(lambda: rescuing.interrupt(attempt.job_id, attempt.fence, now=timezone.now()))
            return True
        course = Course(job, attempt, partial(self._run_beside, job, attempt))
        # Two cheap signs that somebody has worked on it before, so that other jobs pay nothing for it.
        if (job.attempt > 1 or attempt.folder.exists()) and course.has_begun():
            return self._finish(course, job, attempt)
        prepared = self._prepare(job, attempt)
        if prepared.mapping.inputs and not self._bring_in(course, prepared.mapping):
            return True
        record = self._process(job, attempt, prepared.spec)
        if record is None:
            return True
        if concluding.is_success(record) and (prepared.mapping.outputs or outputs.are_there(attempt)):
            insist(lambda: logs.store(attempt, number=job.attempt))
            return self._finish(course, job, attempt, record, prepared.mapping)
        conclude(attempt, record, job, read=prepared.mapping, also=self._trade)
        return True

    def _bring_in(self, course: Course, mapping: Mapping) -> bool:
        """False: it was stopped before its component, and that is seen to."""
        try:
            course.bring_in(mapping)
        except Stopped as stopped:
            if stopped.record is not None:
                job_id, fence = course.attempt.job_id, course.attempt.fence
                insist(lambda: rescuing.interrupt(job_id, fence, now=timezone.now(), never_ran=True))
            return False
        finally:
            insist(lambda: logs.store(course.attempt, number=course.job.attempt))
        return True

    def _finish(self, course: Course, job: Job, attempt: Attempt, *done: Any) -> bool:
        end = course.finish(*done)
        insist(lambda: logs.store(attempt, number=job.attempt))
        if end is not None:
            settle(attempt, end, job, also=self._trade)
        return not course.is_left

    def _run_beside(self, job: Job, attempt: Attempt, spec: ProcessSpec) -> ExitRecord | None:
        """Run another process of the attempt, with a fresh lease."""
        leased_at = lease_clock()
        if not insist(lambda: claiming.renew(attempt.job_id, attempt.fence)):
            return None
        return self._process(job, attempt, replace(spec, leased_at=leased_at))

    def _prepare(self, job: Job, attempt: Attempt) -> Prepared:
        try:
            return insist(lambda: prepare(job, attempt, leased_at=self.leased_at, now=timezone.now()))
        except OSError as error:
            raise UnfitMachine(str(error)) from error

    def _process(self, job: Job, attempt: Attempt, spec: ProcessSpec) -> ExitRecord | None:
        """The exit record, None when the claim was void."""
        try:
            process = self.nursery.launch(spec)
        except (OSError, NurseryGone, StillSupervised) as error:
            raise UnfitMachine(str(error)) from error
        try:
            return Watch(attempt, process, number=job.attempt, drain=self.drain, stage=spec.stage).to_the_end()
        except BaseException:
            # Whatever becomes of the job, its configuration may only go on once this process is no more (R5).
            wait_for_its_end(process)
            raise
        finally:
            process.close()


def wait_for_its_end(process: SupervisedProcess) -> None:
    """Stop the process and wait until nothing of it runs; its supervisor sees to it within the grace."""
    process.stop("lost")
    while not any(isinstance(message, Ended | Lost) for message in process.receive()):
        select.select([process.fileno()], [], [], POLL_SECONDS)


def conclude(
    attempt: Attempt, record: ExitRecord, job: Job, *, read: Mapping = NOTHING, also: Callable[[], object] | None = None
) -> None:
    """Settle the job by its exit record, or take the attempt as interrupted when we stopped it (R12).

    ``read``: of it the input tables are told. ``also`` is tried once in the settling transaction; what fails of it
    keeps no job from its end.
    """
    insist(lambda: logs.store(attempt, number=job.attempt))
    if concluding.is_final(record):
        end = concluding.end_of(record, attempt)
        if end.status == JobStatus.SUCCESS:
            end = replace(end, result=inputs.in_result(end.result, attempt, read))
        settle(attempt, end, job, also=also)
    else:
        never_ran = concluding.never_ran(record)
        insist(lambda: rescuing.interrupt(attempt.job_id, attempt.fence, now=timezone.now(), never_ran=never_ran))


def settle(attempt: Attempt, end: End, job: Job, *, also: Callable[[], object] | None) -> None:
    try:
        advancing.settle(attempt.job_id, attempt.fence, end, now=timezone.now(), known=job, also=also)
    except Exception:
        log.warning("Job %s could not be settled together with the next claim", attempt.job_id, exc_info=True)
        insist(lambda: advancing.settle(attempt.job_id, attempt.fence, end, now=timezone.now()))


def fail(claim: Claim, message: str, error_type: str) -> None:
    """End the job in error, unless its import is decided: that is tried again instead."""
    if insist(lambda: intents.is_decided(claim.job_id)):
        insist(lambda: intents.release(claim.job_id, claim.fence, seconds=TRY_AGAIN_SECONDS))
        return
    end = concluding.error_end(message, error_type)
    insist(lambda: advancing.settle(claim.job_id, claim.fence, end, now=timezone.now()))
