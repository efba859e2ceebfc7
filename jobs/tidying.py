"""Removing what Storage does not need any more: old revisions, folders of deleted tables, files that were loaded."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from jobs.carrying import program
from jobs.models import TableImport
from orchestrations.models import Table, TableFolder

KEEP_FILES = timedelta(days=1)
"""How long uploaded files, and those to be downloaded, are there."""
KEEP_STAGED_HOURS = 24
BATCH = 100


def clean(*, now: datetime) -> None:
    """Remove folders of deleted tables, files of imports that were given up, and uploads that are a day old.

    A bounded piece of work; anybody may call it at any time. Raises Failed when the storage cannot be reached.
    """
    for folder in TableFolder.objects.filter(removable_at__lte=now).order_by("pk")[:BATCH]:
        program.ask("drop", [{"name": folder.location, "location": folder.location}])
        folder.delete()
    kept = TableImport.objects.filter(committed_at__isnull=True).values_list("plan", flat=True)
    program.ask("clean", [], keep=[plan["plan"]["stage"] for plan in kept if plan], older_than_hours=KEEP_STAGED_HOURS)
    clean_files(now=now)


def clean_files(*, now: datetime) -> None:
    """Of this machine: uploads and downloads that are over their time."""
    limit = (now - KEEP_FILES).timestamp()
    for kind in ("uploads", "downloads"):
        for file in (Path(settings.DATA_DIR) / "projects").glob(f"*/{kind}/*"):
            if file.stat().st_mtime < limit:
                shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)


def vacuum(*, now: datetime) -> int:
    """Remove old revisions of the tables that changed lately (STORAGE_KEEP_DAYS); how many bytes that freed."""
    since = now - timedelta(days=settings.STORAGE_KEEP_DAYS + 2)
    freed = 0
    for table in Table.objects.filter(updated_at__gte=since).select_related("bucket").order_by("pk"):
        entry = {
            "name": str(table),
            "location": table.location,
            "retention_hours": settings.STORAGE_KEEP_DAYS * 24,
            "compact": True,
        }
        (answer,) = program.ask("vacuum", [entry])["tables"]
        freed += answer["freed_bytes"]
    return freed
