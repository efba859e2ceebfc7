"""The runs of orchestrations: of one, page by page; of all, the last twenty each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from jobs.models import Job
from jobs.queries.rows import JobRow, listed, rows_of
from jobs.states import FAILED, SETTLED, UNSETTLED, JobStatus
from orchestrations import queries
from orchestrations.lib import sparklines
from orchestrations.models import Configuration, Orchestration, Project

FILTERS = {"": "All Runs", "successful": "Successful", "failed": "Failed", "waiting": "Waiting"}
"""Labels by the value in the address. Everything that has ended is either successful or failed."""

MARKS: dict[str, int] = {JobStatus.ERROR: 4, JobStatus.TERMINATED: 4, JobStatus.WARNING: 2}


def of_orchestration(orchestration: Configuration, which: str = "") -> QuerySet[Job]:
    runs = Job.objects.filter(configuration=orchestration)
    if which == "successful":
        runs = runs.filter(status=JobStatus.SUCCESS)
    elif which == "failed":
        runs = runs.filter(status__in=FAILED)
    elif which == "waiting":
        runs = runs.waiting()
    return listed(runs)


@dataclass(frozen=True, kw_only=True)
class Spark:
    paths: list[sparklines.Path]
    words: str


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One orchestration of the list."""

    orchestration: Orchestration
    size: queries.Size
    last_run: JobRow | None
    spark: Spark


def overview(orchestrations: Iterable[Orchestration], *, project: Project, now: datetime) -> list[Overview]:
    """A constant number of queries; of each at most its last twenty runs are read."""
    orchestrations = list(orchestrations)
    sizes = queries.sizes_of(orchestrations)
    recent = _recent([each.pk for each in orchestrations])
    newest = listed(Job.objects.filter(pk__in=[runs[0].pk for runs in recent.values()]))
    jobs = list(newest)
    rows = rows_of(jobs, project=project, now=now)
    last = {job.configuration_id: row for job, row in zip(jobs, rows, strict=True)}
    return [
        Overview(
            orchestration=each,
            size=sizes.get(each.pk, queries.Size()),
            last_run=last.get(each.pk),
            spark=_spark(recent.get(each.pk, [])),
        )
        for each in orchestrations
    ]


def overview_of(orchestration: Orchestration, *, now: datetime) -> Overview:
    return overview([orchestration], project=orchestration.project, now=now)[0]


@dataclass(frozen=True)
class _Recent:
    pk: int
    status: str
    seconds: float | None


def _recent(orchestration_ids: list[int]) -> dict[int, list[_Recent]]:
    """The last runs of each, newest first: one range of the index (configuration, id) per orchestration."""
    twentieth = (
        Job.objects.filter(configuration=OuterRef("pk"))
        .order_by("-pk")
        .values("pk")[sparklines.BARS - 1 : sparklines.BARS]
    )
    rows = (
        Configuration.objects.filter(pk__in=orchestration_ids)
        .annotate(oldest=Coalesce(Subquery(twentieth), 0))
        .filter(jobs__pk__gte=F("oldest"))
        .order_by()
        .values_list("pk", "jobs__pk", "jobs__status", "jobs__started_at", "jobs__finished_at")
    )
    found: dict[int, list[_Recent]] = {}
    for configuration_id, pk, status, started_at, finished_at in rows:
        took = (finished_at - started_at) / timedelta(seconds=1) if started_at and finished_at else None
        found.setdefault(configuration_id, []).append(_Recent(pk, status, took))
    return {pk: sorted(runs, key=lambda run: -run.pk) for pk, runs in found.items()}


def _spark(newest_first: list[_Recent]) -> Spark:
    runs = newest_first[::-1]
    good = sum(run.status == JobStatus.SUCCESS for run in runs)
    going = sum(run.status in UNSETTLED for run in runs)
    ended = sum(run.status in SETTLED for run in runs)
    words = f"Last {len(runs)} runs: {good} ended in success, {ended - good} otherwise" + (
        f", {going} not ended yet" if going else ""
    )
    paths = sparklines.draw([(run.status, run.seconds, MARKS.get(run.status, 0)) for run in runs])
    return Spark(paths=paths, words=words if runs else "")
