"""Why a job waits (R7): one reason, computed here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Avg, F, Q

from jobs import claiming
from jobs.models import Cluster, Job
from jobs.states import JobStatus

ALIVE_SECONDS = 15
"""A cluster reports itself every 5 s; one that was silent for longer counts as dead."""
SAMPLE = 20


@dataclass(frozen=True, kw_only=True)
class WaitReason:
    code: str
    text: str
    job_id: int | None = None
    since: datetime | None = None
    eta: datetime | None = None


def reason(job: Job, *, now: datetime) -> WaitReason | None:
    """The first that holds, in the order of R7; None for a job that does not wait."""
    if job.status != JobStatus.WAITING:
        return None
    held = _delayed(job, now) or _paused(job) or _older(job, now)
    if held is not None:
        return held
    if job.is_run:
        return WaitReason(code="starting", text="Is about to start.")
    return _full_project(job) or _workers(job, now)


def reasons(jobs: Iterable[Job], *, now: datetime) -> dict[int, WaitReason]:
    return {job.pk: found for job in jobs if (found := reason(job, now=now)) is not None}


def _delayed(job: Job, now: datetime) -> WaitReason | None:
    if job.delayed_until is None or job.delayed_until <= now:
        return None
    return WaitReason(code="delayed", text="Is delayed until the moment it was asked for.", eta=job.delayed_until)


def _paused(job: Job) -> WaitReason | None:
    if job.project.paused_at is None:
        return None
    return WaitReason(code="paused", text="The project is paused.", since=job.project.paused_at)


def _older(job: Job, now: datetime) -> WaitReason | None:
    """The job that must end first: the active one of the same configuration, else the oldest that waits before."""
    if job.configuration_id is None:
        return None
    same = Job.objects.filter(configuration=job.configuration_id).exclude(pk=job.pk)
    older = same.active().first() or (
        same.waiting()
        .filter(Q(delayed_until__isnull=True) | Q(delayed_until__lte=now), pk__lt=job.pk)
        .order_by("pk")
        .first()
    )
    if older is None:
        return None
    verb = "waits" if older.status == JobStatus.WAITING else f"is {older.status}"
    since = older.started_at or older.created_at
    return WaitReason(
        code="configuration",
        text=f"Job {older.pk} of the same configuration {verb}.",
        job_id=older.pk,
        since=since,
        eta=_usual_end(older, now),
    )


def _usual_end(job: Job, now: datetime) -> datetime | None:
    """By the average of the last executions that ended well; None before the first, or when it is over already."""
    usual = usual_seconds(job.configuration_id)
    if usual is None or job.started_at is None:
        return None
    end: datetime = job.started_at + timedelta(seconds=usual)
    return end if end > now else None


def usual_seconds(configuration_id: int | None) -> float | None:
    """The average duration of the last 20 executions that ended in success or warning (R20)."""
    if configuration_id is None:
        return None
    last = (
        Job.objects.filter(configuration=configuration_id, status__in=[JobStatus.SUCCESS, JobStatus.WARNING])
        .order_by("-pk")
        .annotate(took=F("finished_at") - F("started_at"))[:SAMPLE]
    )
    average: timedelta | None = Job.objects.filter(pk__in=[each.pk for each in last]).aggregate(
        average=Avg(F("finished_at") - F("started_at"))
    )["average"]
    return average.total_seconds() if average is not None else None


def _full_project(job: Job) -> WaitReason | None:
    active = Job.objects.active().filter(project=job.project_id, is_run=False)
    busy = active.count()
    limit = job.project.parallel_jobs
    if busy < limit:
        return None
    oldest = active.order_by("started_at").first()
    text = f"The project runs {busy} jobs at once, its limit is {limit}."
    return WaitReason(code="project-limit", text=text, job_id=oldest.pk if oldest else None)


def _workers(job: Job, now: datetime) -> WaitReason:
    alive = list(alive_clusters(now))
    if not alive:
        last = Cluster.objects.order_by("-heartbeat_at").values_list("heartbeat_at", flat=True).first()
        return WaitReason(code="no-worker", text="No worker is alive.", since=last or job.created_at)
    fitting = [cluster for cluster in alive if not job.label or job.label in cluster.labels]
    if not fitting:
        return WaitReason(code="no-label", text=f"No worker has the label {job.label}.", since=job.created_at)
    busy = Job.objects.active().filter(owner__in=[cluster.owner for cluster in fitting]).count()
    total = sum(cluster.workers for cluster in fitting)
    if busy < total:
        return WaitReason(code="starting", text="Is about to start.")
    ahead = (
        claiming.candidates([label for cluster in fitting for label in cluster.labels]).filter(pk__lt=job.pk).count()
    )
    before = "no job is" if not ahead else f"{ahead} job is" if ahead == 1 else f"{ahead} jobs are"
    return WaitReason(code="busy", text=f"All {total} workers are busy; {before} ahead.")


def alive_clusters(now: datetime) -> Iterable[Cluster]:
    """Those that have reported themselves lately and have not said goodbye."""
    silent_since = now - timedelta(seconds=max(ALIVE_SECONDS, 3 * settings.HEARTBEAT_SECONDS))
    return Cluster.objects.filter(stopped_at__isnull=True, heartbeat_at__gt=silent_since)
