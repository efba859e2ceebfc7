"""Why a job waits (R7): one reason, computed here and nowhere else; for a list in a constant number of queries."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet

from jobs import claiming, usual
from jobs.models import Cluster, Job
from jobs.states import JobStatus
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Configuration

ALIVE_SECONDS = 15
"""A cluster reports itself every 5 s; one that was silent for longer counts as dead."""


@dataclass(frozen=True, kw_only=True)
class WaitReason:
    code: str
    text: str
    job_id: int | None = None
    since: datetime | None = None
    eta: datetime | None = None


STARTING = WaitReason(code="starting", text="Is about to start.")


def reason(job: Job, *, now: datetime) -> WaitReason | None:
    """The first that holds, in the order of R7; None for a job that does not wait."""
    return reasons([job], now=now).get(job.pk)


def reasons(jobs: Iterable[Job], *, now: datetime) -> dict[int, WaitReason]:
    """The reason of each of them that waits."""
    waiting = [job for job in jobs if job.status == JobStatus.WAITING]
    found = {job.pk: held for job in waiting if (held := _delayed(job, now) or _paused(job))}
    rest = [job for job in waiting if job.pk not in found]
    found |= _older([job for job in rest if job.configuration_id is not None], now)
    found |= {job.pk: STARTING for job in rest if job.is_run and job.pk not in found}
    found |= _full_projects([job for job in rest if job.pk not in found])
    found |= _workers([job for job in rest if job.pk not in found], now)
    return found


def reason_before_launch(configuration: Configuration, *, now: datetime) -> WaitReason | None:
    """What a run created now would wait for; None when nothing holds it up."""
    job = Job(
        project=configuration.project,
        configuration=configuration,
        component_id=configuration.component_id,
        is_run=configuration.component_id == ORCHESTRATOR,
        status=JobStatus.WAITING,
        created_at=now,
    )
    return _paused(job) or next(iter(_older([job], now).values()), None)


def alive_clusters(now: datetime) -> list[Cluster]:
    """Those that have reported themselves lately and have not said goodbye."""
    return _ALIVE.instances(since=now - timedelta(seconds=max(ALIVE_SECONDS, 3 * settings.HEARTBEAT_SECONDS)))


def last_heartbeat() -> datetime | None:
    """When a cluster was heard the last time, whichever it was."""
    found: datetime | None = (_LAST_HEARTBEAT.first() or (None,))[0]
    return found


# --- One after another, as R7 lists them -------------------------------------------------------


def _delayed(job: Job, now: datetime) -> WaitReason | None:
    if job.delayed_until is None or job.delayed_until <= now:
        return None
    return WaitReason(code="delayed", text="Is delayed until the moment it was asked for.", eta=job.delayed_until)


def _paused(job: Job) -> WaitReason | None:
    if job.project.paused_at is None:
        return None
    return WaitReason(code="paused", text="The project is paused.", since=job.project.paused_at)


def _older(jobs: Sequence[Job], now: datetime) -> dict[int, WaitReason]:
    """The job that must end first: the active one of the same configuration, else the oldest that waits before."""
    if not jobs:
        return {}
    same = {job.configuration_id for job in jobs}
    # Asked one by one: of both at once PostgreSQL reads the whole table.
    oldest = _OLDEST.values(configurations=same, now=now)
    first = {each.configuration_id: each for each in _BRIEFLY.instances(ids=oldest)} if oldest else {}
    first |= {each.configuration_id: each for each in _ACTIVE.instances(configurations=same)}
    held_up = {
        job.pk: older
        for job in jobs
        if (older := first.get(job.configuration_id)) is not None
        and older.pk != job.pk
        and (older.status != JobStatus.WAITING or not job.pk or older.pk < job.pk)
    }
    durations = usual.seconds_of(older.configuration_id for older in held_up.values() if older.started_at)
    return {pk: _wait_for(older, durations.get(older.configuration_id or 0), now) for pk, older in held_up.items()}


def _wait_for(older: Job, usual_seconds: float | None, now: datetime) -> WaitReason:
    noun = "orchestration" if older.is_run else "configuration"
    verb = "waits" if older.status == JobStatus.WAITING else f"is {older.status}"
    end = None
    if older.started_at is not None and usual_seconds is not None:
        end = older.started_at + timedelta(seconds=usual_seconds)
    return WaitReason(
        code="configuration",
        text=f"Job {older.pk} of the same {noun} {verb}.",
        job_id=older.pk,
        since=older.started_at or older.created_at,
        eta=end if end is not None and end > now else None,
    )


def _full_projects(jobs: Sequence[Job]) -> dict[int, WaitReason]:
    if not jobs:
        return {}
    active = Job.objects.active().filter(project__in={job.project_id for job in jobs}, is_run=False)
    counted = active.order_by().values_list("project").annotate(Count("pk"), Min("pk"))
    busy = {project_id: (count, oldest) for project_id, count, oldest in counted}
    found = {}
    for job in jobs:
        count, oldest = busy.get(job.project_id, (0, None))
        if count >= job.project.parallel_jobs:
            text = f"The project runs {count} jobs at once, its limit is {job.project.parallel_jobs}."
            found[job.pk] = WaitReason(code="project-limit", text=text, job_id=oldest)
    return found


@dataclass(frozen=True, kw_only=True)
class _Workers:
    """The clusters that are alive, and how many of each one's workers are busy."""

    clusters: list[Cluster]
    busy: dict[str, int] = field(default_factory=dict)

    def fitting(self, label: str) -> list[Cluster]:
        return [cluster for cluster in self.clusters if not label or label in cluster.labels]


