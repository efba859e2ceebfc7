"""The input and output mapping of a configuration: `storage.input.tables` and `storage.output.tables` (DESIGN §6).

What is left out, or null, or an empty list where clients written in PHP mean an empty object, counts as not given;
fields that we do not know are left alone, since public clients send some.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from orchestrations import table_ids

TABLES_LIMIT = 1_000
VALUES_LIMIT = 10_000
FILE_NAME_LIMIT = 200
PLACEHOLDER = "{{"
"""Of a variable: what stands around it is checked when the job knows its value."""


class InvalidMapping(ValueError):
    """`storage.input.tables[0].source: …`; the sentence is for the user."""

    def __init__(self, field_path: str, message: str) -> None:
        super().__init__(f"{field_path}: {message}")
        self.field_path = field_path
        self.message = message


@dataclass(frozen=True, kw_only=True)
class InputTable:
    """A table that the program finds as a file in ``in/tables``."""

    field: str
    """Where it stands in the configuration, for messages."""
    source: str
    destination: str
    columns: tuple[str, ...] = ()
    """In this order; none: all."""
    where_column: str = ""
    where_operator: str = "eq"
    where_values: tuple[str, ...] = ()
    changed_since: str = ""
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class OutputTable:
    """A file of ``out/tables`` that becomes a table. None: what the file's manifest says counts."""

    field: str
    source: str
    destination: str
    primary_key: tuple[str, ...] | None = None
    incremental: bool | None = None
    delete_where: DeleteWhere | None = None


