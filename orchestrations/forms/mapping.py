"""The tables that a configuration reads and writes, as fields: the part ``storage`` of its document (DESIGN §6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrations import mappings
from orchestrations.forms import building
from orchestrations.forms.fields import Field
from orchestrations.forms.schemas import Schema
from orchestrations.mappings import InvalidMapping

STORAGE, INPUT, OUTPUT = "storage", "input", "output"
ROOT_NAME = "s"
Problem = tuple[tuple[str | int, ...], str]

_TEXT: Schema = {"type": "string"}
_FOLDED_TEXT: Schema = {**_TEXT, "folded": True}
_LINES: Schema = {"type": "array", "items": _TEXT, "format": "lines", "folded": True}
_OPERATOR: Schema = {"enum": ["eq", "ne"], "title": "How", "folded": True}
_INPUT: Schema = {
    "type": "object",
    "title": "Input table",
    "required": ["source"],
    "properties": {
        "source": {**_TEXT, "title": "Table"},
        "destination": {**_TEXT, "title": "File name"},
        "columns": {**_LINES, "title": "Only these columns, one a line"},
        "where_column": {**_FOLDED_TEXT, "title": "Only rows where this column"},
        "where_operator": _OPERATOR,
        "where_values": {**_LINES, "title": "These values, one a line"},
        "changed_since": {
            **_FOLDED_TEXT,
            "title": "Only rows changed since",
            "description": "Such as -2 days or 2026-11-01.",
        },
        "limit": {"type": "integer", "title": "At most", "description": "Rows; empty: all.", "folded": True},
    },
}
_OUTPUT: Schema = {
    "type": "object",
    "title": "Output table",
    "required": ["source", "destination"],
    "properties": {
        "source": {**_TEXT, "title": "File name"},
        "destination": {**_TEXT, "title": "Table"},
        "primary_key": {**_LINES, "title": "Primary key, a column a line"},
        "incremental": {
            "type": "boolean",
            "title": "Incremental",
            "description": "Rows that are there stay; with a primary key, a new row replaces the one of its key.",
            "folded": True,
        },
        "delete_where_column": {**_FOLDED_TEXT, "title": "First delete rows where this column"},
        "delete_where_operator": _OPERATOR,
        "delete_where_values": {**_LINES, "title": "These values, one a line"},
    },
}


def schema_of(takes_input: bool, gives_output: bool) -> Schema:
    """Of the part ``storage``; a side that is left out is kept as it is stored."""
    sides = {INPUT: (takes_input, _INPUT), OUTPUT: (gives_output, _OUTPUT)}
    tables = {
        side: {"type": "object", "properties": {"tables": {"type": "array", "items": items, "title": "Tables"}}}
        for side, (is_offered, items) in sides.items()
        if is_offered
    }
    return {"type": "object", "properties": tables}


def has_tables(storage: Any, side: str) -> bool:
    part = storage.get(side) if isinstance(storage, Mapping) else None
    return bool(part.get("tables") if isinstance(part, Mapping) else part)


def tree_of(schema: Schema, storage: Any, posted: Mapping[str, list[str]] | None = None) -> Field:
    stored = {} if storage == [] else storage  # an empty object from clients written in PHP
    if posted is None:
        return building.of_document(schema, stored, path=(STORAGE,), name=ROOT_NAME)
    return building.of_post(schema, stored, posted, path=(STORAGE,), name=ROOT_NAME)


def is_about(action: str) -> bool:
    """Whether a button belongs to this tree: "add:s/input/tables"."""
    return action.partition(":")[2].startswith(f"{ROOT_NAME}/")


def side_of(tree: Field, side: str) -> Field | None:
    """The list of tables of a side; None when the side is not offered, or holds what no list can draw."""
    around = tree.part.get(side)
    return around.part.get("tables") if around is not None else None


def problems(storage: Any) -> list[Problem]:
    """What is wrong, each with the path of its field: of every table the first fault, or a name that stands twice."""
    found = [_placed(error, side, place) for side, place, error in _faults(storage)]
    if not found:
        try:
            mappings.parse({STORAGE: storage})
        except InvalidMapping as error:
            found.append((_path(error.field_path), error.message))
    return found


def _faults(storage: Any) -> Iterator[tuple[str, int, InvalidMapping]]:
    for side in (INPUT, OUTPUT):
        part = storage.get(side) if isinstance(storage, Mapping) else None
        tables = part.get("tables") if isinstance(part, Mapping) else None
        for place, table in enumerate(tables if isinstance(tables, list) else ()):
            try:
                mappings.parse({STORAGE: {side: {"tables": [table]}}})
            except InvalidMapping as error:
                yield side, place, error


def _placed(error: InvalidMapping, side: str, place: int) -> Problem:
    """``error``: of the table as if it were the only one."""
    return (STORAGE, side, "tables", place, *_path(error.field_path)[4:]), error.message


def _path(text: str) -> tuple[str | int, ...]:
    """Down to a field of a table: `storage.input.tables[0].columns[3]` is about its columns."""
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", text)
    return tuple(int(number) if number else name for number, name in parts)[:5]
