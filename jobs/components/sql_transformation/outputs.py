"""What the output mapping wants to be kept, written as Parquet with the types that tables of Storage have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import duckdb

from jobs.components.shared import duck
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import OutputManifest
from jobs.components.sql_transformation.statements import sentence_of

ENDINGS = (".parquet", ".csv")


def wanted(config: Mapping[str, Any]) -> list[str]:
    """The sources of the output mapping."""
    storage = config.get("storage") or {}
    tables = (storage.get("output") or {}).get("tables") or []
    return [str(each["source"]) for each in tables]


def write(sources: list[str], folder: DataFolder, database: duckdb.DuckDBPyConnection) -> None:
    """Raises UserError."""
    rows = database.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal UNION SELECT view_name FROM duckdb_views() "
        "WHERE NOT internal ORDER BY 1"
    ).fetchall()
    there = {name.lower(): name for (name,) in rows}
    found = [(source, _find(source, there)) for source in sources]
    for source, name in found:
        if name is None:
            made = ", ".join(there.values())
            raise UserError(
                f"The output mapping wants {source!r}, and no statement made a table or view of that name."
                + (f" There is {made}." if made else "")
            )
        _write(source, name, folder, database)
    if not sources:
        print("The output mapping names no table, so nothing is kept.")


def _find(source: str, there: Mapping[str, str]) -> str | None:
    plain = next((source.removesuffix(ending) for ending in ENDINGS if source.endswith(ending)), source)
    return there.get(source.lower()) or there.get(plain.lower())


def _write(source: str, name: str, folder: DataFolder, database: duckdb.DuckDBPyConnection) -> None:
    started = time.monotonic()
    target = source if source.endswith(".parquet") else f"{source}.parquet"
    try:
        described = database.execute(f"DESCRIBE {duck.name(name)}").fetchall()
        columns = [duck.storable(row[0], row[1]) for row in described]
        expressions = ", ".join(f"{expression} AS {duck.name(column.name)}" for column, expression in columns)
        file = duck.literal((folder.out_tables / target).resolve())
        rows = f"SELECT {expressions} FROM {duck.name(name)}"  # noqa: S608
        written = database.execute(f"COPY ({rows}) TO {file} (FORMAT parquet, COMPRESSION zstd)").fetchall()
    except duckdb.Error as error:
        raise UserError(f"The output table {source}: {sentence_of(error)}") from error
    folder.write_manifest(target, OutputManifest(schema=[column for column, _ in columns]))
    print(f"Output table {source}: {written[0][0]:,} rows in {time.monotonic() - started:.2f} s.")
