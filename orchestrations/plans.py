"""What an orchestration's document means, and what follows from how its tasks ended. Pure: no model, no clock.

A document is the API's ``{"phases": [...], "tasks": [...]}``. A plan is the document read and checked; a selection
of it is what one run executes (R1-R3, R10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

FIXED_IN_REQUEST = frozenset({"componentId", "configId", "configurationId", "mode", "token", "component", "config"})
GOOD = "success"
"""The one status that counts as good (R2)."""


class InvalidPlan(ValueError):
    """The document cannot be an orchestration; ``path`` names the field, the message is for the user."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class InvalidSelection(ValueError):
    """The chosen tasks cannot be run; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class PlanTask:
    key: str
    name: str
    component_id: str
    configuration_key: str | None
    enabled: bool = True
    continue_on_failure: bool = False
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlanPhase:
    key: str
    name: str
    description: str = ""
    tasks: tuple[PlanTask, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    phases: tuple[PlanPhase, ...]

    @property
    def tasks(self) -> list[PlanTask]:
        return [task for phase in self.phases for task in phase.tasks]

    def select(self, only: Iterable[str] | None) -> Plan:
        """The part that a run executes: the active tasks, or exactly those chosen (R3). Phases keep their places.

        Raises InvalidSelection for an unknown task or when nothing is left to run.
        """
        if only is None:
            chosen = {task.key for task in self.tasks if task.enabled}
        else:
            chosen = set(only)
            unknown = sorted(chosen - {task.key for task in self.tasks})
            if unknown:
                raise InvalidSelection(f"There is no task {', '.join(map(repr, unknown))} in this orchestration.")
        if not chosen:
            raise InvalidSelection("There is no task to run: choose at least one, or add an active one.")
        return Plan(phases=tuple(_with_tasks(phase, chosen) for phase in self.phases))


def _with_tasks(phase: PlanPhase, chosen: set[str]) -> PlanPhase:
    return replace(phase, tasks=tuple(task for task in phase.tasks if task.key in chosen))


# --- Reading a document ------------------------------------------------------------------------


def parse(document: Any, *, tasks_limit: int | None = None) -> Plan:
    """Read an orchestration's document. Raises InvalidPlan naming the field."""
    if not isinstance(document, Mapping):
        raise InvalidPlan("", "An orchestration is an object with phases and tasks.")
    raw_phases = _list(document, "phases")
    raw_tasks = _list(document, "tasks")
    for noun, raw in (("phases", raw_phases), ("tasks", raw_tasks)):
        if tasks_limit is not None and len(raw) > tasks_limit:
            raise InvalidPlan(noun, f"{len(raw)} {noun} are more than the limit of {tasks_limit}.")
    phases = [_phase(raw, f"phases[{place}]") for place, raw in enumerate(raw_phases)]
    _unique([phase.key for phase in phases], "phases", "phase")
    tasks: dict[str, list[PlanTask]] = {phase.key: [] for phase in phases}
    for place, raw in enumerate(raw_tasks):
        phase_key, task = _task(raw, f"tasks[{place}]")
        if phase_key not in tasks:
            raise InvalidPlan(f"tasks[{place}].phase", f"there is no phase {phase_key!r}.")
        tasks[phase_key].append(task)
    _unique([task.key for group in tasks.values() for task in group], "tasks", "task")
    ordered = _in_sequence(phases, raw_phases)
    return Plan(phases=tuple(replace(phase, tasks=tuple(tasks[phase.key])) for phase in ordered))


