"""The Delta log of a table, read commit by commit, and what our own commits say about themselves in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobs.tables.places import LOG, Place

OURS = "tutti"  # the key of commitInfo that holds what we say


@dataclass(frozen=True)
class Commit:
    """``said`` is empty when another program made it."""

    version: int
    at: datetime | None
    operation: str
    said: dict[str, Any]
    data_changed: bool
    rows_added: int | None
    rows_removed: int | None
    added: frozenset[str]


def read_commit(place: Place, location: str, version: int) -> Commit | None:
    """None when there is no such commit, or the log does not keep it any more."""
    content = place.read(location, f"{LOG}/{version:020}.json")
    if content is None:
        return None
    actions = [json.loads(line) for line in content.splitlines() if line.strip()]
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    said = info.get(OURS) or {}
    changes = [
        (kind, action[kind])
        for action in actions
        for kind in ("add", "remove")
        if kind in action and action[kind].get("dataChange")
    ]
    added, removed = _count(changes, said)
    at = datetime.fromtimestamp(info["timestamp"] / 1000, UTC) if "timestamp" in info else None
    changed = bool(said["data_changed"]) if "data_changed" in said else bool(changes)
    paths = frozenset(action["add"]["path"] for action in actions if "add" in action)
    return Commit(version, at, info.get("operation", "UNKNOWN"), said, changed, added, removed, paths)


def _count(changes: list[tuple[str, dict[str, Any]]], said: dict[str, Any]) -> tuple[int | None, int | None]:
    if "rows_added" in said:
        return said["rows_added"], said["rows_removed"]
    if any(kind == "remove" for kind, _ in changes):
        return None, None  # rows that stayed are among those of the files added
    counts = [json.loads(add.get("stats") or "{}").get("numRecords") for _, add in changes]
    return (None if None in counts else sum(counts)), 0


def find_stage(place: Place, location: str, stage: str, newest: int) -> Commit | None:
    """The commit of a stage, looked for from the newest backwards as far as the log goes."""
    for version in range(newest, -1, -1):
        commit = read_commit(place, location, version)
        if commit is None or commit.said.get("stage") == stage:
            return commit
    return None


def commits_between(place: Place, location: str, after: int, until: int) -> Iterator[Commit | None]:
    """The commits of the versions in (after, until]; None for each run of those that are gone."""
    was_gone = False
    for version in range(after + 1, until + 1):
        commit = read_commit(place, location, version)
        if commit is not None or not was_gone:
            yield commit
        was_gone = commit is None
