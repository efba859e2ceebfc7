"""Verbs that give room back: ``vacuum``, ``drop`` and ``clean``."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

from deltalake._internal import RemoveAction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, CommitProperties

from jobs.tables import engine as sql
from jobs.tables import log, plans, snapshots
from jobs.tables.places import check_location
from jobs.tables.scanning import read_files, row_bytes
from jobs.tables.session import Session
from jobs.tables.snapshots import DataFile, Snapshot
from jobs.tables.writing import write_rows

DEFAULT_RETENTION_HOURS = 168
SMALL_FILE_BYTES = 32 << 20
FILES_WORTH_COMPACTING = 8
DEFAULT_CLEAN_HOURS = 24


def vacuum(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    location = check_location(entry["location"])
    hours = int(entry.get("retention_hours", DEFAULT_RETENTION_HOURS))
    snapshot = snapshots.open_table(session.place, location)
    if entry.get("compact"):
        snapshot = _compact(session, snapshot, hours) or snapshot
    doomed = snapshot.table.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False)
    freed = sum(_size(session, location, path) for path in doomed)
    if doomed:
        snapshot.table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
        session.place.remove(location, doomed)  # they are gone; so the empty folders go too
    snapshot.table.cleanup_metadata()
    newest = snapshots.open_table(session.place, location)
    return {"files": len(doomed), "freed_bytes": freed, "delta_version": newest.version}


def _size(session: Session, location: str, path: str) -> int:
    try:
        return session.place.local(location, path).stat().st_size
    except FileNotFoundError:
        return 0


def _compact(session: Session, snapshot: Snapshot, hours: int) -> Snapshot | None:
    """Small files into one, once nobody asks any more what changed when: they get the moment of the youngest."""
    limit = (session.now - timedelta(hours=hours)).timestamp() * 1000
    small = [file for file in snapshot.files if file.size < SMALL_FILE_BYTES and file.stamp < limit]
    if len(small) < FILES_WORTH_COMPACTING or not snapshot.is_plain:
        return None
    snapshot.check_writable()
    stage = plans.new_stage()
    session.place.mark(stage, {"location": snapshot.location, "at": session.now.isoformat()})
    paths = snapshot.local_files(small)
    rows, bytes_ = read_files(session.engine, paths, snapshot.columns), row_bytes(session.engine, paths)
    names = ", ".join(sql.name(column.name) for column in snapshot.columns)
    query, width = f"SELECT {names} FROM {rows}", len(snapshot.columns)
    written = write_rows(session.engine, session.place, snapshot.location, f"{stage}/compact", query, width, bytes_)
    stamp = max(file.stamp for file in small)
    added = [AddAction(f.path, f.size, {}, stamp, False, json.dumps({"numRecords": f.rows})) for f in written]
    if not _replace(snapshot, added, small):
        session.place.remove(snapshot.location, [file.path for file in written])
    session.place.unmark(stage)
    return snapshots.look(session.place, snapshot.location)


def _replace(snapshot: Snapshot, added: list[AddAction], small: list[DataFile]) -> bool:
    now = int(time.time() * 1000)
    removed = [RemoveAction(file.path, False, now, file.size, {}) for file in small]
    properties = CommitProperties(custom_metadata={log.OURS: {"data_changed": False}}, max_commit_retries=0)
    try:
        snapshot.table.create_write_transaction(
            added + removed, "append", snapshot.table.schema(), commit_properties=properties
        )
    except CommitFailedError:
        return False
    return True


def drop(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    return {"dropped": session.place.remove_table(check_location(entry["location"]))}


def clean(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Stages that will not be committed any more, and what is left of those that were."""
    keep = set(request.get("keep") or ())
    limit = session.now - timedelta(hours=float(request.get("older_than_hours", DEFAULT_CLEAN_HOURS)))
    removed, freed = [], 0
    for stage, facts in session.place.marks():
        if stage in keep or datetime.fromisoformat(facts["at"]) > limit:
            continue
        freed += _remove_stage(session, facts["location"], stage)
        session.place.unmark(stage)
        removed.append(stage)
    return {"tables": [], "removed": removed, "freed_bytes": freed}


def _remove_stage(session: Session, location: str, stage: str) -> int:
    """Keeps what the stage's commit has added: older versions of the table may need it."""
    snapshot = snapshots.look(session.place, location)
    used: frozenset[str] = frozenset()
    if snapshot:
        used = frozenset(file.path for file in snapshot.files)
        if snapshot.has_committed(stage):
            commit = log.find_stage(session.place, location, stage, snapshot.version)
            if commit is None or commit.said.get("stage") != stage:
                return 0
            used |= commit.added
    paths = session.place.list_stage(location, stage)
    return session.place.remove(location, [path for path in paths if path not in used])
