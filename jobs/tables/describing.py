"""The facts of a table at a version, as several answers carry them, and the verb ``preview``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.tables.engine import Engine
from jobs.tables.places import check_location
from jobs.tables.scanning import as_text, relation
from jobs.tables.session import Session
from jobs.tables.snapshots import DataFile, Snapshot, open_table

PREVIEW_ROWS = 100
PREVIEW_CELL_CHARACTERS = 500
PREVIEW_BYTES = 200_000


def preview(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    snapshot = open_table(session.place, check_location(entry["location"]), entry.get("version"))
    return facts(session.engine, snapshot, int(entry.get("limit") or PREVIEW_ROWS))


def facts(engine: Engine, snapshot: Snapshot, limit: int = PREVIEW_ROWS) -> dict[str, Any]:
    return {
        "delta_version": snapshot.version,
        "rows": count_rows(engine, snapshot),
        "size_bytes": snapshot.size_bytes,
        "columns": [column.describe() for column in snapshot.columns],
        "preview": _first_rows(engine, snapshot, min(limit, PREVIEW_ROWS)),
    }


def count_rows(engine: Engine, snapshot: Snapshot) -> int:
    counts = [file.rows for file in snapshot.files]
    if snapshot.is_plain and None not in counts:
        return sum(count or 0 for count in counts)
    return int(engine.one(f"SELECT count(*) FROM {relation(engine, snapshot)}"))


def _first_rows(engine: Engine, snapshot: Snapshot, limit: int) -> list[list[str | None]]:
    cells = ", ".join(f"left({as_text(column)}, {PREVIEW_CELL_CHARACTERS})" for column in snapshot.columns)
    if not cells:
        return []
    engine.make_room_for(len(snapshot.columns))
    source = relation(engine, snapshot, _first_files(snapshot.files, limit))
    rows: list[list[str | None]] = []
    size = 0
    for row in engine.rows(f"SELECT {cells} FROM {source} LIMIT {limit}"):
        size += sum(len(cell.encode()) + 4 if cell is not None else 6 for cell in row)
        if size > PREVIEW_BYTES:
            break
        rows.append(list(row))
    return rows


def _first_files(files: Sequence[DataFile], limit: int) -> list[DataFile]:
    """As many as hold the first rows."""
    chosen: list[DataFile] = []
    for file in files:
        if sum(found.rows or 0 for found in chosen) >= limit:
            break
        chosen.append(file)
    return chosen
