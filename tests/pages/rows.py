"""Jobs of every status as plain rows: pages only read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from jobs.models import Cause, Job, JobEvent, LogChunk
from jobs.states import ACTIVE, SETTLED, JobStatus
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration


def build_job(configuration: Configuration, status: JobStatus = JobStatus.SUCCESS, **fields: Any) -> Job:
    """Created ten minutes ago; it took a minute if it has ended."""
    created_at: datetime = fields.pop("created_at", timezone.now() - timedelta(minutes=10))
    is_run = configuration.component_id == ORCHESTRATOR
    if status != JobStatus.WAITING:
        fields.setdefault("started_at", created_at + timedelta(seconds=3))
    if status in SETTLED:
        fields.setdefault("finished_at", created_at + timedelta(seconds=63))
    if status in ACTIVE and not is_run:
        fields |= {"owner": "here", "fence": "f", "lease_until": created_at + timedelta(days=1)}
    job: Job = Job.objects.create(
        project=configuration.project,
        component_id=configuration.component_id,
        is_run=is_run,
        configuration=configuration,
        configuration_version=configuration.version,
        name=fields.pop("name", configuration.name),
        status=status,
        created_at=created_at,
        cause=fields.pop("cause", Cause.PERSON),
        **fields,
    )
    JobEvent.objects.create(job=job, at=created_at, kind="job.created", message="Created.")
    return job


def build_child(run: Job, configuration: Configuration, task_key: str, status: JobStatus, **fields: Any) -> Job:
    return build_job(
        configuration, status, parent=run, root_id=run.lock_id, task_key=task_key, parent_run_id=run.run_id, **fields
    )


def build_log(job: Job, *lines: str, sequence: int = 0) -> LogChunk:
    """One chunk; a line that begins with "E " was written to standard error."""
    at = job.created_at.timestamp()
    rows = [
        f"{at + sequence + place / 1000:.6f}\t{'E' if line.startswith('E ') else 'I'}\t{line.removeprefix('E ')}\n"
        for place, line in enumerate(lines)
    ]
    text = "".join(rows)
    chunk: LogChunk = LogChunk.objects.create(
        job=job, sequence=sequence, end_offset=len(text), lines=len(rows), text=text
    )
    return chunk
