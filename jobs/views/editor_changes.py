"""What one document of an orchestration has that another has not, in sentences. To be replaced by
``orchestrations.comparing.compare_orchestrations`` when that is here: the signature is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrations import drafts
from orchestrations.drafts import Draft, DraftTask

Names = Mapping[tuple[str, str], str]
"""Names of configurations by component and key, for tasks that have none of their own."""


@dataclass(frozen=True)
class Change:
    kind: str
    sentence: str


def compare_orchestrations(
    old: Mapping[str, Any], new: Mapping[str, Any], *, names: Names | None = None
) -> list[Change]:
    before, after = drafts.read(old), drafts.read(new)
    return [*_of_phases(before, after), *_of_tasks(before, after, names or {})]


def _of_phases(before: Draft, after: Draft) -> list[Change]:
    old = {phase.key: phase.name for phase in before.phases}
    new = {phase.key: phase.name for phase in after.phases}
    changes = [Change("removed", f"Phase “{name}” was removed.") for key, name in old.items() if key not in new]
    changes += [Change("added", f"Phase “{name}” was added.") for key, name in new.items() if key not in old]
    changes += [
        Change("changed", f"Phase “{old[key]}” was renamed to “{name}”.")
        for key, name in new.items()
        if old.get(key, name) != name
    ]
    if [key for key in old if key in new] != [key for key in new if key in old]:
        changes.append(Change("moved", "The order of phases was changed."))
    return changes


def _of_tasks(before: Draft, after: Draft, names: Names) -> list[Change]:
    old = {task.key: (phase, task) for phase in before.phases for task in phase.tasks}
    new = {task.key: (phase, task) for phase in after.phases for task in phase.tasks}
    changes = [
        Change("removed", f"Task “{_name(task, names)}” was removed from phase “{phase.name}”.")
        for key, (phase, task) in old.items()
        if key not in new
    ]
    for key, (phase, task) in new.items():
        if key not in old:
            changes.append(Change("added", f"Task “{_name(task, names)}” was added to phase “{phase.name}”."))
            continue
        if old[key][0].key != phase.key:
            changes.append(Change("moved", f"Task “{_name(task, names)}” was moved to phase “{phase.name}”."))
        changes += [Change("changed", f"Task “{_name(task, names)}” {words}.") for words in _of_task(old[key][1], task)]
    for phase in after.phases:
        stayed = [task.key for task in phase.tasks if task.key in old and old[task.key][0].key == phase.key]
        if stayed != [key for key in old if key in stayed]:
            changes.append(Change("moved", f"The order of tasks in phase “{phase.name}” was changed."))
    return changes


def _of_task(old: DraftTask, new: DraftTask) -> list[str]:
    found = []
    if old.name != new.name:
        found.append("was renamed")
    if old.is_active != new.is_active:
        found.append(f"was switched {'on' if new.is_active else 'off'}")
    if old.continues_on_failure != new.continues_on_failure:
        found.append("continues on failure now" if new.continues_on_failure else "stops the run on failure now")
    if old.parameters != new.parameters:
        found.append("has other parameters")
    if (old.component_id, old.configuration_key) != (new.component_id, new.configuration_key):
        found.append("runs another configuration")
    return found


def _name(task: DraftTask, names: Names) -> str:
    known = names.get((task.component_id, task.configuration_key))
    return task.name or known or f"{task.component_id} {task.configuration_key}".strip()
