"""What a job has left, as a query that gives rows in the types of the table they are for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from jobs.tables import columns as columns_of
from jobs.tables import csv_files, faultfinding, narrowing, scanning
from jobs.tables import engine as sql
from jobs.tables.columns import DATE, FLOAT, INTEGER, NUMERIC, STRING, TIMESTAMP, Column
from jobs.tables.csv_files import CsvFiles
from jobs.tables.engine import Engine
from jobs.tables.errors import UserError

# What a type may become without losing anything; text may become everything, value by value.
_WIDER = {
    INTEGER: {NUMERIC, FLOAT},
    NUMERIC: {FLOAT},
    DATE: {TIMESTAMP},
}
_NUMBERS = {INTEGER, NUMERIC}


@dataclass
class Load:
    """``columns`` has the given columns, in their order, as they will be in the table."""

    query: str
    columns: list[Column]
    renamed: dict[str, str]
    files: CsvFiles | None = None  # for messages about lines
    row_bytes: int = 0  # about what a row takes; 0: not known


def open_load(engine: Engine, entry: dict[str, Any], existing: list[Column] | None) -> Load:
    """Raises UserError for what cannot be read, or does not fit the columns that the table has."""
    if entry.get("source") is None:
        return _open_nothing(entry, existing)
    if entry.get("format") == "parquet":
        return _open_parquet(engine, entry, existing)
    return from_csv(engine, csv_files.open_csv(entry), existing)


def _open_nothing(entry: dict[str, Any], existing: list[Column] | None) -> Load:
    given = [Column.parse(column) for column in entry.get("columns") or ()]
    cleaned, renamed = columns_of.clean(given)
    columns = _fit(cleaned, existing) if given else list(existing or ())
    if not columns:
        raise UserError("It has no columns: neither a file nor columns are given.")
    return Load("", columns, renamed)


def from_csv(engine: Engine, files: CsvFiles, existing: list[Column] | None) -> Load:
    cleaned, renamed = columns_of.clean(files.fields)
    columns = _fit(cleaned, existing)
    if not files.paths:
        return Load("", columns, renamed)
    engine.make_room_for(len(columns))
    selected = [
        f"{_parse(f'f{place}', column, place)} AS {sql.name(column.name)}" for place, column in enumerate(columns)
    ]
    return Load(
        f"SELECT {', '.join(selected)} FROM {files.relation(engine)}", columns, renamed, files, files.row_bytes()
    )


def _open_parquet(engine: Engine, entry: dict[str, Any], existing: list[Column] | None) -> Load:
    paths, _ = csv_files.list_files(Path(entry["source"]), entry.get("slices"))
    if not paths:
        return _open_nothing(entry, existing)
    links = [engine.alias(path, ".parquet") for path in paths]
    source = f"read_parquet({sql.texts(links)}, union_by_name = true)"
    try:
        found = [(row[0], row[1]) for row in engine.rows(f"DESCRIBE SELECT * FROM {source}")]
    except duckdb.Error as error:
        raise UserError(engine.with_names(str(error))) from error
    declared = {columns_of.clean_name(c.name, 0).casefold(): c for c in map(Column.parse, entry.get("columns") or ())}
    held, renamed = columns_of.clean([Column.from_duckdb(name, kind) for name, kind in found])
    wanted = [replace(declared.get(column.key, column), name=column.name) for column in held]
    columns = _fit(wanted, existing, {column.key for column in held if column.key not in declared})
    engine.make_room_for(len(columns))
    if engine.is_careful:
        source = narrowing.readable(engine, source, links, [name for name, _ in found])
    selected = [
        f"{_convert(sql.name(name), kind, source_column, column, place)} AS {sql.name(column.name)}"
        for place, ((name, kind), source_column, column) in enumerate(zip(found, held, columns, strict=True))
    ]
    query = f"SELECT {', '.join(selected)} FROM {source}"
    return Load(query, columns, renamed, row_bytes=scanning.row_bytes(engine, links))


def _fit(given: list[Column], existing: list[Column] | None, undeclared: set[str] | None = None) -> list[Column]:
    """The given columns with the types that the table has. ``undeclared``: keys whose type nobody asked for."""
    if existing is None:
        return given
    there = {column.key: column for column in existing}
    fitted = []
    for column in given:
        old = there.get(column.key)
        if old is None:
            fitted.append(replace(column, nullable=True))
            continue
        is_free = column.type == STRING or (old.type == STRING and column.key in (undeclared or ()))
        is_wider = column.key in (undeclared or ()) and old.type in _WIDER.get(column.type, set())
        if not (column.type == old.type or is_free or is_wider):
            raise UserError(f"Column {old.name} is {old.type} in the table, but {column.type} in the load.")
        fitted.append(old)
    given_keys = {column.key for column in given}
    for old in existing:
        if not old.nullable and old.key not in given_keys:
            raise UserError(f"Column {old.name} must have a value, but the load does not have the column.")
    return fitted


def _parse(value: str, column: Column, place: int) -> str:
    """SQL for a text as a value of the column; the empty text is NULL but in text columns.

    What is good stands first: the empty text is no value of any type, and is looked for among the rest alone.
    """
    if column.type == STRING:
        return value
    kind = column.duckdb_type
    refusal = f"{faultfinding.refusal(place, value)}::{kind}"
    parsed = f"try_cast({value} AS {kind})"
    is_good = f"{parsed} IS NOT NULL"
    if column.type in {DATE, TIMESTAMP}:
        is_good = f"isfinite({parsed})"
    elif column.type == INTEGER:
        # DuckDB would round 1.7 to 2; 5.0 is what pandas makes of a whole number.
        is_whole = f"NOT (contains({value}, '.') OR contains({value}, 'e') OR contains({value}, 'E'))"
        is_good += f" AND ({is_whole} OR try_cast({value} AS DOUBLE) = {parsed})"
    empty = "NULL" if column.nullable else refusal
    return f"CASE WHEN {is_good} THEN {parsed} WHEN {value} = '' THEN {empty} ELSE {refusal} END"


def _convert(value: str, kind: str, source: Column, target: Column, place: int) -> str:
    """SQL for a column of a Parquet file as one of the table."""
    if kind == "VARCHAR" and target.type != STRING:
        converted = _parse(value, target, place)
        return f"CASE WHEN {value} IS NULL THEN {_missing(target, place)} ELSE {converted} END"
    converted = f"{value}::{target.duckdb_type}"
    if target.type == STRING:
        converted = _as_text(value, kind)
    elif source.type in _NUMBERS and target.type in _NUMBERS and kind != target.duckdb_type:
        refusal = f"{faultfinding.refusal(place, f'{value}::VARCHAR')}::{target.duckdb_type}"
        fitted = f"coalesce(try_cast({value} AS {target.duckdb_type}), {refusal})"
        converted = f"CASE WHEN {value} IS NULL THEN NULL ELSE {fitted} END"
    if target.nullable:
        return converted
    return f"CASE WHEN {value} IS NULL THEN {_missing(target, place)} ELSE {converted} END"


def _missing(column: Column, place: int) -> str:
    return "NULL" if column.nullable else faultfinding.refusal(place, "''") + f"::{column.duckdb_type}"


def _as_text(value: str, kind: str) -> str:
    if kind == "VARCHAR":
        return value
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"({value} AT TIME ZONE 'UTC')::VARCHAR"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({value})::VARCHAR"
    return f"{value}::VARCHAR"


def is_typed(columns: list[Column]) -> bool:
    return any(column.type != STRING for column in columns)
