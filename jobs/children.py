"""The jobs of a run's tasks: creating those of a phase, and summing all of them up."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from jobs import snapshots
from jobs.models import Job, JobEvent
from jobs.states import JobStatus
from orchestrations import access, plans
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR, UnknownComponent
from orchestrations.editing import lock_project
from orchestrations.lib import prepared
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Configuration

MESSAGE_PART = 500


def create(run: Job, now: datetime) -> list[tuple[Job, str | None]]:
    """Create the waiting jobs of the phase the run has come to; beside each why it may not run, if so.

    The caller holds the root, and tells the refused ones. Nested runs are created under a lock of the project, so
    that two runs that would wait for each other see each other (R8).
    """
    assert run.phase_position is not None
    phase = snapshots.plan_of(run).phases[run.phase_position]
    if any(task.component_id == ORCHESTRATOR for task in phase.tasks):
        lock_project(run.project_id)
    configurations = _configurations(run, phase)
    jobs = []
    sentences: list[str | None] = []
    for task in phase.tasks:
        configuration = configurations.get((task.component_id, task.configuration_key))
        jobs.append(_child(run, task, configuration, now))
        sentences.append(_refusal(run, task, configuration, now))
    event = JobEvent(at=now, kind="job.created", message=f"Created for {phase.name} of job {run.pk}.")
    prepared.insert_and_tell(jobs, event, "job_id")
    return list(zip(jobs, sentences, strict=True))


def _configurations(run: Job, phase: plans.PlanPhase) -> dict[tuple[str, str | None], Configuration]:
    keys = sorted({task.configuration_key for task in phase.tasks if task.configuration_key is not None})
    given = {f"key_{place}": key for place, key in enumerate(keys)}
    found = _by_keys(len(keys)).instances(project=run.project_id, **given) if keys else []
    return {(each.component_id, each.key): each for each in found}


@lru_cache(maxsize=100)
def _by_keys(count: int) -> Query[Configuration]:
    keys = [Param(f"key_{place}") for place in range(count)]
    wanted = ("component_id", "key", "name", "version", "is_disabled", "deleted_at")
    return Query(lambda: Configuration.objects.filter(project=Param("project"), key__in=keys).only(*wanted))


def _child(run: Job, task: plans.PlanTask, configuration: Configuration | None, now: datetime) -> Job:
    """The newest version as it is now is what the child runs (R4)."""
    try:
        label = catalogue.get(task.component_id).label
    except UnknownComponent:
        label = ""
    return Job(
        project_id=run.project_id,
        root_id=run.lock_id,
        parent=run,
        parent_run_id=run.run_id,
        component_id=task.component_id,
        is_run=task.component_id == ORCHESTRATOR,
        configuration=configuration,
        configuration_version=configuration.version if configuration else None,
        name=(task.name or (configuration.name if configuration else "") or task.component_id)[:255],
        request=dict(task.request),
        task_key=task.key,
        phase_key=snapshots.plan_of(run).phases[run.phase_position or 0].key,
        phase_position=None,
        continue_on_failure=task.continue_on_failure,
        created_at=now,
        cause=run.cause,
        created_by_id=run.created_by_id,
        created_with_id=run.created_with_id,
        token_id=None if task.component_id == ORCHESTRATOR else run.token_id,
        had_token=run.had_token or run.token_id is not None,
        label=label,
    )


def _refusal(run: Job, task: plans.PlanTask, configuration: Configuration | None, now: datetime) -> str | None:
    try:
        catalogue.get(task.component_id)
    except UnknownComponent as error:
        return str(error)
    if task.configuration_key is not None:
        if configuration is None:
            return f"The configuration {task.configuration_key} of {task.component_id} does not exist any more."
        if configuration.deleted_at is not None:
            return f"The configuration {configuration.name} is in the trash."
        if configuration.is_disabled:
            return f"The configuration {configuration.name} is disabled."
    if run.token is None and run.configuration_id is None and not run.had_token:
        return None
    return access.refusal(run.token, component_id=task.component_id, now=now, bound=True)


# --- Summing up --------------------------------------------------------------------------------


def message_of(run: Job, status: JobStatus) -> str:
    """One sentence or a few: which tasks were not good, and what they said."""
    if status == JobStatus.SUCCESS:
        return ""
    failed = run.children.settled().exclude(status=JobStatus.SUCCESS).order_by("pk")
    parts = []
    for child in failed.only("name", "status", "message", "continue_on_failure")[:5]:
        said = child.message.strip().split("\n")[0][:MESSAGE_PART]
        parts.append(f"Task {child.name} ended in {child.status}" + (f": {said}" if said else "."))
    return "\n".join(parts)


def result_of(run: Job) -> dict[str, Any]:
    """The API's result of an orchestration: its tasks and phases with how they ended, also those not executed."""
    plan = snapshots.plan_of(run)
    by_task = {child.task_key: child for child in run.children.all()}
    tasks = []
    phases = []
    for phase in plan.phases:
        jobs = [by_task[task.key] for task in phase.tasks if task.key in by_task]
        tasks += [_task_result(task, phase, by_task.get(task.key)) for task in phase.tasks]
        if phase.tasks:
            phases.append(_phase_result(phase, jobs))
    return {"tasks": tasks, "phases": phases}


def _task_result(task: plans.PlanTask, phase: plans.PlanPhase, job: Job | None) -> dict[str, Any]:
    return {
        "id": task.key,
        "name": (job.name if job else task.name) or task.component_id,
        "phase": phase.key,
        "type": "job",
        "jobId": str(job.pk) if job else None,
        "status": job.status if job else None,
        "component": task.component_id,
        "duration": job.duration_seconds if job else None,
        "startTime": job.started_at.isoformat() if job and job.started_at else None,
        "results": [],
    }


def _phase_result(phase: plans.PlanPhase, jobs: list[Job]) -> dict[str, Any]:
    starts = [job.created_at for job in jobs]
    ends = [job.finished_at for job in jobs if job.finished_at]
    outcomes = [plans.Outcome(job.task_key, job.status, job.continue_on_failure) for job in jobs]
    status: JobStatus | None = None
    if jobs:
        status = JobStatus.ERROR if any(each.stops_the_run for each in outcomes) else JobStatus.SUCCESS
        if status == JobStatus.SUCCESS and not all(each.is_good for each in outcomes):
            status = JobStatus.WARNING
    return {
        "id": phase.key,
        "name": phase.name,
        "status": status,
        "duration": (max(ends) - min(starts)).total_seconds() if starts and ends else None,
        "startTime": min(starts).isoformat() if starts else None,
    }
