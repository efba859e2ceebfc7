"""The rows of the editor of tasks and of the catalogue that it adds from: a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db.models import Q

from jobs import usual
from jobs.queries.rows import component_of
from orchestrations import arranging, table_uses
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ComponentKind
from orchestrations.drafts import Draft, DraftPhase, DraftTask
from orchestrations.lib.durations import rough_words
from orchestrations.lineage import NOTHING, WHOLE_BUCKET, Tables
from orchestrations.models import Configuration, Orchestration, Project

MOST_OFFERED = 200
GONE, IN_TRASH, DISABLED = "Configuration deleted", "Configuration in the trash", "Configuration disabled"


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """``slug``: the id as fields carry it. ``problem``: why a run would fail or pass it over, or "".

    ``reads`` and ``writes``: ids of tables, or "".
    """

    slug: str
    name: str
    component: str
    kind: str
    configuration: str
    is_active: bool
    continues_on_failure: bool
    is_chosen: bool
    parameters_words: str
    usual_seconds: float | None
    reads: str
    writes: str
    problem: str
    data_warnings: list[DataWarning]
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class DataWarning:
    """ "reads `table_id`, which `writer` writes in the same phase" (or in a later phase)."""

    table_id: str
    writer: str
    where: str


@dataclass(frozen=True, kw_only=True)
class PhaseRow:
    """``size``: of the field that holds its name."""

    key: str
    slug: str
    size: int
    name: str
    words: str
    tasks: list[TaskRow]
    is_chosen: bool
    is_collapsed: bool
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class _Known:
    """What the project knows of the configurations that the tasks name."""

    configurations: Mapping[tuple[str, str], Configuration]
    usual: Mapping[int, float]

    def of(self, task: DraftTask) -> Configuration | None:
        return self.configurations.get((task.component_id, task.configuration_key))

    def seconds_of(self, task: DraftTask) -> float | None:
        configuration = self.of(task)
        return self.usual.get(configuration.pk) if configuration else None


def phases_of(
    draft: Draft,
    *,
    project: Project,
    chosen_tasks: frozenset[str],
    chosen_phases: frozenset[str],
    collapsed: frozenset[str],
) -> list[PhaseRow]:
    known = _known(project, draft.tasks)
    names = _names_of(draft, known)
    tables = _tables_of(draft, known)
    warned = arranging.warnings_of(draft, tables)
    last = len(draft.phases) - 1
    return [
        PhaseRow(
            key=phase.key,
            slug=quote(phase.key, safe=""),
            size=min(max(len(phase.name), 8), 40),
            name=phase.name,
            words=_words(phase, known),
            tasks=[
                _task(
                    task,
                    known,
                    tables.get(task.key, NOTHING),
                    [
                        DataWarning(each.need.table_id, names[each.need.writer], each.where)
                        for each in warned.get(task.key, ())
                    ],
                    is_chosen=task.key in chosen_tasks and phase.key not in collapsed,
                    is_first=place == inner == 0,
                    is_last=place == last and inner == len(phase.tasks) - 1,
                )
                for inner, task in enumerate(phase.tasks)
            ],
            is_chosen=phase.key in chosen_phases,
            is_collapsed=phase.key in collapsed,
            is_first=place == 0,
            is_last=place == last,
        )
        for place, phase in enumerate(draft.phases)
    ]


def task_of(draft: Draft, key: str, *, project: Project) -> TaskRow:
    """Raises drafts.Refused when it is not there."""
    task = draft.task(key)
    return _task(task, _known(project, [task]), NOTHING, [], is_chosen=False, is_first=False, is_last=False)


def flow_of(draft: Draft, *, project: Project) -> tuple[dict[str, Tables], dict[str, str]]:
    """What ``arranging.arrange`` asks for: the tables of the tasks and what they are called, by their keys."""
    known = _known(project, draft.tasks)
    return _tables_of(draft, known), _names_of(draft, known)


def _tables_of(draft: Draft, known: _Known) -> dict[str, Tables]:
    configurations = {task.key: configuration for task in draft.tasks if (configuration := known.of(task))}
    found = table_uses.of_configurations({each.pk for each in configurations.values()})
    stored = {key: found[configuration.pk] for key, configuration in configurations.items()}
    # What a task brings with it runs in place of the configuration's own document.
    brought = {task.key: table_uses.declared(task.component_id, task.content) for task in draft.tasks if task.content}
    return stored | brought


def _names_of(draft: Draft, known: _Known) -> dict[str, str]:
    return {task.key: _name_of(task, known.of(task)) for task in draft.tasks}


def _name_of(task: DraftTask, configuration: Configuration | None) -> str:
    named = configuration.name if configuration else task.configuration_key
    return task.name or named or component_of(task.component_id)[0]


def _known(project: Project, tasks: Iterable[DraftTask]) -> _Known:
    keys = {task.configuration_key for task in tasks}
    found = Configuration.objects.filter(project=project, key__in=keys).only(
        "component_id", "key", "name", "is_disabled", "deleted_at"
    )
    configurations = {(each.component_id, each.key): each for each in found}
    return _Known(configurations, usual.seconds_of([each.pk for each in configurations.values()]))


def _task(
    task: DraftTask,
    known: _Known,
    tables: Tables,
    data_warnings: list[DataWarning],
    *,
    is_chosen: bool,
    is_first: bool,
    is_last: bool,
) -> TaskRow:
    component, kind = component_of(task.component_id)
    configuration = known.of(task)
    of_configuration = configuration.name if configuration else task.configuration_key
    count = len(task.parameters)
    return TaskRow(
        slug=quote(task.key, safe=""),
        name=_name_of(task, configuration),
        component=component,
        kind=kind,
        configuration=of_configuration if task.name and task.name != of_configuration else "",
        is_active=task.is_active,
        continues_on_failure=task.continues_on_failure,
        is_chosen=is_chosen,
        parameters_words="" if not count else "1 parameter" if count == 1 else f"{count} parameters",
        usual_seconds=known.seconds_of(task),
        reads=_tables_words(tables.reads),
        writes=_tables_words(tables.writes),
        problem=_problem(task, configuration),
        data_warnings=data_warnings,
        is_first=is_first,
        is_last=is_last,
    )


def _tables_words(ids: Iterable[str]) -> str:
    """A bucket that may get any table tells nothing."""
    return ", ".join(sorted(each for each in ids if not each.endswith(WHOLE_BUCKET)))


def _problem(task: DraftTask, configuration: Configuration | None) -> str:
    if not task.configuration_key:
        return ""
    if configuration is None:
        return GONE
    if configuration.deleted_at is not None:
        return IN_TRASH
    return DISABLED if configuration.is_disabled else ""


def _words(phase: DraftPhase, known: _Known) -> str:
    """ "3 tasks, 1 of them not active, usually 8 min": the tasks run beside each other, so the longest counts."""
    count = len(phase.tasks)
    if not count:
        return "No tasks assigned. Empty phases will not be saved."
    active = [task for task in phase.tasks if task.is_active]
    words = ["1 task" if count == 1 else f"{count} tasks"]
    if len(active) < count:
        words.append("not active" if count == 1 else f"{count - len(active)} of them not active")
    seconds = [found for found in map(known.seconds_of, active) if found is not None]
    if seconds and len(seconds) == len(active):
        words.append(f"usually {rough_words(max(seconds))}")
    return ", ".join(words)


# --- The catalogue -----------------------------------------------------------------------------


def heading_of(kind: ComponentKind) -> str:
    """What a component of the last kind runs has a name of its own."""
    return "Orchestrations" if kind is ComponentKind.ORCHESTRATOR else kind.plural


def offered(orchestration: Orchestration, search: str) -> dict[str, Any]:
    """Configurations by kind and component, without the orchestration; ``search`` looks in the names of both."""
    words = search.strip()
    found = (
        Configuration.objects.in_project(orchestration.project_id)
        .live()
        .exclude(pk=orchestration.pk)
        .order_by("name", "pk")
        .only("component_id", "key", "name", "is_disabled")
    )
    if words:
        named = [each.id for each in catalogue.all() if words.casefold() in each.name.casefold()]
        found = found.filter(Q(name__icontains=words) | Q(component_id__in=named))
    rows = list(found[: MOST_OFFERED + 1])
    by_component: dict[str, list[dict[str, Any]]] = {}
    for row in rows[:MOST_OFFERED]:
        value = f"{quote(row.component_id, safe='')}:{quote(row.key, safe='')}"
        entry = {"id": row.pk, "name": row.name, "value": value, "is_disabled": row.is_disabled}
        by_component.setdefault(row.component_id, []).append(entry)
    groups = [
        {
            "label": heading_of(kind),
            "components": [
                {"name": each.name, "kind": kind.value, "configurations": by_component[each.id]}
                for each in components
                if each.id in by_component
            ],
        }
        for kind, components in catalogue.offered()
    ]
    return {
        "groups": [group for group in groups if group["components"]],
        "has_more": len(rows) > MOST_OFFERED,
        "most": MOST_OFFERED,
        "count": min(len(rows), MOST_OFFERED),
        "search": words,
    }
