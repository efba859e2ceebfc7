"""What changed between two versions, in sentences. Pure: documents in, changes out; secrets are never shown.

Tasks and phases are recognised by their ids, so that one that has been moved or renamed is still the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from orchestrations import plans
from orchestrations.lib import differences
from orchestrations.lib.differences import NOTHING, Difference, Line
from orchestrations.lib.secrets import MASK
from orchestrations.plans import PlanPhase, PlanTask

Names = Mapping[tuple[str, str], str]
"""Names of configurations by component and key, for tasks that have none of their own."""

IN_A_TASK = frozenset({"id", "name", "phase", "task", "enabled", "continueOnFailure"})
IN_A_PHASE = frozenset({"id", "name", "dependsOn"})


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(frozen=True)
class Change:
    """One thing that is different now; ``lines`` where a value says more than a sentence can."""

    kind: ChangeKind
    sentence: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Basics:
    """What every version has beside its document."""

    name: str
    description: str
    is_disabled: bool = False


def compare_basics(old: Basics, new: Basics) -> list[Change]:
    changes = []
    if old.name != new.name:
        changes.append(Change(ChangeKind.CHANGED, f"Renamed from “{old.name}” to “{new.name}”."))
    if old.description != new.description:
        lines = differences.text_lines(old.description, new.description)
        changes.append(Change(ChangeKind.CHANGED, "The description changed.", lines))
    if old.is_disabled != new.is_disabled:
        changes.append(Change(ChangeKind.CHANGED, "Disabled." if new.is_disabled else "Enabled."))
    return changes


def compare_configurations(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Value by value, each named by its path."""
    return [_value(each) for each in differences.find(dict(old), dict(new))]


def compare_orchestrations(
    old: Mapping[str, Any], new: Mapping[str, Any], *, names: Names | None = None
) -> list[Change]:
    """Phases first, then tasks in their new order, then whatever else the documents hold."""
    try:
        before, after = plans.parse(old), plans.parse(new)
    except plans.InvalidPlan:
        return compare_configurations(old, new)
    comparison = _Comparison(before, after, names or {})
    rest = compare_configurations(_without_plan(old), _without_plan(new))
    return [*comparison.of_phases(), *comparison.of_tasks(), *_of_other_fields(old, new), *rest]


# --- Values ------------------------------------------------------------------------------------


def _value(found: Difference, what: str = "") -> Change:
    name = f"{what}{found.path}" if found.path else "Everything"
    if found.old is NOTHING:
        kind, words = ChangeKind.ADDED, f"{name} was added"
    elif found.new is NOTHING:
        kind, words = ChangeKind.REMOVED, f"{name} was removed"
    else:
        kind, words = ChangeKind.CHANGED, f"{name} changed"
    if MASK in (found.old, found.new) or found.new == differences.CHANGED:
        # A secret: that it is another one is all there is to say.
        return Change(kind, f"{words}.")
    if not differences.is_short(found.old) or not differences.is_short(found.new):
        return Change(kind, f"{words}.", differences.lines(found.old, found.new))
    if kind == ChangeKind.CHANGED:
        return Change(kind, f"{words} from {differences.text_of(found.old)} to {differences.text_of(found.new)}.")
    return Change(kind, f"{words}: {differences.text_of(found.new if kind == ChangeKind.ADDED else found.old)}.")


# --- Phases and tasks --------------------------------------------------------------------------