def _list(document: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = document.get(name) or []
    if not isinstance(value, list):
        raise InvalidPlan(name, "expected a list.")
    return value


def _phase(raw: Any, path: str) -> PlanPhase:
    if not isinstance(raw, Mapping):
        raise InvalidPlan(path, "expected an object.")
    key = _key(raw.get("id"), f"{path}.id")
    name = _text(raw.get("name", ""), f"{path}.name", 255) or f"Phase {key}"
    return PlanPhase(key=key, name=name, description=_text(raw.get("description", ""), f"{path}.description", 10_000))


def _task(raw: Any, path: str) -> tuple[str, PlanTask]:
    if not isinstance(raw, Mapping):
        raise InvalidPlan(path, "expected an object.")
    request = raw.get("task")
    if not isinstance(request, Mapping):
        raise InvalidPlan(f"{path}.task", "expected an object with componentId and configId.")
    if request.get("mode", "run") != "run":
        raise InvalidPlan(f"{path}.task.mode", "only 'run' is possible.")
    forbidden = sorted({"token", "component", "config"} & set(request))
    if forbidden:
        raise InvalidPlan(f"{path}.task.{forbidden[0]}", "a task cannot change this.")
    component_id = _text(request.get("componentId"), f"{path}.task.componentId", 100)
    if not component_id:
        raise InvalidPlan(f"{path}.task.componentId", "is missing.")
    configuration = request.get("configId", request.get("configurationId"))
    data = request.get("configData")
    if data is not None and not isinstance(data, Mapping) and data != []:
        raise InvalidPlan(f"{path}.task.configData", "expected an object.")
    if configuration in (None, "") and not isinstance(data, Mapping):
        raise InvalidPlan(f"{path}.task.configId", "is missing: a task runs a configuration, or configData.")
    task = PlanTask(
        key=_key(raw.get("id"), f"{path}.id"),
        name=_text(raw.get("name", ""), f"{path}.name", 255),
        component_id=component_id,
        configuration_key=None if configuration in (None, "") else _key(configuration, f"{path}.task.configId"),
        enabled=_flag(raw.get("enabled", True), f"{path}.enabled"),
        continue_on_failure=_flag(raw.get("continueOnFailure", False), f"{path}.continueOnFailure"),
        request={name: value for name, value in request.items() if name not in FIXED_IN_REQUEST},
    )
    return _key(raw.get("phase"), f"{path}.phase"), task


def _key(value: Any, path: str) -> str:
    """Ids may be whole numbers or words; they are compared as text."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise InvalidPlan(path, "expected an id (a number or a word).")
    if len(str(value)) > 100:
        raise InvalidPlan(path, "is longer than 100 characters.")
    return str(value)


def _text(value: Any, path: str, limit: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidPlan(path, "expected a text.")
    if len(value) > limit:
        raise InvalidPlan(path, f"is longer than {limit} characters.")
    if "\x00" in value:
        raise InvalidPlan(path, "contains a NUL character.")
    return value.strip()


def _flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidPlan(path, "expected true or false.")
    return value


def _unique(keys: list[str], path: str, noun: str) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) != len(keys) else []
    if twice:
        raise InvalidPlan(path, f"the {noun} id {twice[0]!r} occurs twice.")


def _in_sequence(phases: list[PlanPhase], raw_phases: Sequence[Any]) -> list[PlanPhase]:
    """Order by dependsOn, which must leave exactly one phase to start at every step; without any, as listed."""
    if not any("dependsOn" in raw for raw in raw_phases):
        return phases
    awaited: dict[str, set[str]] = {}
    for place, (phase, raw) in enumerate(zip(phases, raw_phases, strict=True)):
        path = f"phases[{place}].dependsOn"
        before = raw.get("dependsOn") or []
        if not isinstance(before, list):
            raise InvalidPlan(path, "expected a list of phase ids.")
        awaited[phase.key] = {_key(key, path) for key in before}
        unknown = awaited[phase.key] - {other.key for other in phases}
        if unknown:
            raise InvalidPlan(path, f"there is no phase {min(unknown)!r}.")
    by_key = {phase.key: phase for phase in phases}
    ordered: list[PlanPhase] = []
    while awaited:
        ready = [key for key, before in awaited.items() if not before]
        if not ready:
            raise InvalidPlan("phases", f"these phases wait for each other: {', '.join(map(repr, awaited))}.")
        if len(ready) > 1:
            names = ", ".join(repr(by_key[key].name) for key in ready)
            raise InvalidPlan("phases", f"phases must follow one after another, but {names} could start together.")
        ordered.append(by_key[ready[0]])
        del awaited[ready[0]]
        for before in awaited.values():
            before.discard(ready[0])
    return ordered


# --- Deciding ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How one task of a run ended."""

    task_key: str
    status: str
    continue_on_failure: bool = False

    @property
    def is_good(self) -> bool:
        return self.status == GOOD

    @property
    def stops_the_run(self) -> bool:
        return not self.is_good and not self.continue_on_failure


@dataclass(frozen=True)
class StartPhase:
    position: int


@dataclass(frozen=True)
class Finish:
    status: str


def decide(plan: Plan, position: int | None, outcomes: Sequence[Outcome]) -> StartPhase | Finish:
    """What a run does next, once every job of the phase at ``position`` has settled (None: nothing started yet).

    ``plan`` is the selection of the run; ``outcomes`` those of all its children so far (R1, R2).
    """
    if any(outcome.stops_the_run for outcome in outcomes):
        return Finish("error")
    first = 0 if position is None else position + 1
    for place in range(first, len(plan.phases)):
        if plan.phases[place].tasks:
            return StartPhase(place)
    return Finish(GOOD if all(outcome.is_good for outcome in outcomes) else "warning")


def retry_selection(before: Plan, chosen: Plan, now: Plan, statuses: Mapping[str, str]) -> list[str]:
    """The tasks of ``now`` that a retry checks by default (R10).

    ``before`` is the whole orchestration as the settled job had it, ``chosen`` the part of it that the job ran,
    ``statuses`` how its tasks ended (absent: not executed). A task added since counts when it is active and its phase
    has not been executed; one that was not chosen then is not chosen now.
    """
    known = {task.key for task in before.tasks}
    in_chosen = {task.key for task in chosen.tasks}
    executed = {phase.key for phase in chosen.phases if any(task.key in statuses for task in phase.tasks)}

    def is_checked(task: PlanTask, phase: PlanPhase) -> bool:
        if task.key in known:
            return task.key in in_chosen and statuses.get(task.key) != GOOD
        return task.enabled and phase.key not in executed

    return [task.key for phase in now.phases for task in phase.tasks if is_checked(task, phase)]
