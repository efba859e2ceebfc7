"""The verb ``inspect``: what has happened to a table since somebody looked, whoever did it."""

from __future__ import annotations

from typing import Any

from jobs.tables import describing, log, snapshots
from jobs.tables.log import Commit
from jobs.tables.places import check_location
from jobs.tables.session import Session


def inspect(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    location = check_location(entry["location"])
    known = int(entry.get("delta_version", -1))
    snapshot = snapshots.look(session.place, location)
    unchanged = {"data_changed": False, "changes": [], "is_complete": True}
    if snapshot is None:
        return {"exists": False, "delta_version": -1, **unchanged}
    if snapshot.version <= known:
        return {"exists": True, "delta_version": snapshot.version, **unchanged}
    commits = list(log.commits_between(session.place, location, known, snapshot.version))
    changes = [_describe(commit) for commit in commits if commit is None or commit.data_changed]
    return {
        "exists": True,
        "data_changed": bool(changes),
        "changes": changes,
        "is_complete": None not in commits,
        **describing.facts(session.engine, snapshot),
    }


def _describe(commit: Commit | None) -> dict[str, Any]:
    """``commit`` is None for commits that the log does not keep any more: they are taken for a change."""
    said = commit.said if commit else {}
    return {
        "version": commit.version if commit else None,
        "at": commit.at.isoformat() if commit and commit.at else None,
        "operation": commit.operation if commit else "UNKNOWN",
        "stage": said.get("stage"),
        "import": said.get("import"),
        "job": said.get("job"),
        "rows_added": commit.rows_added if commit else None,
        "rows_removed": commit.rows_removed if commit else None,
    }
