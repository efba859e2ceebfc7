"""The one function that changes a job's status (R11): a conditional UPDATE and its event, in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import ExpressionWrapper
from django.db.models.functions import Now

from jobs import states
from jobs.models import Job, JobEvent
from jobs.states import SETTLED, JobStatus

UNOWNED: dict[str, Any] = {"owner": "", "worker": "", "fence": "", "lease_until": None, "begun_at": None}


@dataclass(frozen=True, kw_only=True)
class Note:
    """The event that a move writes."""

    kind: str
    message: str
    level: str = JobEvent.Level.INFO
    data: dict[str, Any] = field(default_factory=dict)

    def of(self, job_id: int, now: datetime) -> JobEvent:
        return JobEvent(job_id=job_id, at=now, kind=self.kind, level=self.level, message=self.message, data=self.data)


def move(
    job_id: int,
    to: JobStatus,
    *,
    sources: Collection[JobStatus] | None = None,
    note: Note,
    now: datetime,
    among: models.QuerySet[Job] | None = None,
    **fields: Any,
) -> bool:
    """Move the job if it is in one of ``sources`` (default: all that lead to ``to``) and in ``among``.

    Returns whether this call moved it; False means that somebody else was first, and nothing was written.
    """
    sources = states.sources(to) if sources is None else sources
    for source in sources:
        states.check(source, to)
    if to in SETTLED:
        fields = {"finished_at": now, "lease_until": None, **fields}
    if to == JobStatus.WAITING:
        fields = {**UNOWNED, "started_at": None, **fields}
    candidates = Job.objects.all() if among is None else among
    with transaction.atomic(savepoint=False):
        if not candidates.filter(pk=job_id, status__in=sources).update(status=to, **fields):
            return False
        note.of(job_id, now).save(force_insert=True)
    return True


def seconds_from_now(seconds: float) -> ExpressionWrapper:
    """A moment by the database's clock: leases never look at a machine's own (DESIGN §5)."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=models.DateTimeField())
