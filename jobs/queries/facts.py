"""What the page of a job says of it, whatever its component."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.urls import reverse

from jobs import snapshots, storing, usual, waiting
from jobs.models import Job
from jobs.queries import reasons
from jobs.queries.rows import By, JobRow, by_of, cause_of, component_of, configuration_url, listed, rows_of, url_of
from jobs.queries.selections import pretty
from jobs.states import UNSETTLED, JobStatus
from orchestrations import plans, tables
from orchestrations.lib import links
from orchestrations.lib.amounts import count_words
from orchestrations.lib.prepared import Param, Query

HISTORY = 12
SHORTEST_WAIT_SECONDS = 1
PARAMETERS_LENGTH = 50_000


@dataclass(frozen=True)
class Link:
    id: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """How far its program says it is; ``total`` is None when it does not know. ``words``: "4 200 of 9 000"."""

    done: float
    total: float | None
    text: str

    @property
    def words(self) -> str:
        if not self.total:
            return count_words(int(self.done)) if self.done else ""
        return f"{count_words(int(self.done))} of {count_words(int(self.total))}"


@dataclass(kw_only=True)
class JobFacts:
    id: int
    url: str
    name: str
    configuration_url: str
    """Where its name leads: to its configuration; of a file that is loaded, to the table."""
    status: str
    is_active: bool
    is_waiting: bool
    component: str
    is_partial: bool
    selection_words: str
    waiting: str
    message: str
    message_status: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    about_start: datetime | None
    about_end: datetime | None
    seconds: float | None
    waited_seconds: float | None
    usual_seconds: float | None
    by: By
    cause: str
    version: int | None
    version_url: str
    said: Said | None
    parent: Link | None
    retry_of: Link | None
    retried_by: Link | None
    waited_for: Link | None = None
    # Set by the view, which knows the viewer and the address:
    terminate_url: str = ""
    retry_url: str = ""
    live_url: str = ""
    cursor: str = ""
    announcement: str = ""
    progress: Any = None


def facts_of(job: Job, plan: plans.Plan | None, *, now: datetime, zone: tzinfo) -> JobFacts:
    """``plan``: what the run executes; None for a job of a component, or when its version has been purged."""
    usually = usual.seconds(job.configuration_id) if job.status in UNSETTLED else None
    reason = waiting.reason(job, now=now)
    return JobFacts(
        id=job.pk,
        url=url_of(job),
        name=job.name,
        configuration_url=configuration_url(job.configuration) or _table_url(job),
        status=job.status,
        is_active=job.status in UNSETTLED,
        is_waiting=job.status == JobStatus.WAITING,
        component="" if job.is_run else component_of(job.component_id)[0],
        is_partial=job.is_partial,
        selection_words=_selection_words(job, plan),
        waiting=reasons.sentence(reason, project_id=job.project_id, now=now, zone=zone) if reason else "",
        message=job.message or _stopped_by(job),
        message_status=job.status,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.finished_at,
        about_start=reason.eta if reason else None,
        about_end=_about_end(job, usually, now),
        seconds=job.duration_seconds,
        waited_seconds=_waited(job),
        usual_seconds=usually,
        by=by_of(job),
        cause=_cause(job),
        version=job.configuration_version,
        version_url=links.find("versions", job.project_id, job.configuration_id) if job.configuration_id else "",
        waited_for=_waited_for(job),
        said=Said(**job.progress) if job.progress and job.status in UNSETTLED else None,
        parent=_link(job, job.parent_id),
        retry_of=_link(job, job.previous_job_id),
        retried_by=_link(job, (_RETRY.first(job=job.pk) or (None,))[0]),
    )


def plan_of(job: Job) -> plans.Plan | None:
    """None for a job of a component, and when the version has been purged."""
    if not job.is_run:
        return None
    try:
        return snapshots.plan_of(job)
    except (snapshots.SnapshotLost, plans.InvalidPlan, plans.InvalidSelection):
        return None


def history_of(job: Job, *, now: datetime) -> list[JobRow]:
    """The last jobs of the same configuration, this one among them or not; without notes."""
    if job.configuration_id is None:
        return []
    last = _HISTORY.instances(configuration=job.configuration_id, count=HISTORY)
    return rows_of(last, project=job.project, now=now)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a component's job was given and gave back, as JSON for people: secrets are masked."""

    given: str = ""
    result: str = ""


