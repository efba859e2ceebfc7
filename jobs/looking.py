"""Finding tables that other programs have changed: those that somebody waits for are looked at (R16).

Where tables lie in folders, the name of the next file in a table's log tells whether there is anything new; that costs
nothing. Only then, and in an object store, the program of tables is started.
"""

from __future__ import annotations

from pathlib import Path

from jobs import updating
from jobs.carrying.place import storage_url
from orchestrations.models import Table


def look_at_watched() -> int:
    """How many updates were recorded."""
    return updating.look(watched_with_news())


def watched_with_news() -> list[Table]:
    """Tables of triggers that may have been changed since we last looked."""
    watched = Table.objects.filter(watched_by__isnull=False).select_related("bucket").distinct().order_by("pk")
    root = _folder()
    if root is None:
        return list(watched)
    return [table for table in watched if _has_news(root, table)]


def is_anything_new() -> bool:
    """Whether a table in a folder has news. An object store is not asked: that takes the program."""
    return _folder() is not None and bool(watched_with_news())


def is_in_object_store() -> bool:
    return _folder() is None


def _folder() -> Path | None:
    scheme, _, rest = storage_url().rpartition("://")
    return Path(rest) if scheme in {"", "file"} else None


def _has_news(root: Path, table: Table) -> bool:
    return (root / table.location / "_delta_log" / f"{table.delta_version + 1:020d}.json").exists()
