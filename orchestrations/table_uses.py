"""The rows of lineage: written with each version, read by the editor, by configurations and by tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Q

from orchestrations import lineage, plans, table_ids
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR, ComponentKind, UnknownComponent
from orchestrations.lineage import Tables
from orchestrations.models import Configuration, Project, Stage, TableUse, Task, UseKind
from orchestrations.nesting import NESTING_LEVELS

NAME_LIMIT = 200


@dataclass(frozen=True)
class UsersOfTable:
    """Configurations, not in the trash, by name."""

    readers: list[Configuration] = field(default_factory=list)
    writers: list[Configuration] = field(default_factory=list)


def declared(component_id: str, document: object) -> Tables:
    """What a document declares, an orchestration's in the content that its tasks bring with them.

    Reads SQL, which takes its time: before a transaction begins.
    """
    if component_id == ORCHESTRATOR:
        return _brought_by_tasks(document)
    try:
        return lineage.of_document(catalogue.get(component_id), document)
    except UnknownComponent:
        return lineage.of_document(None, document)


def names_of(configuration: Configuration, found: Tables) -> list[tuple[str, str]]:
    """Kind and id of each row of the configuration, its default bucket with them."""
    writes = found.writes | _default_bucket(configuration)
    sides = ((UseKind.READS, found.reads), (UseKind.WRITES, writes), (UseKind.UNMAPPED, found.unmapped))
    return sorted({(str(kind), name[:NAME_LIMIT]) for kind, names in sides for name in names})


def write(configuration: Configuration, found: Tables) -> None:
    """Replace what is known of the configuration, within the transaction of its new version."""
    TableUse.objects.filter(configuration=configuration).delete()
    TableUse.objects.bulk_create(
        TableUse(configuration=configuration, kind=kind, table_id=name) for kind, name in names_of(configuration, found)
    )


def of_configurations(ids: Collection[int]) -> dict[int, Tables]:
    """What these read and write, orchestrations by what they run; the same number of queries however many."""
    runs = _run_by(ids)
    own = _own({*ids, *(each for below in runs.values() for each in below)})
    result = {}
    for configuration_id in ids:
        result[configuration_id] = own.get(configuration_id, lineage.NOTHING)
        for each in runs.get(configuration_id, ()):
            result[configuration_id] |= own.get(each, lineage.NOTHING)
    return result


def of_configuration(configuration: Configuration) -> Tables:
    return _own({configuration.pk}).get(configuration.pk, lineage.NOTHING)


def of_table(project: Project, table_id: str) -> UsersOfTable:
    """Who in the project reads and writes the table with this id there."""
    rows = (
        TableUse.objects.filter(
            configuration__project=project,
            configuration__deleted_at__isnull=True,
            table_id__in=lineage.names_of_writes(table_id),
        )
        .exclude(kind=UseKind.UNMAPPED)
        .select_related("configuration")
        .defer("configuration__document", "configuration__state", "configuration__description")
        .order_by("configuration__name", "configuration_id")
    )
    users = UsersOfTable()
    for row in rows:
        among = users.writers if row.kind == UseKind.WRITES else users.readers
        if row.configuration not in among:
            among.append(row.configuration)
    return users


# --- Private -----------------------------------------------------------------------------------


def _brought_by_tasks(document: object) -> Tables:
    """By the active ones; nothing of a document that is no plan, which is for others to refuse."""
    if not isinstance(document, Mapping):
        return lineage.NOTHING
    try:
        plan = plans.parse(document)
    except plans.InvalidPlan:
        return lineage.NOTHING
    found = lineage.NOTHING
    for task in (each for phase in plan.phases for each in phase.tasks if each.enabled):
        if content := task.request.get("configData"):
            found |= declared(task.component_id, content)
    return found


def _own(ids: Collection[int]) -> dict[int, Tables]:
    found: dict[int, dict[str, set[str]]] = {}
    rows = TableUse.objects.filter(configuration__in=ids).values_list("configuration_id", "kind", "table_id")
    for configuration_id, kind, table_id in rows:
        of_kind = found.setdefault(configuration_id, {kind: set() for kind in UseKind.values})
        of_kind[kind].add(table_id)
    return {
        configuration_id: Tables(
            reads=frozenset(of_kind[UseKind.READS]),
            writes=frozenset(of_kind[UseKind.WRITES]),
            unmapped=frozenset(of_kind[UseKind.UNMAPPED]),
        )
        for configuration_id, of_kind in found.items()
    }


def _default_bucket(configuration: Configuration) -> frozenset[str]:
    try:
        component = catalogue.get(configuration.component_id)
    except UnknownComponent:
        return frozenset()
    if not component.has_default_bucket:
        return frozenset()
    stage = Stage.IN if component.kind is ComponentKind.EXTRACTOR else Stage.OUT
    bucket = table_ids.default_bucket(component.id, configuration.key, stage=stage.value)
    return frozenset({lineage.whole_bucket(str(bucket))})


def _run_by(ids: Collection[int]) -> dict[int, set[int]]:
    """Of the orchestrations among these, what they run with all levels below.

    A task that brings content runs that in place of its configuration: it is among the orchestration's own uses.
    """
    without_content = Q(request__configData__isnull=True) | Q(request__configData={})
    edges: dict[int, set[int]] = defaultdict(set)
    asked: set[int] = set(ids)
    for _ in range(NESTING_LEVELS + 1):
        rows = Task.objects.filter(
            without_content, orchestration__in=asked, orchestration__component_id=ORCHESTRATOR, is_enabled=True
        ).values_list("orchestration_id", "configuration_id", "component_id")
        asked = set()
        for orchestration_id, configuration_id, component_id in rows:
            if configuration_id is not None:
                edges[orchestration_id].add(configuration_id)
                asked |= {configuration_id} if component_id == ORCHESTRATOR else set()
        if not asked:
            break
    return {each: _below(each, edges) for each in ids if each in edges}


def _below(configuration_id: int, edges: Mapping[int, set[int]]) -> set[int]:
    found: set[int] = set()
    left = [configuration_id]
    while left:
        new = edges.get(left.pop(), set()) - found
        found |= new
        left += new
    return found
