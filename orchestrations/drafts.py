"""A draft of an orchestration: its phases and tasks while a person edits them. Pure: no model, no clock, no chance.

A draft holds the document's own objects, so that what we do not know of them survives. Every function gives a new
draft; ids of new phases and tasks come from the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrations import plans

NAME_LENGTH = 255
NEW_PHASE = "New phase"
OWN_FIELDS = ("component", "configuration", "mode", "token")


class Refused(ValueError):
    """The draft cannot be changed like that and stays as it is; the sentence is for the user."""


@dataclass(frozen=True, kw_only=True)
class DraftTask:
    key: str
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.raw.get("name") or "").strip()

    @property
    def component_id(self) -> str:
        return str(self.raw["task"]["componentId"])

    @property
    def configuration_key(self) -> str:
        asked = self.raw["task"]
        return str(asked.get("configId") or asked.get("configurationId") or "")

    @property
    def content(self) -> Any:
        """What it runs in place of a configuration's document."""
        return self.raw["task"].get("configData")

    @property
    def is_active(self) -> bool:
        return bool(self.raw.get("enabled", True))

    @property
    def continues_on_failure(self) -> bool:
        return bool(self.raw.get("continueOnFailure", False))

    @property
    def parameters(self) -> dict[str, Any]:
        """What the task changes in the run request."""
        return {name: value for name, value in self.raw["task"].items() if name not in plans.FIXED_IN_REQUEST}


@dataclass(frozen=True, kw_only=True)
class DraftPhase:
    key: str
    raw: Mapping[str, Any]
    tasks: tuple[DraftTask, ...] = ()

    @property
    def name(self) -> str:
        return str(self.raw.get("name") or "").strip() or f"Phase {self.key}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    phases: tuple[DraftPhase, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tasks(self) -> list[DraftTask]:
        return [task for phase in self.phases for task in phase.tasks]

    def phase(self, key: str) -> DraftPhase:
        return self.phases[self.place_of_phase(key)]

    def place_of_phase(self, key: str) -> int:
        for place, phase in enumerate(self.phases):
            if phase.key == key:
                return place
        raise Refused("This phase is not here any more.")

    def task(self, key: str) -> DraftTask:
        phase, place = self.place_of_task(key)
        return self.phases[phase].tasks[place]

    def place_of_task(self, key: str) -> tuple[int, int]:
        """The places of its phase and, in there, of the task."""
        for place, phase in enumerate(self.phases):
            for inner, task in enumerate(phase.tasks):
                if task.key == key:
                    return place, inner
        raise Refused("This task is not here any more.")


# --- From and to the document ------------------------------------------------------------------


def read(document: Mapping[str, Any]) -> Draft:
    """Raises plans.InvalidPlan."""
    plan = plans.parse(document)
    phases = {str(raw["id"]): raw for raw in document.get("phases") or []}
    tasks = {str(raw["id"]): raw for raw in document.get("tasks") or []}
    return Draft(
        phases=tuple(
            DraftPhase(
                key=phase.key,
                raw=phases[phase.key],
                tasks=tuple(DraftTask(key=task.key, raw=tasks[task.key]) for task in phase.tasks),
            )
            for phase in plan.phases
        ),
        rest={name: value for name, value in document.items() if name not in ("phases", "tasks")},
    )


def write(draft: Draft, *, with_empty: bool = False) -> dict[str, Any]:
    """The document. Empty phases are not saved; only a draft that travels keeps them."""
    phases = [phase for phase in draft.phases if phase.tasks or with_empty]
    before = [[], *([phase.raw["id"]] for phase in phases)]
    return {
        **draft.rest,
        "phases": [
            {**phase.raw, "name": phase.name, "dependsOn": awaited}
            for phase, awaited in zip(phases, before, strict=False)
        ],
        "tasks": [{**task.raw, "phase": phase.raw["id"]} for phase in phases for task in phase.tasks],
    }


# --- Phases ------------------------------------------------------------------------------------


def add_phase(draft: Draft, key: str, name: str = "") -> Draft:
    """At the end."""
    phase = DraftPhase(key=key, raw={"id": key, "name": _short(name) or NEW_PHASE})
    return replace(draft, phases=(*draft.phases, phase))


def name_phases(draft: Draft, names: Mapping[str, str]) -> Draft:
    """New names by key; a blank one changes nothing."""

    def named(phase: DraftPhase) -> DraftPhase:
        name = _short(names.get(phase.key, ""))
        return replace(phase, raw={**phase.raw, "name": name}) if name and name != phase.name else phase

    return replace(draft, phases=tuple(map(named, draft.phases)))


def move_phase(draft: Draft, key: str, place: int) -> Draft:
    """To this place among the others; too far is the end."""
    moved = draft.phase(key)
    others = [phase for phase in draft.phases if phase is not moved]
    place = max(0, place)
    return replace(draft, phases=(*others[:place], moved, *others[place:]))


def step_phase(draft: Draft, key: str, step: int) -> Draft:
    return move_phase(draft, key, draft.place_of_phase(key) + step)


def merge_phases(draft: Draft, keys: Collection[str]) -> Draft:
    """All tasks of these phases into the first of them."""
    merged = [phase for phase in draft.phases if phase.key in keys]
    if len(merged) < 2:
        raise Refused("Select at least two phases to merge.")
    first = replace(merged[0], tasks=tuple(task for phase in merged for task in phase.tasks))
    kept = (first if phase is merged[0] else phase for phase in draft.phases if phase not in merged[1:])
    return replace(draft, phases=tuple(kept))


