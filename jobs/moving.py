"""The one function that changes a job's status (R11): a conditional UPDATE and its event, in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import models, transaction
from django.db.models import ExpressionWrapper
from django.db.models.functions import Now

from jobs import states
from jobs.models import Job, JobEvent
from jobs.states import SETTLED, JobStatus
from orchestrations.lib import prepared
from orchestrations.lib.prepared import Param

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
    only_fence: str | None = None,
    only_first: bool = False,
    **fields: Any,
) -> bool:
    """Move the job if it is in one of ``sources`` (default: all that lead to ``to``).

    ``only_fence``: only while the job carries this token. ``only_first``: only if no job of its configuration comes
    before (R5). Returns whether this call moved it; False: somebody else was first, and nothing was written.
    """
    if to in SETTLED:
        fields = {"finished_at": now, "lease_until": None, **fields}
    if to == JobStatus.WAITING:
        fields = {**UNOWNED, "started_at": None, **fields}
    sources = frozenset(states.sources(to) if sources is None else sources)
    shape = tuple((name, value if hasattr(value, "resolve_expression") else None) for name, value in fields.items())
    update = _update(to, sources, only_fence is not None, only_first, shape)
    with transaction.atomic(savepoint=False):
        return update.run_and_tell(note.of(job_id, now), "job_id", pk=job_id, only_fence=only_fence, **fields) > 0


def seconds_from_now(seconds: float) -> ExpressionWrapper:
    """A moment by the database's clock: leases never look at a machine's own (DESIGN §5)."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=models.DateTimeField())


# The product has a few dozen shapes; expressions compare by what they say.
@lru_cache(maxsize=200)
def _update(
    to: JobStatus,
    sources: frozenset[JobStatus],
    is_fenced: bool,
    only_first: bool,
    shape: tuple[tuple[str, Any], ...],
) -> prepared.Update:
    for source in sources:
        states.check(source, to)

    def jobs() -> models.QuerySet[Job]:
        found = Job.objects.filter(pk=Param("pk"), status__in=sorted(sources))
        if is_fenced:
            found = found.filter(fence=Param("only_fence"))
        return found.first_of_their_configuration() if only_first else found

    values = {name: Param(name) if expression is None else expression for name, expression in shape}
    return prepared.Update(jobs, {"status": to, **values})
