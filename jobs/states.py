"""The life of a job (R9, R11): its statuses, what each means, and the only moves there are.

waiting ──claimed or started──> processing ──ended──> success | warning | error
   │  ^                            │   │
   │  └── given back, run again ───┘   └──terminated by somebody──> terminating ──> terminated
   ├── terminated by somebody ──> cancelled        (it did nothing)
   └── refused ──> error                            (not permitted, disabled, in the trash, a circle)
"""

from __future__ import annotations

from django.db import models


class JobStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    """Created, not started; ``waiting.reason`` says why."""
    PROCESSING = "processing", "Processing"
    """Owned by a cluster and a fencing token (component), or its phases run (orchestration)."""
    TERMINATING = "terminating", "Terminating"
    """Somebody asked it to stop; its process or its children have not ended yet."""
    SUCCESS = "success", "Success"
    WARNING = "warning", "Warning"
    """An orchestration went on over failures that its tasks allow."""
    ERROR = "error", "Error"
    TERMINATED = "terminated", "Terminated"
    """Stopped while it was processing."""
    CANCELLED = "cancelled", "Cancelled"
    """Stopped before it did anything."""


ACTIVE = frozenset({JobStatus.PROCESSING, JobStatus.TERMINATING})
UNSETTLED = ACTIVE | {JobStatus.WAITING}
SETTLED = frozenset(JobStatus) - UNSETTLED
ENDED_BY_ITSELF = frozenset({JobStatus.SUCCESS, JobStatus.WARNING, JobStatus.ERROR})
FAILED = SETTLED - {JobStatus.SUCCESS}

MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.WAITING: frozenset({JobStatus.PROCESSING, JobStatus.CANCELLED, JobStatus.ERROR}),
    JobStatus.PROCESSING: frozenset({JobStatus.WAITING, JobStatus.TERMINATING, *ENDED_BY_ITSELF}),
    JobStatus.TERMINATING: frozenset({JobStatus.TERMINATED}),
    **{status: frozenset() for status in SETTLED},
}


class ImpossibleMove(ValueError):
    """A move that is not in the graph: a mistake in our code, never the user's."""


def check(old: JobStatus, new: JobStatus) -> None:
    if new not in MOVES[old]:
        raise ImpossibleMove(f"A job cannot go from {old} to {new}.")


def sources(new: JobStatus) -> frozenset[JobStatus]:
    """The statuses from which a job may come to ``new``."""
    return frozenset(old for old, news in MOVES.items() if new in news)