class _Comparison:
    """Two plans side by side."""

    def __init__(self, before: plans.Plan, after: plans.Plan, names: Names) -> None:
        self.names = names
        self.old_phases = {phase.key: phase for phase in before.phases}
        self.new_phases = {phase.key: phase for phase in after.phases}
        self.same = _pairs(before.phases, after.phases)  # old key -> new key
        self.old_tasks = {task.key: (task, phase.key) for phase in before.phases for task in phase.tasks}
        self.new_tasks = {task.key: (task, phase.key) for phase in after.phases for task in phase.tasks}
        self.merged = {old: into for old, into in map(self._merger, self.old_phases) if into}

    def of_phases(self) -> Iterator[Change]:
        for old in self.old_phases:
            if old in self.merged:
                into = self.new_phases[self.merged[old]].name
                yield Change(ChangeKind.REMOVED, f"Phase “{self.old_phases[old].name}” was merged into “{into}”.")
            elif old not in self.same:
                yield Change(ChangeKind.REMOVED, f"Phase “{self.old_phases[old].name}” was removed.")
        for key, phase in self.new_phases.items():
            if key not in self.same.values():
                yield Change(ChangeKind.ADDED, f"Phase “{phase.name}” was added.")
        for old, new in self.same.items():
            names = self.old_phases[old].name, self.new_phases[new].name
            if names[0] != names[1]:
                yield Change(ChangeKind.CHANGED, f"Phase “{names[0]}” was renamed to “{names[1]}”.")
        kept = [key for key in self.new_phases if key in self.same.values()]
        for key in _movers([self.same[old] for old in self.old_phases if old in self.same], kept):
            place = self._place(list(self.new_phases), key, {each.key: each.name for each in self.new_phases.values()})
            yield Change(ChangeKind.MOVED, f"Phase “{self.new_phases[key].name}” was moved {place}.")

    def of_tasks(self) -> Iterator[Change]:
        for task, was_in in self.old_tasks.values():
            if task.key not in self.new_tasks:
                name = self.old_phases[was_in].name
                yield Change(ChangeKind.REMOVED, f"Task “{self._name(task)}” was removed from phase “{name}”.")
        for phase in self.new_phases.values():
            reordered = self._reordered(phase)
            for task in phase.tasks:
                if task.key not in self.old_tasks:
                    yield Change(ChangeKind.ADDED, f"Task “{self._name(task)}” was added to phase “{phase.name}”.")
                    continue
                yield from self._moves(task, phase, task.key in reordered)
                yield from self._edits(self.old_tasks[task.key][0], task)

    def _moves(self, task: PlanTask, phase: PlanPhase, is_reordered: bool) -> Iterator[Change]:
        was = self.old_tasks[task.key][1]
        if self.merged.get(was) == phase.key:
            return
        name = self._name(task)
        if self.same.get(was) != phase.key:
            source = self.old_phases[was].name
            yield Change(ChangeKind.MOVED, f"Task “{name}” was moved from phase “{source}” to “{phase.name}”.")
        elif is_reordered:
            place = self._place([each.key for each in phase.tasks], task.key, self._names_in(phase))
            yield Change(ChangeKind.MOVED, f"Task “{name}” was moved {place} in phase “{phase.name}”.")

    def _edits(self, old: PlanTask, new: PlanTask) -> Iterator[Change]:
        name = self._name(new)
        if old.name != new.name:
            yield Change(ChangeKind.CHANGED, f"Task “{self._name(old)}” was renamed to “{name}”.")
        ran, runs = (old.component_id, old.configuration_key), (new.component_id, new.configuration_key)
        if ran != runs:
            words = f"runs {self._configuration(new)} instead of {self._configuration(old)}"
            yield Change(ChangeKind.CHANGED, f"Task “{name}” {words}.")
        if old.enabled != new.enabled:
            yield Change(ChangeKind.CHANGED, f"Task “{name}” was switched {'on' if new.enabled else 'off'}.")
        if old.continue_on_failure != new.continue_on_failure:
            words = "continues on failure now" if new.continue_on_failure else "stops the run on failure now"
            yield Change(ChangeKind.CHANGED, f"Task “{name}” {words}.")
        if differences.find(dict(old.request), dict(new.request)):
            sides = [side or NOTHING for side in differences.mask_both(dict(old.request), dict(new.request))]
            yield Change(ChangeKind.CHANGED, f"Parameters of task “{name}” changed.", differences.lines(*sides))

    def _merger(self, old: str) -> tuple[str, str]:
        """The phase that all tasks left of a removed one went into; it was there before."""
        into = {self.new_tasks[task.key][1] for task in self.old_phases[old].tasks if task.key in self.new_tasks}
        if old in self.same or len(into) != 1 or not into <= set(self.same.values()):
            return old, ""
        return old, into.pop()

    def _reordered(self, phase: PlanPhase) -> set[str]:
        """The least set of tasks whose moving explains the order of those that stayed in the phase."""
        stayed = [
            task.key
            for task in phase.tasks
            if task.key in self.old_tasks and self.same.get(self.old_tasks[task.key][1]) == phase.key
        ]
        before = [key for key in self.old_tasks if key in set(stayed)]
        return set(_movers(before, stayed))

    def _names_in(self, phase: PlanPhase) -> dict[str, str]:
        return {task.key: self._name(task) for task in phase.tasks}

    @staticmethod
    def _place(keys: Sequence[str], key: str, names: Mapping[str, str]) -> str:
        before = {after: each for each, after in pairwise(keys)}.get(key)
        return f"behind “{names.get(before, before)}”" if before is not None else "to the beginning"

    def _name(self, task: PlanTask) -> str:
        return task.name or self._configuration(task).strip("“”")

    def _configuration(self, task: PlanTask) -> str:
        if task.configuration_key is None:
            return f"“{task.component_id}”"
        known = self.names.get((task.component_id, task.configuration_key))
        return f"“{known or f'{task.component_id} {task.configuration_key}'}”"


def _pairs(before: Sequence[PlanPhase], after: Sequence[PlanPhase]) -> dict[str, str]:
    """Which phase is which: by id, else by name, else by the very same tasks. Clients may number phases anew."""
    pairs = {phase.key: phase.key for phase in before if phase.key in {other.key for other in after}}

    def match(by: Any) -> None:
        free = {by(phase): phase.key for phase in reversed(after) if phase.key not in pairs.values() and by(phase)}
        for phase in before:
            if phase.key not in pairs and by(phase) in free:
                pairs[phase.key] = free.pop(by(phase))

    match(lambda phase: phase.name)
    match(lambda phase: frozenset(task.key for task in phase.tasks))
    return pairs


def _movers(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The fewest keys to move to get from one order to the other: those outside a longest rising sequence."""
    place = {key: number for number, key in enumerate(before)}
    numbers = [place[key] for key in after]
    tails: list[int] = []  # the least last number of a rising sequence of each length
    ends: list[int] = []  # where in `after` that number stands
    previous: list[int] = []
    for at, number in enumerate(numbers):
        length = bisect_left(tails, number)
        previous.append(ends[length - 1] if length else -1)
        tails[length:] = [number, *tails[length + 1 :]]
        ends[length:] = [at, *ends[length + 1 :]]
    kept: set[int] = set()
    at = ends[-1] if ends else -1
    while at >= 0:
        kept.add(at)
        at = previous[at]
    return [key for at, key in enumerate(after) if at not in kept]


# --- What a plan does not read -----------------------------------------------------------------


def _of_other_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for noun, known in (("phases", IN_A_PHASE), ("tasks", IN_A_TASK)):
        before = {str(raw["id"]): raw for raw in old.get(noun) or []}
        for raw in new.get(noun) or []:
            if str(raw["id"]) not in before:
                continue
            sides = [
                {key: value for key, value in each.items() if key not in known}
                for each in (before[str(raw["id"])], raw)
            ]
            what = f"{noun.removesuffix('s').capitalize()} “{raw.get('name') or raw['id']}”: "
            yield from (_value(found, what) for found in differences.find(*sides))


def _without_plan(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("phases", "tasks")}
