"""Jobs as rows of lists: what every list shows of a job, read without its large columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from jobs import waiting
from jobs.models import Cause, Job
from jobs.states import FAILED, UNSETTLED, JobStatus
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR, UnknownComponent
from orchestrations.lib import links
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Query
from orchestrations.models import Configuration, Project

NOTE_LENGTH = 300
SHOWN = (
    "project_id",
    "root_id",
    "parent_id",
    "component_id",
    "is_run",
    "configuration_id",
    "name",
    "task_key",
    "status",
    "message",
    "created_at",
    "delayed_until",
    "started_at",
    "finished_at",
    "cause",
    "label",
    "terminated_by",
    "created_by__name",
    "created_by__email",
    "created_with__description",
)


@dataclass(frozen=True)
class By:
    """Who started a job; machines are drawn square."""

    name: str
    is_machine: bool = False


@dataclass(frozen=True, kw_only=True)
class JobRow:
    id: int
    url: str
    name: str
    component: str
    kind: str
    is_partial: bool
    by: By
    cause: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    status: str
    is_active: bool
    """Not settled: its row changes by itself."""
    note: str


def listed(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The columns of a list; `partial` stands for the selection, which may be long."""
    return (
        jobs.select_related("created_by", "created_with").only(*SHOWN).annotate(partial=Q(only_task_keys__isnull=False))
    )


def listed_by(ids: Iterable[int | None]) -> list[Job]:
    """These jobs as lists show them, the newest first."""
    wanted = [pk for pk in ids if pk is not None]
    return _LISTED.instances(ids=wanted) if wanted else []


def last_jobs(configuration_ids: Iterable[int]) -> list[int | None]:
    """The id of the newest job of each."""
    found: list[int | None] = _LAST.values(ids=list(configuration_ids))
    return found


def rows_of(jobs: Sequence[Job], *, project: Project, now: datetime) -> list[JobRow]:
    """A constant number of queries, however many there are; all of them are of the project."""
    for job in jobs:
        job.project = project
    notes = notes_of(jobs, now=now)
    return [_row(job, notes.get(job.pk, "")) for job in jobs]


def _row(job: Job, note: str) -> JobRow:
    component, kind = component_of(job.component_id)
    return JobRow(
        id=job.pk,
        url=url_of(job),
        name=job.name,
        component=component,
        kind=kind,
        is_partial=getattr(job, "partial", False),
        by=by_of(job),
        cause=cause_of(job),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        seconds=job.duration_seconds,
        status=job.status,
        is_active=job.status in UNSETTLED,
        note=note,
    )


def configuration_url(configuration: Configuration | None) -> str:
    """The page of what a task or a job runs; "" for what has none (any more)."""
    if configuration is None or configuration.deleted_at is not None:
        return ""
    name = "orchestration" if configuration.component_id == ORCHESTRATOR else "configuration"
    return links.of(name, configuration.project_id, configuration.pk)


def url_of(job: Job) -> str:
    return links.of("job", job.project_id, job.pk)


def component_of(component_id: str) -> tuple[str, str]:
    """Name and kind, also of a component that this installation knows no more."""
    try:
        component = catalogue.get(component_id)
    except UnknownComponent:
        return component_id, catalogue.ComponentKind.APPLICATION.value
    return component.name, component.kind.value


def by_of(job: Job) -> By:
    if job.cause in (Cause.SCHEDULE, Cause.TRIGGER):
        return By(Cause(job.cause).label.capitalize(), is_machine=True)
    if job.created_by is not None:
        return By(str(job.created_by))
    if job.created_with is not None:
        return By(job.created_with.description, is_machine=True)
    return By("API", is_machine=True) if job.cause == Cause.API else By("Somebody who left")


def cause_of(job: Job) -> str:
    """What is to be said beside who started it; "" where that is the cause itself."""
    if job.parent_id:
        return f"as a task of job {job.parent_id}"
    return {Cause.API: "by API", Cause.PERSON: "by hand"}.get(Cause(job.cause), "")


def notes_of(jobs: Iterable[Job], *, now: datetime) -> dict[int, str]:
    """What is to be said of each beside its status: why it waits, what runs in it, who stopped it, what failed."""
    jobs = list(jobs)
    notes = {job.pk: _ending(job) for job in jobs}
    notes |= {pk: reason.text for pk, reason in waiting.reasons(jobs, now=now).items()}
    notes |= progress_notes([job.pk for job in jobs if job.is_run and job.status == JobStatus.PROCESSING])
    return notes


def _ending(job: Job) -> str:
    if job.terminated_by:
        return f"by {job.terminated_by}"
    return first_line(job.message) if job.status in FAILED else ""


def first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= NOTE_LENGTH else f"{line[:NOTE_LENGTH]}…"


def progress_notes(run_ids: list[int]) -> dict[int, str]:
    """Of runs on their way: "2 done, Transform is running"."""
    if not run_ids:
        return {}
    settled: dict[int, int] = {}
    running: dict[int, list[str]] = {}
    for run_id, name, status in _CHILDREN.rows(runs=run_ids):
        if status not in UNSETTLED:
            settled[run_id] = settled.get(run_id, 0) + 1
        elif status == JobStatus.PROCESSING:
            running.setdefault(run_id, []).append(name)
    return {run_id: progress_words(settled.get(run_id, 0), running.get(run_id, [])) for run_id in run_ids}


def progress_words(done: int, running: Sequence[str]) -> str:
    """ "2 done, Transform is running" """
    now = f"{running[0]} is running" if len(running) == 1 else f"{len(running)} tasks are running" if running else ""
    return ", ".join(filter(None, [f"{done} done" if done else "", now]))


_LISTED = Query(lambda: listed(Job.objects.filter(Among("pk", "ids"))).order_by("-pk"))
_CHILDREN = Query(
    lambda: Job.objects.filter(Among("parent", "runs")).order_by("pk").values_list("parent_id", "name", "status")
)
_LAST = Query(
    lambda: (
        Configuration.objects.filter(Among("pk", "ids"))
        .order_by()
        .values_list(Subquery(Job.objects.filter(configuration=OuterRef("pk")).order_by("-pk").values("pk")[:1]))
    )
)
