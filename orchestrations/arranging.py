"""Which tasks of a draft need the tables of which others, and phases in an order that gives them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrations import lineage
from orchestrations.drafts import Draft, DraftPhase, DraftTask, Refused
from orchestrations.lineage import Tables

Places = dict[str, int]
"""The place of its phase, by the key of a task."""


class Where(StrEnum):
    """Where the writer of a table stands, seen from a task that reads it."""

    SAME_PHASE = "in the same phase"
    LATER_PHASE = "in a later phase"


@dataclass(frozen=True, order=True)
class Need:
    """Keys of tasks: the reader is to run in a later phase than the writer of the table."""

    reader: str
    writer: str
    table_id: str


@dataclass(frozen=True)
class Warned:
    need: Need
    where: Where


def needs_of(draft: Draft, tables: Mapping[str, Tables]) -> list[Need]:
    """In the order of the readers. ``tables``: by the key of a task; inactive tasks read and write nothing.

    Of several tasks with one configuration the first counts: what it wrote is there for all that follow.
    """
    writers: dict[str, list[DraftTask]] = defaultdict(list)
    seen: set[tuple[str, str, str]] = set()
    active = [task for task in draft.tasks if task.is_active and task.key in tables]
    for task in active:
        if _runs(task) not in seen:
            seen.add(_runs(task))
            for name in tables[task.key].writes:
                writers[name].append(task)
    return [
        Need(reader.key, writer.key, table_id)
        for reader in active
        for table_id in sorted(tables[reader.key].reads)
        for writer in {
            task.key: task for name in lineage.names_of_writes(table_id) for task in writers.get(name, ())
        }.values()
        if _runs(writer) != _runs(reader)
    ]


def warnings_of(draft: Draft, tables: Mapping[str, Tables]) -> dict[str, list[Warned]]:
    """By the key of the reader: the tables that it would read before they are written."""
    places = _places_of(draft)
    found: dict[str, list[Warned]] = defaultdict(list)
    for need in needs_of(draft, tables):
        if places[need.reader] == places[need.writer]:
            found[need.reader].append(Warned(need, Where.SAME_PHASE))
        elif places[need.reader] < places[need.writer]:
            found[need.reader].append(Warned(need, Where.LATER_PHASE))
    return dict(found)


def arrange(
    draft: Draft, tables: Mapping[str, Tables], *, names: Mapping[str, str], new_key: Callable[[], str]
) -> Draft:
    """Each task in a later phase than the tasks whose tables it reads; what stands right stays where it is.

    ``names``: what tasks are called, by their keys, for the message of Refused: they wait for each other.
    """
    awaited: dict[str, set[str]] = defaultdict(set)
    for need in needs_of(draft, tables):
        awaited[need.reader].add(need.writer)
    before = _places_of(draft)
    places = dict(before)
    for key in _in_order(list(places), awaited, names):
        # Only ever later: a task may stand where it does for reasons that no table tells.
        places[key] = max([places[key], *(places[writer] + 1 for writer in awaited.get(key, ()))])
    return draft if places == before else _placed(draft, before, places, new_key)


# --- Private -----------------------------------------------------------------------------------


def _runs(task: DraftTask) -> tuple[str, str, str]:
    """The same for tasks that run the same; content of its own is another's only by chance."""
    return task.component_id, task.configuration_key, task.key if task.content else ""


def _places_of(draft: Draft) -> Places:
    return {task.key: place for place, phase in enumerate(draft.phases) for task in phase.tasks}


def _in_order(keys: list[str], awaited: Mapping[str, set[str]], names: Mapping[str, str]) -> list[str]:
    """Writers before their readers. Raises Refused."""
    left = {key: set(awaited.get(key, ())) for key in keys}
    ordered: list[str] = []
    readers: dict[str, list[str]] = defaultdict(list)
    for key, writers in left.items():
        for writer in writers:
            readers[writer].append(key)
    ready = [key for key, writers in left.items() if not writers]
    while ready:
        done = ready.pop()
        ordered.append(done)
        for reader in readers[done]:
            left[reader].discard(done)
            if not left[reader]:
                ready.append(reader)
    if len(ordered) < len(keys):
        circle = " > ".join(names.get(key, key) for key in _circle(left))
        raise Refused(f"These tasks read what the next one writes, so no order fits: {circle}.")
    return ordered


def _circle(left: Mapping[str, set[str]]) -> list[str]:
    """A way along the writers that ends where it began."""
    path: list[str] = []
    key = next(key for key, writers in left.items() if writers)
    while key not in path:
        path.append(key)
        key = min(left[key])
    return [*path[path.index(key) :], key]


def _placed(draft: Draft, before: Places, places: Places, new_key: Callable[[], str]) -> Draft:
    """What has come into a phase stands at its end. Phases that have lost all their tasks go, or go with them."""
    tasks = sorted(draft.tasks, key=lambda task: before[task.key] != places[task.key])
    by_place: dict[int, list[DraftTask]] = defaultdict(list)
    for task in tasks:
        by_place[places[task.key]].append(task)
    kept = [
        replace(phase, tasks=tuple(by_place[place]))
        for place, phase in enumerate(draft.phases)
        if by_place[place] or not phase.tasks
    ]
    left = [phase for place, phase in enumerate(draft.phases) if phase.tasks and not by_place[place]]
    for place in sorted(place for place in by_place if place >= len(draft.phases)):
        origins = [draft.phases[before[task.key]] for task in by_place[place]]
        phase = next((origin for origin in origins if origin in left), None)
        if phase is None:
            phase = _another(origins[0], [*draft.phases, *kept], new_key())
        else:
            left.remove(phase)
        kept.append(replace(phase, tasks=tuple(by_place[place])))
    return replace(draft, phases=tuple(kept))


def _another(origin: DraftPhase, others: list[DraftPhase], key: str) -> DraftPhase:
    """Named after the phase that its tasks come from: "Extraction (2)"."""
    taken = {phase.name for phase in others}
    number = next(number for number in range(2, len(others) + 3) if f"{origin.name} ({number})" not in taken)
    return DraftPhase(key=key, raw={"id": key, "name": f"{origin.name} ({number})"})
