"""What follows from a job's end: its run's next phase, the run's own end, and so on upwards (R1, R2, R11).

Everything below a root is decided after locking the root, in one transaction with the change that caused it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs import afterwards, children, circles, ends, loading, snapshots, startable, watching
from jobs.carrying import intents
from jobs.ends import End as End
from jobs.locking import retried, under_root, was_given_up
from jobs.models import Job
from jobs.moving import Note, move
from jobs.notifying import noticing
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations import plans, tokens
from orchestrations.lib.connections import is_lost
from orchestrations.lib.prepared import Param, Query, Update

log = logging.getLogger(__name__)
CANNOT_GO_ON = "The run could not go on because of an internal error. The log of the workers says more."


# --- Starting a run ----------------------------------------------------------------------------


@retried
def start(run_id: int, *, now: datetime) -> bool:
    """Move a waiting run to processing and create its first phase; False while something holds it up (R5, R7)."""
    with under_root(loading.root_of(run_id)):
        run = startable.find(run_id)
        if run is None:
            return False
        token, sentence = startable.token_for(run, now)
        if sentence:
            refuse(run, sentence, now)
            return True
        try:
            with transaction.atomic():
                moved = move(
                    run.pk,
                    JobStatus.PROCESSING,
                    sources={JobStatus.WAITING},
                    note=Note(kind="job.started", message="The run starts."),
                    now=now,
                    started_at=now,
                    token=token,
                )
        except IntegrityError:
            # Another run of this orchestration became active meanwhile; its end starts this one.
            return False
        if moved:
            if token is not None:
                tokens.note_use(token, now)
            watching.note_start(run.configuration_id, now)
            wake(Topic.WORK)
            _go_on(run_id, now)
        return moved


def start_waiting_runs(*, now: datetime, configuration_id: int | None = None) -> int:
    """Start what can start: of one configuration after its release, of all as the sweep. Returns how many did."""
    runs = Job.objects.waiting().filter(is_run=True, project__paused_at__isnull=True).due()
    if configuration_id is not None:
        runs = runs.filter(configuration=configuration_id)
    ids = list(runs.first_of_their_configuration().order_by("pk").values_list("pk", flat=True)[:100])
    return sum(_tried(run_id, now) for run_id in ids)


def _tried(run_id: int, now: datetime) -> bool:
    """Start it; a run that cannot even be refused holds up no other."""
    try:
        return start(run_id, now=now)
    except Exception as error:
        if is_lost(error):
            raise
        log.exception("Run %s could not be started", run_id)
        return False


def _start_now(run_id: int) -> None:
    start(run_id, now=timezone.now())


def _start_next_of(configuration_id: int) -> None:
    if _WAITING_RUN.rows(of=configuration_id):
        start_waiting_runs(now=timezone.now(), configuration_id=configuration_id)


# --- Settling ----------------------------------------------------------------------------------


@retried
def settle(
    job_id: int,
    fence: str,
    end: End,
    *,
    now: datetime,
    known: Job | None = None,
    also: Callable[[], object] | None = None,
) -> bool:
    """Write a component job's end and whatever follows from it. False: the fence is void, somebody else took over.

    A job that is being terminated ends in terminated, whatever its process did meanwhile (R9).
    ``known``: the job as it was read before; what stands above it never changes.
    ``also`` is done last in the same transaction: a worker claims its next job there, and spares a commit. What fails
    then, of what follows too, fails the whole; tried again without ``also`` it ends the run instead.
    """
    job = known or loading.consequences_of(job_id, fence)
    if job is None:
        return False
    with under_root(job.lock_id):
        moved = move(
            job_id,
            end.status,
            sources={JobStatus.PROCESSING},
            only_fence=fence,
            note=ends.note_of(end),
            now=now,
            message=end.message,
            error_type=end.error_type,
            result=end.result,
        )
        if not moved and not _settle_terminated(job_id, now, only_fence=fence):
            return False
        if moved:
            noticing.notice_end(job, end.status, now)
            intents.keep_with_the_end(job_id, end, now)
        follow(job, now, is_guarded=also is None)
        if also is not None:
            also()
        if moved:
            # Last: a save locks the project before its configuration, and what comes before may lock the project.
            ends.keep_state(job_id, end)
    return True


def refuse(job: Job, sentence: str, now: datetime) -> bool:
    """End a waiting job in error without having run it; the caller holds its root."""
    moved = _refused(job, sentence, now)
    if moved:
        follow(loading.consequences(job.pk), now)
    return moved


def _refused(job: Job, sentence: str, now: datetime) -> bool:
    moved = move(
        job.pk,
        JobStatus.ERROR,
        sources={JobStatus.WAITING},
        note=Note(kind="job.refused", level="error", message=sentence),
        now=now,
        message=sentence,
        error_type="user",
    )
    if moved:
        noticing.notice_end(job, JobStatus.ERROR, now)
    return moved


def follow(settled: Job, now: datetime, *, is_guarded: bool = True) -> None:
    """What a settled job sets going; the caller holds its root, and does it once more guarded if it fails unguarded."""
    wake(Topic.WORK)
    if settled.is_run and settled.configuration_id is not None:
        afterwards.do(partial(_start_next_of, settled.configuration_id))
    if settled.parent_id is not None and not _UNSETTLED_CHILDREN.rows(parent=settled.parent_id):
        if is_guarded:
            _go_on(settled.parent_id, now)
        else:
            _advance(loading.run(settled.parent_id), now)


def _settle_terminated(job_id: int, now: datetime, **where: Any) -> bool:
    note = Note(kind="job.settled", level="warn", message="Terminated.")
    return move(job_id, JobStatus.TERMINATED, note=note, now=now, **where)


# --- Advancing a run ---------------------------------------------------------------------------


def _go_on(run_id: int, now: datetime) -> None:
    """Advance a run without an unsettled job; one that cannot be advanced ends, and what led here stands.

    A failure that every try would meet again must not keep the task that has just ended from being settled.
    """
    try:
        with transaction.atomic():
            _advance(loading.run(run_id), now)
    except Exception as error:
        if is_lost(error) or was_given_up(error):
            raise  # whoever began the transaction tries it again
        log.exception("Run %s could not go on", run_id)
        _break_off(loading.run(run_id), now)


def _break_off(run: Job, now: datetime) -> None:
    """End a run without asking what it has done or would do."""
    if run.status == JobStatus.TERMINATING:
        if _settle_terminated(run.pk, now, result={}):
            follow(run, now)
    else:
        _finish(run, JobStatus.ERROR, now, message=CANNOT_GO_ON, result={})


def _advance(run: Job, now: datetime) -> None:
    """Take a run without an unsettled job as far as it goes now: begin phases until a job waits, or settle it."""
    while run.status in (JobStatus.PROCESSING, JobStatus.TERMINATING):
        if run.status == JobStatus.TERMINATING:
            if _settle_terminated(run.pk, now, result=_result_of(run)):
                follow(run, now)
            return
        try:
            outcomes = [plans.Outcome(*row) for row in _OUTCOMES.rows(parent=run.pk)]
            decision = plans.decide(snapshots.plan_of(run), run.phase_position, outcomes)
        except (snapshots.SnapshotLost, plans.InvalidPlan, plans.InvalidSelection) as error:
            _finish(run, JobStatus.ERROR, now, message=str(error), result={})
            return
        if isinstance(decision, plans.Finish):
            status = JobStatus(decision.status)
            _finish(run, status, now, message=children.message_of(run, status), result=children.result_of(run))
            return
        if _enter(run, decision.position, now):
            return


def _enter(run: Job, position: int, now: datetime) -> bool:
    """Begin the phase at this place; whether the run has nothing more to do until a job of it settles."""
    run.phase_position = position
    _TO_PHASE.run(pk=run.pk, position=position)
    return _begin_phase(run, now)


def _begin_phase(run: Job, now: datetime) -> bool:
    """Create the jobs of the phase that the run has come to; those that may not run end in error at once.

    Whether a job waits now.
    """
    waits = False
    for child, sentence in children.create(run, now):
        problem = sentence or circles.problem_of(child)
        if problem:
            # Not refuse(): its follow() would advance this very run once more.
            _refused(child, problem, now)
            continue
        waits = True
        if child.is_run:
            afterwards.do(partial(_start_now, child.pk))
    return waits


def _finish(run: Job, status: JobStatus, now: datetime, *, message: str, result: dict[str, Any]) -> None:
    end = End(status=status, message=message)
    moved = move(
        run.pk,
        status,
        sources={JobStatus.PROCESSING},
        note=ends.note_of(end),
        now=now,
        message=message,
        error_type="user" if status == JobStatus.ERROR else "",
        result=result,
    )
    if moved:
        noticing.notice_end(run, status, now)
        follow(run, now)


def settle_if_done(run: Job, now: datetime) -> None:
    """End a terminating run none of whose jobs is unsettled, without following; the caller holds its root."""
    if run.status == JobStatus.TERMINATING and not run.children.unsettled().exists():
        _settle_terminated(run.pk, now, result=_result_of(run))


def _result_of(run: Job) -> dict[str, Any]:
    """Of a terminating run, whose end must not hang on what it was asked to do."""
    try:
        return children.result_of(run)
    except (snapshots.SnapshotLost, plans.InvalidPlan, plans.InvalidSelection):
        return {}


# --- Statements, compiled once -----------------------------------------------------------------

_UNSETTLED_CHILDREN = Query(lambda: Job.objects.unsettled().filter(parent=Param("parent")).values_list("pk")[:1])
_OUTCOMES = Query(
    lambda: Job.objects.filter(parent=Param("parent")).values_list("task_key", "status", "continue_on_failure")
)
_WAITING_RUN = Query(lambda: Job.objects.waiting().filter(configuration=Param("of"), is_run=True).values_list("pk")[:1])
_TO_PHASE = Update(lambda: Job.objects.filter(pk=Param("pk")), {"phase_position": Param("position")})
