"""The verb ``export``: a table as files for a component."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.tables import columns as columns_of
from jobs.tables import conditions
from jobs.tables import engine as sql
from jobs.tables.columns import NUMERIC, TIMESTAMP, Column
from jobs.tables.errors import StorageError
from jobs.tables.places import check_location
from jobs.tables.scanning import as_text, relation, row_bytes
from jobs.tables.session import Session
from jobs.tables.snapshots import DataFile, Snapshot, open_table
from jobs.tables.writing import copy_to_parquet

CSV_FORMAT = "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"'"


def export(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    snapshot = open_table(session.place, check_location(entry["location"]), entry.get("version"))
    target = Path(entry["to"])
    if os.path.lexists(target):
        raise StorageError(f"{target.name} exists already.")
    wanted = [columns_of.find(snapshot.columns, name) for name in entry.get("columns") or ()] or snapshot.columns
    files = _changed_files(session, snapshot, entry)
    session.engine.make_room_for(len(wanted))
    if entry.get("format") == "parquet":
        rows = _export_parquet(session, snapshot, files, wanted, entry, target)
    else:
        rows = _export_csv(session, _query(session, snapshot, files, entry, wanted), wanted, target)
    size = sum(file.stat().st_size for file in target.iterdir()) if target.is_dir() else target.stat().st_size
    if entry.get("manifest") is not None:
        _write_manifest(target, entry["manifest"], wanted, rows, size)
    return {
        "path": str(target),
        "delta_version": snapshot.version,
        "rows": rows,
        "size_bytes": size,
        "columns": [column.describe() for column in wanted],
    }


def _changed_files(session: Session, snapshot: Snapshot, entry: dict[str, Any]) -> list[DataFile]:
    if not entry.get("changed_since"):
        return snapshot.files
    since = conditions.parse_moment(str(entry["changed_since"]), session.now).timestamp() * 1000
    return [file for file in snapshot.files if file.stamp >= since]


def _query(
    session: Session, snapshot: Snapshot, files: Sequence[DataFile], entry: dict[str, Any], wanted: list[Column]
) -> str:
    """The rows that are asked for, each column under its name."""
    where = ""
    if entry.get("where_column"):
        column = columns_of.find(snapshot.columns, entry["where_column"])
        operator, values = str(entry.get("where_operator") or "eq"), list(entry.get("where_values") or ())
        where = f" WHERE {conditions.matches(session.engine, column, operator, values)}"
    limit = f" LIMIT {int(entry['limit'])}" if entry.get("limit") else ""
    names = ", ".join(sql.name(column.name) for column in wanted)
    return f"SELECT {names} FROM {relation(session.engine, snapshot, files)}{where}{limit}"


def _export_csv(session: Session, query: str, wanted: list[Column], target: Path) -> int:
    texts = [f"{as_text(c) if c.type == TIMESTAMP else sql.name(c.name)} AS {sql.name(c.name)}" for c in wanted]
    if len(wanted) == 1:
        # Most readers pass over a blank line: an empty field that is alone in its row is written with quotes.
        texts = [f"coalesce({as_text(wanted[0])}, '') AS {sql.name(wanted[0].name)}"]
    half = target.with_name(f".{target.name}.half")
    count = session.engine.one(f"COPY (SELECT {', '.join(texts)} FROM ({query})) TO {sql.text(half)} ({CSV_FORMAT})")
    half.rename(target)
    return int(count)


def _export_parquet(
    session: Session,
    snapshot: Snapshot,
    files: Sequence[DataFile],
    wanted: list[Column],
    entry: dict[str, Any],
    target: Path,
) -> int:
    is_whole = wanted == snapshot.columns and not entry.get("where_column") and not entry.get("limit")
    paths = snapshot.local_files(files) if snapshot.is_plain else []
    counts = [file.rows for file in files]
    target.mkdir()
    try:
        if is_whole and paths and None not in counts and _have_all_columns(session, paths, wanted):
            for place, path in enumerate(paths):
                _link(Path(path), target / f"part-{place:05}.parquet")
            return sum(count or 0 for count in counts)
        query = _query(session, snapshot, files, entry, wanted)
        parts = copy_to_parquet(session.engine, query, target, len(wanted), row_bytes(session.engine, paths))
    except BaseException:
        shutil.rmtree(target)
        raise
    for place, (part, _, _) in enumerate(parts):
        part.rename(target / f"part-{place:05}.parquet")
    return sum(rows for _, _, rows in parts)


def _have_all_columns(session: Session, paths: Sequence[str], wanted: list[Column]) -> bool:
    """Whether each file gives the table's columns by itself: a component may read them one by one."""
    expected = [
        (column.name, column.duckdb_type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")) for column in wanted
    ]
    for path in paths:
        found = session.engine.rows(f"DESCRIBE SELECT * FROM read_parquet({sql.text(path)})")
        if [(name, kind) for name, kind, *_ in found] != expected:
            return False
    return True


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or one that has no links
        shutil.copyfile(source, target)


def _write_manifest(target: Path, given: dict[str, Any], wanted: list[Column], rows: int, size: int) -> None:
    key = given.get("primary_key") or []
    manifest = {
        **given,
        "columns": [column.name for column in wanted],
        "schema": [_schema_of(column, column.name in key) for column in wanted],
        "rows_count": rows,
        "data_size_bytes": size,
    }
    target.with_name(f"{target.name}.manifest").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


def _schema_of(column: Column, is_key: bool) -> dict[str, Any]:
    base = {"type": column.type} | ({"length": column.length} if column.type == NUMERIC else {})
    return {
        "name": column.name,
        "data_type": {"base": base},
        "nullable": column.nullable,
        "primary_key": is_key,
    }
