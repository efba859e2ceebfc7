"""Removing what nobody needs any more, in small batches."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from jobs.models import Cluster, Job
from jobs.preparing import jobs_folder

BATCH = 200
KEEP_CLUSTERS = timedelta(days=7)
KEEP_FOLDERS_SECONDS = 3600


def prune(*, now: datetime) -> None:
    """One batch of everything that is over its time."""
    prune_jobs(now=now)
    prune_folders(now=now)
    Cluster.objects.filter(heartbeat_at__lt=now - KEEP_CLUSTERS).delete()


def prune_jobs(*, now: datetime) -> int:
    """Remove the oldest settled runs, with all below them, after KEEP_JOBS_DAYS days (0: keep for ever)."""
    if not settings.KEEP_JOBS_DAYS:
        return 0
    limit = now - timedelta(days=settings.KEEP_JOBS_DAYS)
    old = Job.objects.roots().settled().filter(finished_at__lt=limit).order_by("pk")[:BATCH]
    ids = list(old.values_list("pk", flat=True))
    Job.objects.filter(pk__in=ids).delete()
    return len(ids)


def prune_folders(*, now: datetime) -> int:
    """Remove data folders left behind by killed workers whose jobs have settled; they may hold secrets."""
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