def parameters_of(job: Job) -> Parameters:
    try:
        document = snapshots.document_of(job)
    except snapshots.SnapshotLost:
        document = {}
    asked = {name: value for name, value in job.request.items() if name != "configData"}
    return Parameters(
        given=_cut(pretty({**document, **asked})) if document or asked else "",
        result=_cut(pretty(job.result)) if job.result else "",
    )


def crumbs_of(job: Job) -> list[dict[str, str]]:
    """The way here: of a run its orchestration, of a task's job the run it belongs to."""
    if job.parent is not None:
        return [
            {"name": "Jobs", "url": reverse("jobs", args=[job.project_id])},
            {"name": f"Job {job.parent.pk}, {job.parent.name}", "url": url_of(job.parent)},
        ]
    if job.is_run and job.configuration is not None and job.configuration.deleted_at is None:
        return [
            {"name": "Orchestrations", "url": reverse("orchestrations", args=[job.project_id])},
            {
                "name": job.configuration.name,
                "url": reverse("orchestration", args=[job.project_id, job.configuration.pk]),
            },
        ]
    return [{"name": "Jobs", "url": reverse("jobs", args=[job.project_id])}]


def _table_url(job: Job) -> str:
    """Of a file that was loaded or a table that was unloaded: the table, once it is there."""
    table_id = storing.table_of(job)
    found = tables.find(job.project, table_id) if table_id else None
    return reverse("table", args=[job.project_id, table_id]) if found else ""


def _selection_words(job: Job, plan: plans.Plan | None) -> str:
    if plan is None or not job.is_partial:
        return ""
    return f"{len(plan.tasks)} of {len(snapshots.whole_plan_of(job).tasks)} tasks"


def _stopped_by(job: Job) -> str:
    if not job.terminated_by:
        return ""
    if job.status == JobStatus.CANCELLED:
        return f"Cancelled by {job.terminated_by} before it started."
    return f"Terminated by {job.terminated_by}."


def _about_end(job: Job, usually: float | None, now: datetime) -> datetime | None:
    if job.started_at is None or usually is None or job.status != JobStatus.PROCESSING:
        return None
    end: datetime = job.started_at + timedelta(seconds=usually)
    return end if end > now else None


def _cause(job: Job) -> str:
    """Also which schedule, for which moment, and on which tables; a task's job names its run instead."""
    return job.cause_detail if job.cause_detail and not job.parent_id else cause_of(job)


def _waited(job: Job) -> float | None:
    if job.started_at is None:
        return None
    waited = (job.started_at - job.created_at) / timedelta(seconds=1)
    return waited if waited >= SHORTEST_WAIT_SECONDS else None


def _waited_for(job: Job) -> Link | None:
    """The job of the same configuration whose end it waited for: the one before it, since one runs at a time (R5)."""
    if job.started_at is None or _waited(job) is None or job.configuration_id is None:
        return None
    pk, end = _BEFORE.first(configuration=job.configuration_id, pk=job.pk) or (None, None)
    return _link(job, pk) if end is not None and job.created_at < end <= job.started_at else None


def _link(job: Job, pk: int | None) -> Link | None:
    return Link(pk, reverse("job", args=[job.project_id, pk])) if pk else None


def _cut(text: str) -> str:
    return text if len(text) <= PARAMETERS_LENGTH else f"{text[:PARAMETERS_LENGTH]}\n… (cut)"


# Not "in the project" as well: SQLite would go through all jobs of it.
_HISTORY = Query(
    lambda: listed(Job.objects.filter(configuration=Param("configuration"))).order_by("-pk"), limit="count"
)
_RETRY = Query(lambda: Job.objects.filter(previous_job=Param("job")).order_by("-pk").values_list("pk")[:1])
_BEFORE = Query(
    lambda: (
        Job.objects.filter(configuration=Param("configuration"), pk__lt=Param("pk"))
        .order_by("-pk")
        .values_list("pk", "finished_at")[:1]
    )
)
