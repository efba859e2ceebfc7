"""What is there of a job once it has ended."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from jobs.models import Job
from tests import clusters
from tests.clusters import wait_for


def log_of(job: Job) -> str:
    return "".join(job.log_chunks.values_list("text", flat=True))


def assert_nothing_is_left(job: Job) -> None:
    assert clusters.marked(f"{job.pk}:{job.fence}") == []
    wait_for(lambda: not folders_of(job), seconds=10, what="the data folder is removed")


def folders_of(job: Job) -> list[Path]:
    """What is left of the job's data, whatever the folder is called: its name begins with the id."""
    folder = Path(settings.DATA_DIR) / "jobs"
    return [each for each in folder.glob(f"{job.pk}*") if re.fullmatch(rf"{job.pk}\D?.*", each.name)]
