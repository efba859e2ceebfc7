"""Who may bring content of its own with a job, in place of what editors have made (R18, R19, DESIGN §8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jobs.models import Job
from orchestrations import access, plans
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Role


def require(job: Job, actor: Actor, now: datetime) -> None:
    """Content that comes with a request may be any program, so it takes more than running what editors have made.

    A person must be an editor. A limited token must reach every component that the content names, and every bucket
    where the content runs with the token of an orchestration instead of its own (R18). Raises Denied, InvalidPlan.
    """
    given = job.request.get("configData")
    if not given:
        return
    if actor.user is not None:
        if job.component_id not in access.READING_COMPONENTS and not _is_again(job):
            access.require(actor, job.project, Role.EDITOR)
    elif job.is_run:
        tasks = list(_tasks_in(given))
        for component_id in sorted({task.component_id for task in tasks}):
            access.require_run(actor, job.project, component_id, now)
        if job.configuration_id is not None or any(map(_is_run_with_content, tasks)):
            access.require_every_bucket(actor, job.project)


def _tasks_in(document: Mapping[str, Any]) -> Iterator[plans.PlanTask]:
    """Its tasks, and those of the orchestrations that stand in them as content of their own. Raises InvalidPlan."""
    for task in plans.parse(document).tasks:
        yield task
        inner = task.request.get("configData")
        if task.component_id == ORCHESTRATOR and inner:
            yield from _tasks_in(inner)


def _is_run_with_content(task: plans.PlanTask) -> bool:
    """Whether the task gives a stored orchestration, and with it that one's token, other tasks to run."""
    is_stored = task.component_id == ORCHESTRATOR and task.configuration_key is not None
    return is_stored and bool(task.request.get("configData"))


def _is_again(job: Job) -> bool:
    """Whether an earlier job ran the very same content: to retry it needs no editor."""
    earlier = job.previous_job
    if earlier is None or (earlier.component_id, earlier.configuration_id) != (job.component_id, job.configuration_id):
        return False
    return bool(earlier.request.get("configData") == job.request["configData"])
