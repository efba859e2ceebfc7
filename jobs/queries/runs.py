"""The runs of orchestrations: of one, page by page; of all, the last twenty each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Expression, OuterRef, QuerySet, Subquery

from jobs.models import Job
from jobs.queries.matching import Took
from jobs.queries.rows import JobRow, listed, listed_by, rows_of
from jobs.states import FAILED, SETTLED, UNSETTLED, JobStatus
from orchestrations import queries
from orchestrations.lib import sparklines
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Query
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
    jobs = listed_by(runs[0].pk for runs in recent.values())
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
    # Asked one after the other: in one statement PostgreSQL looks for the twentieth anew at every job.
    ranges = _TWENTIETH.rows(ids=orchestration_ids) if orchestration_ids else []
    if not ranges:
        return {}
    rows = Job.objects.filter(_Ranges(ranges)).order_by()
    found: dict[int, list[_Recent]] = {}
    for configuration_id, *recent in rows.values_list("configuration_id", "pk", "status", Took()):
        found.setdefault(configuration_id, []).append(_Recent(*recent))
    return {pk: sorted(runs, key=lambda run: -run.pk) for pk, runs in found.items()}


class _Ranges(Expression):
    """The jobs of each configuration from an id on (None: all). Written at once: the ORM takes long for so many."""

    output_field = BooleanField()

    def __init__(self, ranges: Sequence[tuple[int, int | None]]) -> None:
        super().__init__()
        self.ranges = ranges

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        each = "(configuration_id = %s AND id >= %s)"
        return f"({' OR '.join([each] * len(self.ranges))})", tuple(n or 0 for pair in self.ranges for n in pair)


def _twentieth() -> QuerySet[Configuration, Any]:
    last = Job.objects.filter(configuration=OuterRef("pk")).order_by("-pk").values("pk")
    twentieth = Subquery(last[sparklines.BARS - 1 : sparklines.BARS])
    return Configuration.objects.filter(Among("pk", "ids")).order_by().values_list("pk", twentieth)


_TWENTIETH = Query(_twentieth)


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
