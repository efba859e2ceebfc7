"""How a component's job ended by itself, and what is written of it beside the job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jobs.models import Job
from jobs.moving import Note
from jobs.states import JobStatus
from orchestrations.models import Configuration


@dataclass(frozen=True, kw_only=True)
class End:
    """How a component's job ended by itself."""

    status: JobStatus
    message: str = ""
    error_type: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    """What the component wants to find in in/state.json next time; None leaves it as it is."""
    committed: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What the commits of its tables did, by the ids of the imports (jobs.carrying.intents)."""


def note_of(end: End) -> Note:
    level = {JobStatus.SUCCESS: "success", JobStatus.WARNING: "warn"}.get(end.status, "error")
    message = end.message or f"Ended in {end.status}."
    return Note(kind="job.settled", level=level, message=message, data={"status": end.status})


def keep_state(job_id: int, end: End) -> None:
    if end.state is not None:
        configuration_id = Job.objects.filter(pk=job_id).values_list("configuration_id", flat=True).get()
        Configuration.objects.filter(pk=configuration_id).update(state={"component": end.state})
