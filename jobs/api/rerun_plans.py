"""``GET orchestration-rerun-plan/{jobId}``: what a retry of a run could execute (R10)."""

from __future__ import annotations

from typing import Any

from jobs import launching
from jobs.api.jobs import find_job
from jobs.api.schemas import RERUN_PLAN
from jobs.launching import Refused
from jobs.models import Job
from jobs.snapshots import SnapshotLost
from orchestrations.api.errors import QUEUE, ApiError
from orchestrations.api.operations import operation
from orchestrations.api.wire import Call, endpoint
from orchestrations.plans import InvalidPlan, PlanTask


@operation("Show what a retry of a run could execute", {200: RERUN_PLAN})
def _show(call: Call, job_id: str) -> Any:
    """The tasks of the orchestration as it is now, each with its job of this run; ``isChosen``: retried by default."""
    run = find_job(call, job_id)
    if not run.is_run:
        raise ApiError(400, f"Job {run.pk} is not the run of an orchestration.")
    try:
        chosen = set(launching.default_retry_selection(run))
        plan = launching.newest_plan_of(run)
    except (Refused, SnapshotLost, InvalidPlan) as error:
        raise ApiError(400, str(error)) from error
    by_task = {child.task_key: child for child in run.children.only("task_key", "status", "parent_id")}
    return {
        "jobId": str(run.pk),
        "configId": run.configuration.key if run.configuration is not None else None,
        "matchedTasks": [_task(task, by_task.get(task.key), task.key in chosen) for task in plan.tasks],
    }


def _task(task: PlanTask, job: Job | None, is_chosen: bool) -> dict[str, Any]:
    return {
        "taskId": task.key,
        "matched": job is not None,
        "jobId": str(job.pk) if job is not None else None,
        "componentId": task.component_id,
        "configId": task.configuration_key,
        "status": job.status if job is not None else None,
        "isChosen": is_chosen,
    }


rerun_plan = endpoint(QUEUE, get=_show)
