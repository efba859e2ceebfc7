"""DuckDB within the bounds of one job."""

from __future__ import annotations

import os
from typing import Any

import duckdb

from jobs.components.shared.data_folder import DataFolder, InputTable
from jobs.components.shared.manifests import Column

MEMORY_LIMIT = "512MB"


def connect(folder: DataFolder) -> duckdb.DuckDBPyConnection:
    """An empty database in memory that spills to the job's own disk and fetches nothing from the network."""
    spill = folder.temporary / "duckdb"
    spill.mkdir(exist_ok=True)
    settings: dict[str, Any] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": min(os.cpu_count() or 1, 4),
        "temp_directory": str(spill),
        "preserve_insertion_order": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    database = duckdb.connect(config=settings)
    database.execute("SET TimeZone = 'UTC'")
    return database


def literal(text: object) -> str:
    """A text as SQL writes it, for statements that take no parameters."""
    return "'" + str(text).replace("'", "''") + "'"


def name(text: str) -> str:
    """A name as SQL writes it."""
    return '"' + text.replace('"', '""') + '"'


_COLUMN_TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMPTZ",
}


def column_type(column: Column) -> str:
    """Of a column of a table, as SQL writes it."""
    if column.type == "NUMERIC":
        return f"DECIMAL({column.length or '38,9'})"
    return _COLUMN_TYPES[column.type]


def select(database: duckdb.DuckDBPyConnection, table: InputTable) -> str:
    """The query of all rows of an input table of Parquet, in the columns of its manifest.

    Parts may be older than a column, and an empty table may have none at all.
    """
    parts = [str(part) for part in table.parts if part.suffix == ".parquet"]
    columns = [(name(column.name), column_type(column)) for column in table.columns]
    if not parts:
        nothing = ", ".join(f"NULL::{kind} AS {column}" for column, kind in columns)
        return f"SELECT {nothing} WHERE false"
    source = f"read_parquet([{', '.join(map(literal, parts))}], union_by_name = true)"
    there = {row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}  # noqa: S608
    wanted = [
        column if each.name in there else f"NULL::{kind} AS {column}"
        for each, (column, kind) in zip(table.columns, columns, strict=True)
    ]
    return f"SELECT {', '.join(wanted) or '*'} FROM {source}"  # noqa: S608


_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_LARGE = ("UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM")


def storable(column: str, type_name: str) -> tuple[Column, str]:
    """The column of a table for one that DuckDB describes so, and how its values are made what tables can hold."""
    quoted = name(column)
    if type_name.endswith("]") or type_name.startswith(("STRUCT(", "MAP(", "UNION(")):
        return Column(column), f"to_json({quoted})::VARCHAR"
    if type_name in _WHOLE:
        return Column(column, "INTEGER"), f"{quoted}::BIGINT"
    if type_name in _LARGE:
        return Column(column, "NUMERIC", "38,0"), f"{quoted}::DECIMAL(38, 0)"
    if type_name.startswith("DECIMAL"):
        return Column(column, "NUMERIC", type_name.removeprefix("DECIMAL").strip("()")), quoted
    if type_name in ("FLOAT", "DOUBLE"):
        return Column(column, "FLOAT"), f"{quoted}::DOUBLE"
    if type_name in ("BOOLEAN", "DATE"):
        return Column(column, type_name), quoted
    if type_name.startswith("TIMESTAMP"):
        return Column(column, "TIMESTAMP"), f"{quoted}::TIMESTAMPTZ"
    return Column(column), f"base64({quoted})" if type_name == "BLOB" else f"{quoted}::VARCHAR"
