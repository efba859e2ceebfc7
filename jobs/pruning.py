"""Removing what nobody needs any more, in small batches."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef

from jobs.models import Cluster, Job
from jobs.preparing import jobs_folder
from orchestrations import sessions
from orchestrations.models import Token

BATCH, BATCHES = 200, 10
JOBS_AT_ONCE = 50
"""Removed in one transaction: nobody waits long for the write lock of SQLite."""
KEEP_CLUSTERS = timedelta(days=7)
KEEP_FOLDERS_SECONDS = 3600


def prune_rows(*, now: datetime) -> None:
    """A few batches of everything in the database that is over its time; a scheduler's housekeeping does it."""
    for _ in range(BATCHES):
        if prune_jobs(now=now) < BATCH:
            break
    prune_tokens()
    sessions.forget_expired(now=now)
    Cluster.objects.filter(heartbeat_at__lt=now - KEEP_CLUSTERS).delete()


def prune_jobs(*, now: datetime) -> int:
    """Remove the oldest settled runs, with all below them, after KEEP_JOBS_DAYS days (0: keep for ever)."""
    if not settings.KEEP_JOBS_DAYS:
        return 0
    limit = now - timedelta(days=settings.KEEP_JOBS_DAYS)
    old = Job.objects.roots().filter(finished_at__isnull=False, finished_at__lt=limit).order_by("finished_at")
    roots = list(old.values_list("pk", flat=True)[:BATCH])
    for root in roots:
        # The deepest first: they have the highest numbers.
        while below := list(Job.objects.filter(root=root).order_by("-pk").values_list("pk", flat=True)[:JOBS_AT_ONCE]):
            Job.objects.filter(pk__in=below).delete()
    for start in range(0, len(roots), JOBS_AT_ONCE):
        Job.objects.filter(pk__in=roots[start : start + JOBS_AT_ONCE]).delete()
    return len(roots)


def prune_tokens() -> int:
    """Delete the replaced tokens of orchestrations none of whose runs is under way any more (R18)."""
    bound = Job.objects.unsettled().filter(token=OuterRef("pk"))
    deleted, _ = Token.objects.filter(~Exists(bound), replaced_at__isnull=False).delete()
    return deleted


def prune_folders(*, now: datetime) -> int:
    """Remove data folders left behind by killed workers whose jobs have settled; they may hold secrets.

    They are this machine's own, so its cluster does it.
    """
    parent = jobs_folder()
    if not parent.exists():
        return 0
    limit = now.timestamp() - KEEP_FOLDERS_SECONDS
    old = [folder for folder in parent.iterdir() if _job_id(folder) is not None and _is_older(folder, limit)][:BATCH]
    needed = set(
        Job.objects.unsettled().filter(pk__in=[_job_id(folder) for folder in old]).values_list("pk", flat=True)
    )
    removed = [folder for folder in old if _job_id(folder) not in needed]
    for folder in removed:
        shutil.rmtree(folder, ignore_errors=True)
    return len(removed)


def _is_older(folder: Path, moment: float) -> bool:
    try:
        return folder.stat().st_mtime < moment
    except FileNotFoundError:
        return False  # its worker has just removed it


def _job_id(folder: Path) -> int | None:
    number = folder.name.partition("-")[0]
    return int(number) if number.isdigit() else None
