"""What a configuration wants to be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.components.shared.data_folder import InputTable
from jobs.components.shared.errors import UserError

FULL, APPEND, UPSERT = "full", "append", "upsert"


@dataclass(frozen=True)
class Chosen:
    """A column of the input: its name there, in the database, and the type that was asked for ("" is ours)."""

    name: str
    to: str
    type: str = ""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One input table. ``key``: names in the database; ``columns``: none are all."""

    source: InputTable
    table: str
    mode: str = FULL
    key: tuple[str, ...] = ()
    columns: tuple[Chosen, ...] = ()
    empty_as_null: bool = False


def read(parameters: Mapping[str, Any], inputs: Iterable[InputTable]) -> list[Order]:
    """Raises UserError."""
    by_name = {table.name: table for table in inputs}
    given = parameters.get("tables") or [{"source": name} for name in by_name]
    if not given:
        raise UserError("There is nothing to write: the input mapping names no table.")
    wanted = [_read(raw, by_name, f"tables[{place}]") for place, raw in enumerate(given)]
    for place, order in enumerate(wanted):
        if order.mode == FULL and order.table in [other.table for other in wanted[:place]]:
            raise UserError(f"tables[{place}].table: {order.table} is written before; a full load would undo that.")
    return wanted


def _read(raw: Mapping[str, Any], by_name: Mapping[str, InputTable], path: str) -> Order:
    source = by_name.get(raw["source"])
    if source is None:
        there = f" There is {', '.join(sorted(by_name))}." if by_name else " It names none."
        raise UserError(f"{path}.source: the input mapping names no table {raw['source']!r}.{there}")
    columns = tuple(
        Chosen(each["name"], each.get("to") or each["name"], each.get("type") or "")
        for each in raw.get("columns") or ()
    )
    renamed = {column.name: column.to for column in columns}
    mode = raw.get("mode") or FULL
    key = tuple(raw.get("key") or ())
    if mode == UPSERT and not key:
        key = tuple(renamed.get(name, name) for name in source.primary_key)
        if not key:
            raise UserError(f"{path}.key: is missing: upsert needs a key, and {source.name} has none of its own.")
    return Order(
        source=source,
        table=(raw.get("table") or "").strip() or source.name,
        mode=mode,
        key=key,
        columns=columns,
        empty_as_null=bool(raw.get("empty_as_null")),
    )