def group_tasks(draft: Draft, headings: Mapping[str, str], order: Sequence[str], keys: Mapping[str, str]) -> Draft:
    """One phase for each heading that has tasks, in this order. ``headings``: by component; ``keys``: of new phases."""
    if not draft.tasks:
        raise Refused("There are no tasks to group.")
    known = {phase.name: phase for phase in reversed(draft.phases)}
    phases = []
    for heading in order:
        tasks = tuple(task for task in draft.tasks if headings[task.component_id] == heading)
        if tasks:
            phase = known.get(heading) or DraftPhase(key=keys[heading], raw={"id": keys[heading], "name": heading})
            phases.append(replace(phase, tasks=tasks))
    return replace(draft, phases=tuple(phases))


# --- Tasks -------------------------------------------------------------------------------------


def add_task(draft: Draft, phase_key: str, key: str, component_id: str, configuration_key: str) -> Draft:
    """At the end of the phase. It has no name of its own: it is called as its configuration is."""
    raw = {
        "id": key,
        "name": "",
        "enabled": True,
        "continueOnFailure": False,
        "task": {"componentId": component_id, "configId": configuration_key, "mode": "run"},
    }
    return _insert(draft, [DraftTask(key=key, raw=raw)], phase_key, len(draft.phase(phase_key).tasks))


def remove(draft: Draft, tasks: Collection[str], phases: Collection[str] = ()) -> Draft:
    """These tasks, and these phases with all of theirs."""
    if not tasks and not phases:
        raise Refused("Select the tasks or phases to delete.")
    return replace(draft, phases=tuple(_without(phase, tasks) for phase in draft.phases if phase.key not in phases))


def move_tasks(draft: Draft, keys: Collection[str], phase_key: str, place: int | None = None) -> Draft:
    """Into the phase in the order they have, before what is at this place then; without a place at its end."""
    moved = [task for task in draft.tasks if task.key in keys]
    if not moved:
        raise Refused("Select the tasks to move.")
    draft.phase(phase_key)
    left = replace(draft, phases=tuple(_without(phase, keys) for phase in draft.phases))
    return _insert(left, moved, phase_key, len(left.phase(phase_key).tasks) if place is None else max(0, place))


def step_task(draft: Draft, key: str, step: int) -> Draft:
    """One up (-1) or down (1); over the edge of its phase into the next one."""
    phase, place = draft.place_of_task(key)
    if 0 <= place + step < len(draft.phases[phase].tasks):
        return move_tasks(draft, [key], draft.phases[phase].key, place + step)
    if not 0 <= phase + step < len(draft.phases):
        return draft
    return move_tasks(draft, [key], draft.phases[phase + step].key, None if step < 0 else 0)


def mark_tasks(draft: Draft, shown: Collection[str], active: Collection[str], continuing: Collection[str]) -> Draft:
    """The two boxes of the tasks that were ``shown``."""

    def marked(task: DraftTask) -> DraftTask:
        changes: dict[str, Any] = {}
        if task.key in shown and task.is_active is not (task.key in active):
            changes["enabled"] = not task.is_active
        if task.key in shown and task.continues_on_failure is not (task.key in continuing):
            changes["continueOnFailure"] = not task.continues_on_failure
        return replace(task, raw={**task.raw, **changes}) if changes else task

    return _each_task(draft, marked)


def set_parameters(draft: Draft, key: str, name: str, parameters: Mapping[str, Any]) -> Draft:
    """The name of a task and what it changes in the run request. Raises Refused (R8)."""
    forbidden = sorted(plans.FIXED_IN_REQUEST & set(parameters))
    if forbidden:
        fields = f"{', '.join(OWN_FIELDS[:-1])} and {OWN_FIELDS[-1]}"
        raise Refused(f'"{forbidden[0]}" cannot stand here: task parameters cannot change {fields}.')
    draft.place_of_task(key)

    def changed(task: DraftTask) -> DraftTask:
        if task.key != key:
            return task
        fixed = {name: value for name, value in task.raw["task"].items() if name in plans.FIXED_IN_REQUEST}
        return replace(task, raw={**task.raw, "name": _short(name), "task": {**fixed, **parameters}})

    new = _each_task(draft, changed)
    try:
        plans.parse(write(new))
    except plans.InvalidPlan as error:
        raise Refused(str(error).split(".task.", 1)[-1]) from error
    return new


def _short(name: str) -> str:
    return name.replace("\x00", "").strip()[:NAME_LENGTH]


def _without(phase: DraftPhase, keys: Collection[str]) -> DraftPhase:
    return replace(phase, tasks=tuple(task for task in phase.tasks if task.key not in keys))


def _each_task(draft: Draft, change: Any) -> Draft:
    return replace(draft, phases=tuple(replace(phase, tasks=tuple(map(change, phase.tasks))) for phase in draft.phases))


def _insert(draft: Draft, tasks: Iterable[DraftTask], phase_key: str, place: int) -> Draft:
    return replace(
        draft,
        phases=tuple(
            replace(phase, tasks=(*phase.tasks[:place], *tasks, *phase.tasks[place:]))
            if phase.key == phase_key
            else phase
            for phase in draft.phases
        ),
    )
