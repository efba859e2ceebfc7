"""The tasks of an orchestration as a person chooses among them, for one run or for a retry."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.queries.rows import component_of
from orchestrations import plans, queries
from orchestrations.lib.secrets import mask_document
from orchestrations.models import Project


@dataclass(frozen=True, kw_only=True)
class Choice:
    number: int
    id: str
    name: str
    component: str
    kind: str
    is_active: bool
    is_checked: bool
    parameters: str
    parameters_words: str
    last_status: str


@dataclass(frozen=True, kw_only=True)
class ChoicePhase:
    key: str
    name: str
    from_url: str
    tasks: list[Choice]


def phases_of(
    plan: plans.Plan,
    chosen: Collection[str],
    *,
    project: Project,
    from_url: str,
    statuses: Mapping[str, str] | None = None,
) -> list[ChoicePhase]:
    """Phases with their tasks, the empty ones left out; ``statuses``: how the tasks ended in the job to be retried."""
    names = queries.names_of(project, [task.configuration_key for task in plan.tasks if task.configuration_key])
    numbers = {task.key: number for number, task in enumerate(plan.tasks, 1)}
    return [
        ChoicePhase(
            key=str(place),
            name=phase.name,
            from_url=f"{from_url}{place}",
            tasks=[
                _choice(task, numbers[task.key], task.key in chosen, names, (statuses or {}).get(task.key, ""))
                for task in phase.tasks
            ],
        )
        for place, phase in enumerate(plan.phases)
        if phase.tasks
    ]


def place_of(text: str) -> int | None:
    """The phase that ``?from=`` names; None for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def active_from(plan: plans.Plan, place: int) -> list[str]:
    """The active tasks of this phase and of every phase after it."""
    return [task.key for phase in plan.phases[place:] for task in phase.tasks if task.enabled]


def name_of(task: plans.PlanTask, names: Mapping[tuple[str, str], str]) -> str:
    return task.name or names.get((task.component_id, task.configuration_key or ""), "") or task.component_id


def _choice(
    task: plans.PlanTask, number: int, is_checked: bool, names: Mapping[tuple[str, str], str], last_status: str
) -> Choice:
    component, kind = component_of(task.component_id)
    count = len(task.request)
    return Choice(
        number=number,
        id=task.key,
        name=name_of(task, names),
        component=component,
        kind=kind,
        is_active=task.enabled,
        is_checked=is_checked,
        parameters=pretty(task.request) if count else "",
        parameters_words=f"{count} parameter" if count == 1 else f"{count} parameters",
        last_status=last_status,
    )


def pretty(document: Mapping[str, Any]) -> str:
    """For people: indented, with its secrets masked."""
    return json.dumps(mask_document(dict(document)), indent=2, ensure_ascii=False)
