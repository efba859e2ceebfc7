"""What follows from a job's end: its run's next phase, the run's own end, and so on upwards (R1, R2, R11).

Everything below a root is decided after locking the root, in one transaction with the change that caused it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from jobs import afterwards, children, circles, ends, loading, snapshots
from jobs.ends import End as End
from jobs.locking import retried, under_root, was_given_up
from jobs.models import Job
from jobs.moving import Note, move
from jobs.prepared import Param, Query, Update
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations import access, plans
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Token

log = logging.getLogger(__name__)
CANNOT_GO_ON = "The run could not go on because of an internal error. The log of the workers says more."


# --- Starting a run ----------------------------------------------------------------------------


@retried
def start(run_id: int, *, now: datetime) -> bool:
    """Move a waiting run to processing and create its first phase; False while something holds it up (R5, R7)."""
    lock_id = Job.objects.filter(pk=run_id).values_list("root_id", flat=True).first() or run_id
    with under_root(lock_id):
        run = _startable(run_id)
        if run is None:
            return False
        token, sentence = _token_for(run, now)
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
            _advance(loading.run(run_id), now)
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
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("Run %s could not be started", run_id)
        return False


def _start_now(run_id: int) -> None:
    start(run_id, now=timezone.now())


def _start_next_of(configuration_id: int) -> None:
    if _WAITING_RUN_OF.rows(configuration=configuration_id):
        start_waiting_runs(now=timezone.now(), configuration_id=configuration_id)


def _startable(run_id: int) -> Job | None:
    job: Job | None = (
        Job.objects.waiting()
        .due()
        .first_of_their_configuration()
        .filter(pk=run_id, is_run=True, project__paused_at__isnull=True)
        .select_related("configuration", "parent__token", "created_with", "created_by", "project")
        .first()
    )
    return job


def _token_for(run: Job, now: datetime) -> tuple[Token | None, str | None]:
    """The token that the run is bound to from here on, and why it may not run with it (R18)."""
    if run.configuration_id is not None:
        token = Token.objects.filter(orchestration=run.configuration_id, replaced_at__isnull=True).first()
    else:
        token = run.parent.token if run.parent is not None else run.created_with
    if token is None and run.configuration_id is None and run.created_by_id is not None:
        return None, None
    return token, access.refusal(token, component_id=ORCHESTRATOR, now=now, bound=run.configuration_id is None)


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
    ``also`` is done last in the same transaction: a worker claims its next job there, and spares a commit.
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
        follow(job, now)
        if also is not None:
            also()
        if moved:
            # Last: a save locks the project before its configuration, and what comes before may lock the project.
            ends.keep_state(job_id, end)
    return True


def refuse(job: Job, sentence: str, now: datetime) -> bool:
    """End a waiting job in error without having run it; the caller holds its root."""
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
        follow(loading.consequences(job.pk), now)
    return moved


def follow(settled: Job, now: datetime) -> None:
    """What a settled job sets going; the caller holds its root."""
    wake(Topic.WORK)
    if settled.is_run and settled.configuration_id is not None:
        afterwards.do(partial(_start_next_of, settled.configuration_id))
    if settled.parent_id is not None and not _UNSETTLED_CHILDREN.rows(parent=settled.parent_id):
        _advance(loading.run(settled.parent_id), now)


def _settle_terminated(job_id: int, now: datetime, **where: Any) -> bool:
    return move(
        job_id,
        JobStatus.TERMINATED,
        note=Note(kind="job.settled", level="warn", message="Terminated."),
        now=now,
        **where,
    )


# --- Advancing a run ---------------------------------------------------------------------------


def _advance(run: Job, now: datetime) -> None:
    """Take a run without an unsettled job as far as it goes now: begin phases until a job waits, or settle it."""
    while run.status in (JobStatus.PROCESSING, JobStatus.TERMINATING):
        if run.status == JobStatus.TERMINATING:
            if _settle_terminated(run.pk, now, result=children.result_of(run)):
                follow(run, now)
            return
        try:
            decision = plans.decide(snapshots.plan_of(run), run.phase_position, _outcomes(run))
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
    try:
        with transaction.atomic():
            _TO_PHASE.run(pk=run.pk, position=position)
            return _begin_phase(run, now)
    except Exception as error:
        if isinstance(error, OperationalError | InterfaceError) or was_given_up(error):
            raise  # whoever began the transaction tries it again
        # It would fail at every try, and the task that has just ended could never be settled.
        log.exception("Phase %s of run %s could not be begun", position, run.pk)
        _finish(run, JobStatus.ERROR, now, message=CANNOT_GO_ON, result={})
        return True


def _outcomes(run: Job) -> Sequence[plans.Outcome]:
    return [plans.Outcome(*row) for row in _OUTCOMES.rows(parent=run.pk)]


def _begin_phase(run: Job, now: datetime) -> bool:
    """Create the jobs of the phase that the run has come to; those that may not run end in error at once.

    Whether a job waits now.
    """
    waits = False
    for child, sentence in children.create(run, now):
        problem = sentence or circles.problem_of(child)
        if problem:
            # Not refuse(): its follow() would advance this very run once more.
            move(
                child.pk,
                JobStatus.ERROR,
                sources={JobStatus.WAITING},
                note=Note(kind="job.refused", level="error", message=problem),
                now=now,
                message=problem,
                error_type="user",
            )
            continue
        waits = True
        if child.is_run:
            afterwards.do(partial(_start_now, child.pk))
    wake(Topic.WORK)
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
        follow(run, now)


def settle_if_done(run: Job, now: datetime) -> None:
    """End a terminating run none of whose jobs is unsettled, without following; the caller holds its root."""
    if run.status == JobStatus.TERMINATING and not run.children.unsettled().exists():
        _settle_terminated(run.pk, now, result=children.result_of(run))


# --- Statements, compiled once -----------------------------------------------------------------

_UNSETTLED_CHILDREN = Query(lambda: Job.objects.unsettled().filter(parent=Param("parent")).values_list("pk")[:1])
_OUTCOMES = Query(
    lambda: Job.objects.filter(parent=Param("parent")).values_list("task_key", "status", "continue_on_failure")
)
_WAITING_RUN_OF = Query(
    lambda: Job.objects.waiting().filter(configuration=Param("configuration"), is_run=True).values_list("pk")[:1]
)
_TO_PHASE = Update(lambda: Job.objects.filter(pk=Param("pk")), {"phase_position": Param("position")})
