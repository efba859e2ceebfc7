"""SQL that reads the rows of a snapshot, with the columns of its schema in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jobs.tables import engine as sql
from jobs.tables import narrowing
from jobs.tables.columns import TIMESTAMP, Column
from jobs.tables.engine import Engine
from jobs.tables.snapshots import DataFile, Snapshot

FOREIGN = "foreign_rows"
# Columns that say where a row lies: in which file of the list, as which of its rows.
FILE, ROW = "_tutti_file", "_tutti_row"


def relation(engine: Engine, snapshot: Snapshot, files: Sequence[DataFile] | None = None) -> str:
    """A query in brackets; through deltalake, for one reading, where the files alone would be read wrong."""
    if not snapshot.is_plain:
        engine.register(FOREIGN, snapshot.table.scan())
        selected = ", ".join(f"{cast(column)} AS {sql.name(column.name)}" for column in snapshot.columns)
        return f"(SELECT {selected} FROM {FOREIGN})"
    chosen = snapshot.files if files is None else files
    return read_files(engine, snapshot.local_files(chosen), snapshot.columns)


def read_files(engine: Engine, paths: Sequence[str], columns: list[Column], *, places: bool = False) -> str:
    """Parquet files as one relation; columns that a file does not have are NULL."""
    if not paths:
        nulls = [f"NULL::{column.duckdb_type} AS {sql.name(column.name)}" for column in columns]
        nulls += [f"''::VARCHAR AS {FILE}", f"0::BIGINT AS {ROW}"] if places else []
        return f"(SELECT {', '.join(nulls)} WHERE false)"
    options = "union_by_name = true" + (f", filename = {sql.text(FILE)}, file_row_number = true" if places else "")
    source = f"read_parquet({sql.texts(paths)}, {options})"
    found = engine.rows(f"DESCRIBE SELECT * FROM {source}")
    there = {row[0].casefold(): row[1] for row in found}
    if engine.is_careful:
        # Other programs write row groups as large as it pleases them.
        source = narrowing.readable(engine, source, paths, [row[0] for row in found])
    selected = [_select(column, there.get(column.key)) for column in columns]
    selected += [FILE, f"file_row_number AS {ROW}"] if places else []
    return f"(SELECT {', '.join(selected)} FROM {source})"


def row_bytes(engine: Engine, paths: Sequence[str] | Sequence[Path]) -> int:
    """About what a row of these Parquet files takes, unpacked; 0 when there are none."""
    if not paths:
        return 0
    found = engine.one(
        "SELECT sum(bytes) FROM (SELECT sum(total_uncompressed_size) / greatest(sum(num_values), 1) AS bytes"
        f" FROM parquet_metadata({sql.texts(paths)}) GROUP BY path_in_schema)"
    )
    return int(found or 0)


def _select(column: Column, kind: str | None) -> str:
    if kind is None:
        return f"NULL::{column.duckdb_type} AS {sql.name(column.name)}"
    if column.is_foreign:
        return f"{cast(column)} AS {sql.name(column.name)}"
    if kind in {column.duckdb_type, column.duckdb_type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")}:
        return sql.name(column.name)
    return f"{sql.name(column.name)}::{column.duckdb_type} AS {sql.name(column.name)}"


def cast(column: Column) -> str:
    """The column, or its text as JSON when it is of a type that we have none for."""
    if not column.is_foreign:
        return sql.name(column.name)
    is_nested = column.delta_type.startswith("{")
    return f"to_json({sql.name(column.name)})::VARCHAR" if is_nested else f"{sql.name(column.name)}::VARCHAR"


def as_text(column: Column) -> str:
    """What a CSV file and the preview show of a value."""
    if column.type == TIMESTAMP and column.duckdb_type == "TIMESTAMPTZ":
        return f"({sql.name(column.name)} AT TIME ZONE 'UTC')::VARCHAR"
    return f"{sql.name(column.name)}::VARCHAR"
