"""Which tables a configuration reads and writes, from what it declares and from its SQL. Pure: no model, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrations import mappings, sql_names
from orchestrations.components.declarations import Component, ComponentKind

WHOLE_BUCKET = ".*"
SQL = "application/sql"


@dataclass(frozen=True)
class Tables:
    """Ids of tables. ``in.c-sales.*`` among ``writes`` is any table of that bucket: a default bucket's are not named
    beforehand. ``unmapped``: names in SQL that neither the mapping nor a statement gives."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    unmapped: frozenset[str] = frozenset()

    def __or__(self, other: Tables) -> Tables:
        return Tables(self.reads | other.reads, self.writes | other.writes, self.unmapped | other.unmapped)


NOTHING = Tables()


def of_document(component: Component | None, document: Any) -> Tables:
    """What a configuration declares; nothing of one that says no sense, which is for others to refuse."""
    if not isinstance(document, Mapping):
        return NOTHING
    try:
        declared = mappings.parse(document)
    except mappings.InvalidMapping:
        return NOTHING
    reads = _known(each.source for each in declared.inputs)
    writes = _known(each.destination for each in declared.outputs)
    given = {each.destination.removesuffix(".csv") for each in declared.inputs}
    return Tables(reads, writes, _unmapped(component, document, given))


def whole_bucket(bucket_id: str) -> str:
    """As it stands among ``Tables.writes``."""
    return f"{bucket_id}{WHOLE_BUCKET}"


def names_of_writes(table_id: str) -> list[str]:
    """What a configuration that writes this table may have among its ``writes``."""
    return [table_id, whole_bucket(table_id.rpartition(".")[0])]


def _known(table_ids: Iterable[str]) -> frozenset[str]:
    """Without those that a variable completes at run time."""
    return frozenset(each for each in table_ids if mappings.PLACEHOLDER not in each)


def _unmapped(component: Component | None, document: Mapping[str, Any], given: set[str]) -> frozenset[str]:
    if component is None or component.kind is not ComponentKind.TRANSFORMATION:
        return frozenset()
    parameters = document.get("parameters")
    properties = component.schema.get("properties", {})
    fields = [name for name, schema in properties.items() if schema.get("contentMediaType") == SQL]
    texts = [parameters.get(field) for field in fields] if isinstance(parameters, Mapping) else []
    named = [name for text in texts if isinstance(text, str) for name in sql_names.not_made_in(text)]
    known = {name.lower() for name in given}
    return frozenset(name for name in named if name.lower() not in known)
