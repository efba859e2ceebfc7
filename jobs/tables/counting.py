"""The verb ``count``: how many rows a deletion would take."""

from __future__ import annotations

from typing import Any

from jobs.tables import conditions
from jobs.tables.describing import count_rows
from jobs.tables.places import check_location
from jobs.tables.scanning import relation
from jobs.tables.session import Session
from jobs.tables.snapshots import open_table


def count(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    snapshot = open_table(session.place, check_location(entry["location"]))
    total = count_rows(session.engine, snapshot)
    where = conditions.resolve(entry.get("delete_where"), session.now)
    if where is None:
        rows = total
    elif conditions.is_by_file(where):
        limit = conditions.stamp_of(where)
        rows = sum(file.rows or 0 for file in snapshot.files if file.stamp < limit)
    else:
        chosen = conditions.selects(session.engine, where, snapshot.columns)
        rows = int(session.engine.one(f"SELECT count(*) FROM {relation(session.engine, snapshot)} WHERE {chosen}"))
    return {"rows": rows, "total": total, "delta_version": snapshot.version}
