"""Rows of a table into one file, by DuckDB, which streams them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from jobs.components.shared import duck
from jobs.components.shared.data_folder import InputTable

ENDINGS = {"csv": ".csv", "json-lines": ".jsonl", "parquet": ".parquet"}
TAB, ESCAPED_TAB = "\t", "\\t"


def ending(parameters: Mapping[str, Any]) -> str:
    """Parquet is packed inside."""
    chosen = parameters.get("format", "csv")
    return ENDINGS[chosen] + (".gz" if parameters.get("gzip") and chosen != "parquet" else "")


def write(database: duckdb.DuckDBPyConnection, table: InputTable, file: Path, parameters: Mapping[str, Any]) -> int:
    """The number of rows."""
    query = duck.select(database, table)
    if parameters.get("format", "csv") != "parquet":
        query = _with_plain_times(query, table)
    # Written in place: DuckDB's own draft would stay behind when it is killed.
    options = ", ".join(["USE_TMP_FILE false", *_options(parameters)])
    ((rows,),) = database.execute(f"COPY ({query}) TO {duck.literal(file)} ({options})").fetchall()
    return int(rows)


def _with_plain_times(query: str, table: InputTable) -> str:
    """Moments in UTC as text without its +00."""
    times = [duck.name(column.name) for column in table.columns if column.type == "TIMESTAMP"]
    replaced = ", ".join(f"{column}::TIMESTAMP AS {column}" for column in times)
    return f"SELECT * REPLACE ({replaced}) FROM ({query})" if times else query  # noqa: S608


def _options(parameters: Mapping[str, Any]) -> list[str]:
    is_packed = bool(parameters.get("gzip"))
    chosen = parameters.get("format", "csv")
    if chosen == "parquet":
        return ["FORMAT parquet", f"COMPRESSION {'gzip' if is_packed else 'zstd'}"]
    compression = f"COMPRESSION {'gzip' if is_packed else 'none'}"
    if chosen == "json-lines":
        return ["FORMAT json", "ARRAY false", "TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'", compression]
    csv = parameters.get("csv") or {}
    delimiter = csv.get("delimiter", ",")
    return [
        "FORMAT csv",
        f"HEADER {'true' if csv.get('has_header', True) else 'false'}",
        f"DELIMITER {duck.literal(TAB if delimiter == ESCAPED_TAB else delimiter)}",
        "QUOTE '\"'",
        "ESCAPE '\"'",
        *(["FORCE_QUOTE *"] if csv.get("quotes_all") else []),
        compression,
    ]