def _workers(jobs: Sequence[Job], now: datetime) -> dict[int, WaitReason]:
    if not jobs:
        return {}
    alive = alive_clusters(now)
    owners = [cluster.owner for cluster in alive]
    counted = Job.objects.active().filter(owner__in=owners).order_by().values_list("owner").annotate(Count("pk"))
    workers = _Workers(clusters=alive, busy=dict(counted) if alive else {})
    last = None if alive else last_heartbeat()
    found = {}
    for job in jobs:
        fitting = workers.fitting(job.label)
        if job.label and not fitting:
            found[job.pk] = WaitReason(
                code="no-label", text=f"No worker has the label {job.label}.", since=job.created_at
            )
        elif not alive:
            found[job.pk] = WaitReason(code="no-worker", text="No worker is alive.", since=last or job.created_at)
        elif sum(workers.busy.get(each.owner, 0) for each in fitting) < sum(each.workers for each in fitting):
            found[job.pk] = STARTING
    return found | _busy([job for job in jobs if job.pk not in found], workers)


def _busy(jobs: Sequence[Job], workers: _Workers) -> dict[int, WaitReason]:
    """All workers that could take them are busy: how many jobs are ahead, a few queries for each label."""
    found = {}
    held = dict(Job.objects.running().order_by().values_list("project").annotate(Count("pk"))) if jobs else {}
    for label in {job.label for job in jobs}:
        fitting = workers.fitting(label)
        alike = [job for job in jobs if job.label == label]
        candidates = claiming.candidates({one for cluster in fitting for one in cluster.labels})
        queues = list(candidates.order_by().values_list("project").annotate(Count("pk"), Min("pk")))
        older = _older_candidates(candidates, alike)
        total = sum(cluster.workers for cluster in fitting)
        for job in alike:
            count = _ahead(job, older[job.pk], queues, held)
            before = "no job is" if not count else f"{count} job is" if count == 1 else f"{count} jobs are"
            text = f"All {total} workers are busy; {before} ahead."
            found[job.pk] = WaitReason(code="busy", text=text)
    return found


def _older_candidates(candidates: QuerySet[Job], jobs: Sequence[Job]) -> dict[int, int]:
    """How many of its project come before each of them."""
    last = max(job.pk for job in jobs)
    rows = candidates.filter(project__in={job.project_id for job in jobs}, pk__lt=last).order_by("project", "pk")
    ahead: dict[int, list[int]] = {}
    for project_id, pk in rows.values_list("project", "pk"):
        ahead.setdefault(project_id, []).append(pk)
    return {job.pk: bisect_left(ahead.get(job.project_id, []), job.pk) for job in jobs}


def _ahead(job: Job, older: int, queues: Sequence[tuple[int, int, int]], held: dict[int, int]) -> int:
    """How many are taken before it: the project that holds the fewest slots comes first (jobs.claiming).

    ``older``: candidates of its project before it. ``queues``: project, number of candidates, the first of them.
    """
    turn = held.get(job.project_id, 0) + older
    ahead = older
    for project_id, count, first in queues:
        if project_id != job.project_id:
            turns = turn - held.get(project_id, 0) + (first < job.pk)
            ahead += min(count, max(0, turns))
    return ahead


# --- Statements, compiled once -----------------------------------------------------------------

_COLUMNS = ("configuration_id", "is_run", "status", "started_at", "created_at")
_ALIVE = Query(lambda: Cluster.objects.filter(stopped_at__isnull=True, heartbeat_at__gt=Param("since")))
_LAST_HEARTBEAT = Query(lambda: Cluster.objects.order_by("-heartbeat_at").values_list("heartbeat_at")[:1])
_OLDEST = Query(
    lambda: (
        Job.objects.filter(Among("configuration", "configurations"))
        .waiting()
        .filter(Q(delayed_until__isnull=True) | Q(delayed_until__lte=Param("now")))
        .order_by()
        .values("configuration")
        .annotate(first=Min("pk"))
        .values_list("first")
    )
)
_BRIEFLY = Query(lambda: Job.objects.filter(Among("pk", "ids")).only(*_COLUMNS))
_ACTIVE = Query(lambda: Job.objects.filter(Among("configuration", "configurations")).active().only(*_COLUMNS))