@dataclass(frozen=True, kw_only=True)
class DeleteWhere:
    """Rows that are deleted before new ones are added; ``older_than`` (``30 days``) stands in place of values."""

    column: str
    operator: str = "eq"
    values: tuple[str, ...] = ()
    older_than: str = ""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    inputs: tuple[InputTable, ...] = ()
    outputs: tuple[OutputTable, ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        """The ids of the buckets."""
        return frozenset(each.source.rpartition(".")[0] for each in self.inputs)

    @property
    def writes(self) -> frozenset[str]:
        """The ids of the buckets that it declares; what a component names in a manifest comes on top."""
        return frozenset(each.destination.rpartition(".")[0] for each in self.outputs)


NOTHING = Mapping()


def parse(configuration: AnyMapping[str, Any]) -> Mapping:
    """Raises InvalidMapping."""
    storage = configuration.get("storage")
    if not storage:
        return NOTHING
    inputs = tuple(_input(field, given) for field, given in _tables(storage, "input"))
    outputs = tuple(_output(field, given) for field, given in _tables(storage, "output"))
    if not inputs and not outputs:
        return NOTHING
    _require_unique([(each.field, "destination", each.destination) for each in inputs])
    _require_unique([(each.field, "source", each.source) for each in outputs])
    _require_unique([(each.field, "destination", each.destination) for each in outputs])
    return Mapping(inputs=inputs, outputs=outputs)


def file_name_problem(name: str) -> str:
    """Why this cannot name a file in the data folder; "" when it can."""
    if name in ("", ".", ".."):
        return "is not the name of a file"
    if "/" in name or "\\" in name or not name.isprintable():
        return "must be the name of a file, without a path"
    if len(name.encode(errors="replace")) > FILE_NAME_LIMIT:
        return f"must not be longer than {FILE_NAME_LIMIT} bytes"
    return "must not end in .manifest" if name.endswith(".manifest") else ""


# --- One table ---------------------------------------------------------------------------------


def _input(field: str, given: AnyMapping[str, Any]) -> InputTable:
    source = _table_id(field, given, "source")
    destination = _text(field, given, "destination") or source
    problem = file_name_problem(destination)
    if problem:
        _refuse(f"{field}.destination", problem)
    where_column, values = _text(field, given, "where_column"), _texts(field, given, "where_values")
    if where_column and not values:
        _refuse(f"{field}.where_values", "needs at least one value")
    return InputTable(
        field=field,
        source=source,
        destination=destination,
        columns=_texts(field, given, "columns"),
        where_column=where_column,
        where_operator=_operator(field, given, "where_operator"),
        where_values=values,
        changed_since=_text(field, given, "changed_since"),
        limit=_limit(field, given),
    )


def _output(field: str, given: AnyMapping[str, Any]) -> OutputTable:
    source = _text(field, given, "source")
    problem = file_name_problem(source)
    if problem:
        _refuse(f"{field}.source", problem if source else "is required")
    return OutputTable(
        field=field,
        source=source,
        destination=_table_id(field, given, "destination"),
        primary_key=None if given.get("primary_key") is None else _texts(field, given, "primary_key"),
        incremental=flag(f"{field}.incremental", given.get("incremental")),
        delete_where=delete_where(field, given),
    )


def delete_where(field: str, given: AnyMapping[str, Any]) -> DeleteWhere | None:
    """Also of a manifest, whose ``field`` ends in a blank. Raises InvalidMapping."""
    column, older_than = _text(field, given, "delete_where_column"), _text(field, given, "delete_where_older_than")
    if older_than:
        return DeleteWhere(column=column, older_than=older_than)
    if not column:
        return None
    values = _texts(field, given, "delete_where_values")
    if not values:
        _refuse(_at(field, "delete_where_values"), "needs at least one value")
    return DeleteWhere(column=column, operator=_operator(field, given, "delete_where_operator"), values=values)


def flag(field: str, value: Any) -> bool | None:
    """Raises InvalidMapping."""
    if value is None or isinstance(value, bool):
        return value
    raise InvalidMapping(field, "expected true or false")


def names(field: str, value: Any) -> tuple[str, ...]:
    """A list of names. Raises InvalidMapping."""
    if not isinstance(value, list):
        _refuse(field, "expected a list of texts")
    if len(value) > VALUES_LIMIT:
        _refuse(field, f"must not have more than {VALUES_LIMIT:,} items")
    for place, each in enumerate(value):
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            _refuse(f"{field}[{place}]", "expected a text")
    return tuple(str(each) for each in value)


# --- Fields ------------------------------------------------------------------------------------


def _tables(storage: Any, side: str) -> list[tuple[str, AnyMapping[str, Any]]]:
    if not isinstance(storage, AnyMapping):
        _refuse("storage", "expected an object")
    given = storage.get(side) or {}
    if not isinstance(given, AnyMapping):
        _refuse(f"storage.{side}", "expected an object")
    field = f"storage.{side}.tables"
    found = given.get("tables") or []
    if not isinstance(found, list):
        _refuse(field, "expected a list of objects")
    if len(found) > TABLES_LIMIT:
        _refuse(field, f"must not have more than {TABLES_LIMIT:,} items")
    for place, each in enumerate(found):
        if not isinstance(each, AnyMapping):
            _refuse(f"{field}[{place}]", "expected an object")
    return [(f"{field}[{place}]", each) for place, each in enumerate(found)]


def _table_id(field: str, given: AnyMapping[str, Any], name: str) -> str:
    text = _text(field, given, name)
    if not text:
        _refuse(f"{field}.{name}", "is required")
    if PLACEHOLDER not in text:
        try:
            table_ids.table_id(text)
        except table_ids.InvalidName as error:
            _refuse(f"{field}.{name}", str(error))
    return text


def _text(field: str, given: AnyMapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\x00" in value:
        _refuse(_at(field, name), "expected a text")
    return value.strip()


def _texts(field: str, given: AnyMapping[str, Any], name: str) -> tuple[str, ...]:
    value = given.get(name)
    return () if value is None else names(_at(field, name), value)


def _operator(field: str, given: AnyMapping[str, Any], name: str) -> str:
    value = _text(field, given, name) or "eq"
    if value not in ("eq", "ne"):
        _refuse(_at(field, name), "expected eq or ne")
    return value


def _limit(field: str, given: AnyMapping[str, Any]) -> int | None:
    value = given.get("limit")
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:18])
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _refuse(f"{field}.limit", "expected a whole number of rows")
    return value


def _at(field: str, name: str) -> str:
    return f"{field}{name}" if field.endswith(" ") else f"{field}.{name}"


def _require_unique(fields: Sequence[tuple[str, str, str]]) -> None:
    seen: dict[str, str] = {}
    for field, name, value in fields:
        if value in seen and PLACEHOLDER not in value:
            _refuse(f"{field}.{name}", f'"{value[:120]}" stands in {seen[value]} already')
        seen[value] = field


def _refuse(field: str, message: str) -> NoReturn:
    raise InvalidMapping(field, message)
