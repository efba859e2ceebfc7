"""Events that others write about a job: a component from inside its process, a program from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.models import Job, JobEvent
from orchestrations import access
from orchestrations.access import Actor

KIND = "job.noted"


@dataclass(frozen=True, kw_only=True)
class Said:
    """``data``: params, results, component, configurationId, named as in the API; only what was given."""

    message: str
    level: str = JobEvent.Level.INFO
    data: dict[str, Any] = field(default_factory=dict)


def note(job: Job, said: Said, *, actor: Actor, now: datetime) -> JobEvent:
    """Append to the job's events. Raises Denied unless the actor may run the job's component."""
    access.require_run(actor, job.project, job.component_id, now)
    event: JobEvent = JobEvent.objects.create(
        job=job, at=now, kind=KIND, level=said.level, message=said.message, data=said.data
    )
    return event
