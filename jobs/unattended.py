"""Creating runs that nobody asks for by hand: a schedule is due, a trigger fires.

Nobody's rights are asked: who planned it had them then, and the run has the orchestration's own token (R18). What
cannot run is created all the same and ends in error when it starts: so its recipients hear of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.models import Cause, Job, JobEvent
from jobs.wakeups import Topic, wake
from orchestrations.components import catalogue
from orchestrations.lib import prepared
from orchestrations.models import Configuration, Token


@dataclass(frozen=True, kw_only=True)
class Start:
    """``detail``: which schedule, for which moment; as it stands behind "Started by the schedule"."""

    orchestration: Configuration
    cause: Cause
    detail: str


def create(starts: Sequence[Start], *, now: datetime) -> list[Job]:
    """A run for each, waiting, in the caller's transaction. The caller starts them after its commit."""
    if not starts:
        return []
    ids = {start.orchestration.pk for start in starts}
    own = Token.objects.filter(orchestration__in=ids, replaced_at__isnull=True)
    tokens = dict(own.values_list("orchestration_id", "pk"))
    jobs = [_job(start, tokens.get(start.orchestration.pk), now) for start in starts]
    prepared.insert(jobs)
    prepared.insert([_event(job, now) for job in jobs])
    wake(Topic.WORK)
    return jobs


def _job(start: Start, token_id: int | None, now: datetime) -> Job:
    orchestration = start.orchestration
    return Job(
        project_id=orchestration.project_id,
        component_id=orchestration.component_id,
        is_run=True,
        configuration=orchestration,
        configuration_version=orchestration.version,
        name=orchestration.name,
        created_at=now,
        cause=start.cause,
        cause_detail=start.detail[:255],
        created_with_id=token_id,
        label=catalogue.get(orchestration.component_id).label,
    )


def _event(job: Job, now: datetime) -> JobEvent:
    return JobEvent(
        job_id=job.pk,
        at=now,
        kind="job.created",
        message=f"Created by the {Cause(job.cause).label} {job.cause_detail}.",
    )
