"""What the dashboard shows: what runs and waits now and why, what failed since yesterday, how the workers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.conf import settings
from django.db.models import Count, F
from django.db.models.lookups import Exact

from jobs import usual, waiting
from jobs.models import Cluster, Job
from jobs.queries import reasons
from jobs.queries.matching import Unindexed
from jobs.queries.rows import JobRow, listed, rows_of
from jobs.states import JobStatus
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.among import Among
from orchestrations.lib.durations import rough_words
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Configuration, Project

MOST_ROWS = 20
BAD_ENDS = (JobStatus.ERROR, JobStatus.WARNING)
SILENT_FOR = timedelta(days=7)
"""A machine that was silent for longer is shown no more."""


@dataclass(frozen=True)
class Now:
    """A job that has not settled, with one sentence: why it waits, or how far it is."""

    job: JobRow
    sentence: str


@dataclass(frozen=True)
class Machine:
    name: str
    workers: int
    busy: int
    labels: str
    heard_at: datetime
    is_alive: bool


def now_of(project: Project, *, now: datetime, zone: tzinfo) -> list[Now]:
    """Runs and single jobs, in the order of their creation; what is inside a run is on its page."""
    jobs = _UNSETTLED.instances(project=project, count=MOST_ROWS + 1)
    rows = rows_of(jobs, project=project, now=now)
    held = _held_children(jobs, project)
    found = waiting.reasons([*jobs, *held.values()], now=now)
    durations = usual.seconds_of(job.configuration_id for job in jobs if job.started_at)

    def sentence(job: Job, note: str) -> str:
        child = held.get(job.pk)
        reason = found.get(child.pk if child is not None else job.pk)
        if reason is None:
            return _progress(note, job, durations)
        words = reasons.sentence(reason, project_id=project.pk, now=now, zone=zone)
        return reasons.of_task(child.name, words) if child is not None else words

    return [Now(row, sentence(job, row.note)) for job, row in zip(jobs, rows, strict=True)]


def failed_of(project: Project, *, since: datetime, now: datetime) -> list[JobRow]:
    """Runs and single jobs that ended badly since then, newest end first; a range of the index of ends."""
    failed = _FAILED.instances(project=project, since=since, count=MOST_ROWS + 1)
    return rows_of(failed, project=project, now=now)


def yesterday(now: datetime, zone: tzinfo) -> datetime:
    """When yesterday began for the viewer."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return today - timedelta(days=1)


def machines(now: datetime) -> list[Machine]:
    """Those that are alive, and those that fell silent without saying goodbye."""
    clusters = list(
        Cluster.objects.filter(stopped_at__isnull=True, heartbeat_at__gt=now - SILENT_FOR).order_by("-heartbeat_at")[
            :MOST_ROWS
        ]
    )
    alive_since = now - timedelta(seconds=max(waiting.ALIVE_SECONDS, 3 * settings.HEARTBEAT_SECONDS))
    owners = [cluster.owner for cluster in clusters]
    counted = Job.objects.active().filter(owner__in=owners).order_by().values_list("owner").annotate(Count("pk"))
    busy = dict(counted) if owners else {}
    return [
        Machine(
            name=cluster.host,
            workers=cluster.workers,
            busy=busy.get(cluster.owner, 0),
            labels=", ".join(cluster.labels),
            heard_at=cluster.heartbeat_at,
            is_alive=cluster.heartbeat_at > alive_since,
        )
        for cluster in clusters
    ]


@dataclass(frozen=True)
class Start:
    """How far a project has come on its way to the first run."""

    has_configuration: bool
    has_orchestration: bool


def start_of(project: Project) -> Start | None:
    """None once something has run, or waits to."""
    if Job.objects.in_project(project).without_trials().exists():
        return None
    kinds = set(Configuration.objects.in_project(project).live().values_list("component_id", flat=True).distinct())
    return Start(bool(kinds - {ORCHESTRATOR}), ORCHESTRATOR in kinds)


def _held_children(jobs: Sequence[Job], project: Project) -> dict[int, Job]:
    """By run the oldest task that waits, of runs in which nothing works: the run goes on when that one does."""
    runs = [job.pk for job in jobs if job.is_run and job.status == JobStatus.PROCESSING]
    if not runs:
        return {}
    children = _UNSETTLED_CHILDREN.instances(runs=runs)
    found: dict[int, Job] = {}
    working: set[int | None] = set()
    for child in children:
        child.project = project
        if child.status == JobStatus.WAITING:
            found[child.parent_id or 0] = child
        else:
            working.add(child.parent_id)
    return {pk: child for pk, child in found.items() if pk not in working}


def _progress(note: str, job: Job, durations: dict[int, float]) -> str:
    known = durations.get(job.configuration_id or 0)
    return ", ".join(filter(None, [note, f"usually {rough_words(known)}" if known else ""]))


# SQLite would go through the whole project for them; those that have not settled are few.
_UNSETTLED = Query(
    lambda: listed(
        Job.objects.unsettled().roots().without_trials().filter(Exact(Unindexed(F("project_id")), Param("project")))
    ).order_by("pk"),
    limit="count",
)
_FAILED = Query(
    lambda: listed(
        Job.objects.filter(project=Param("project"))
        .ended_badly()
        .roots()
        .without_trials()
        .filter(status__in=BAD_ENDS, finished_at__gte=Param("since"))
    ).order_by("-finished_at"),
    limit="count",
)
_UNSETTLED_CHILDREN = Query(lambda: listed(Job.objects.filter(Among("parent", "runs")).unsettled()).order_by("-pk"))
