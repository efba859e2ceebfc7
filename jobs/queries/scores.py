"""The score of an orchestration: its last runs as columns, its tasks by phase as rows. A constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet
from django.urls import reverse

from jobs.models import Job
from jobs.queries.matching import Took
from jobs.queries.planned import tasks_of_runs
from jobs.states import ACTIVE, UNSETTLED, JobStatus
from orchestrations.lib import scores
from orchestrations.lib.among import Among
from orchestrations.lib.durations import duration_words
from orchestrations.lib.prepared import Query
from orchestrations.models import Configuration, Phase, Task

MOST_ROWS = 60
"""With more tasks than these a row is a phase."""
PARTIAL = ExpressionWrapper(Q(only_task_keys__isnull=False), output_field=BooleanField())
MARKS: dict[str, int] = {JobStatus.ERROR: 6, JobStatus.TERMINATED: 6, JobStatus.WARNING: 3}
WORST_FIRST = (
    JobStatus.ERROR,
    JobStatus.TERMINATED,
    JobStatus.CANCELLED,
    JobStatus.WARNING,
    JobStatus.TERMINATING,
    JobStatus.PROCESSING,
    JobStatus.WAITING,
    JobStatus.SUCCESS,
)
LEGEND = (
    JobStatus.SUCCESS,
    JobStatus.WARNING,
    JobStatus.ERROR,
    JobStatus.TERMINATED,
    JobStatus.CANCELLED,
    JobStatus.PROCESSING,
    JobStatus.TERMINATING,
    JobStatus.WAITING,
    scores.NOT_EXECUTED,
)
GONE = "No longer part of it"


@dataclass(frozen=True, kw_only=True)
class Column:
    id: int
    url: str
    status: str
    took: str
    date: str
    bar: scores.Bar
    day: str


@dataclass(frozen=True)
class Cell:
    """``title`` is "#12 Orders", ``more`` what is to be said beside the status."""

    status: str
    title: str
    more: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    cells: list[Cell]


@dataclass(frozen=True)
class Part:
    """A phase with its rows; one row that bears its own name when rows are phases."""

    name: str
    rows: list[Row]


@dataclass(frozen=True, kw_only=True)
class Score:
    chart: scores.Chart
    columns: list[Column]
    blanks: range
    """Columns before the first run: the newest always stands at the end."""
    parts: list[Part] = field(default_factory=list)

    @property
    def is_active(self) -> bool:
        return any(column.status in UNSETTLED for column in self.columns)

    @property
    def legend(self) -> list[str]:
        """The statuses that occur, the ends first."""
        shown = {cell.status for part in self.parts for row in part.rows for cell in row.cells}
        shown |= {column.status for column in self.columns}
        return [status for status in LEGEND if status in shown]


@dataclass(frozen=True, kw_only=True)
class _Run:
    id: int
    status: str
    created_at: datetime
    seconds: float | None
    version: int | None
    is_partial: bool

    @property
    def is_ahead(self) -> bool:
        return self.status in UNSETTLED and self.status != JobStatus.TERMINATING


def score_of(
    orchestration: Configuration,
    runs: QuerySet[Job],
    phases: Sequence[tuple[Phase, list[Task]]],
    *,
    usual_seconds: float | None,
    now: datetime,
    zone: tzinfo,
) -> Score | None:
    """Of the newest thirty of ``runs``; None when there are none."""
    found = _read(runs, now)
    if not found:
        return None
    chart = scores.draw(
        [
            scores.Run(
                created_at=run.created_at,
                seconds=run.seconds,
                is_active=run.status in UNSETTLED,
                mark=MARKS.get(run.status, 0),
            )
            for run in found
        ],
        usual_seconds=usual_seconds,
        zone=zone,
    )
    is_long = sum(len(tasks) for _, tasks in phases) > MOST_ROWS
    return Score(
        chart=chart,
        columns=[_column(orchestration, run, chart, place) for place, run in enumerate(found)],
        blanks=range(scores.COLUMNS - len(found)),
        parts=_phase_parts(found, phases) if is_long else _task_parts(orchestration, found, phases),
    )


def _read(runs: QuerySet[Job], now: datetime) -> list[_Run]:
    """Oldest first."""
    rows = runs.order_by("-pk").values_list(
        "pk", "status", "created_at", "started_at", "finished_at", "configuration_version", PARTIAL
    )[: scores.COLUMNS]
    return [
        _Run(
            id=pk,
            status=status,
            created_at=created_at,
            seconds=((finished_at or now) - started_at) / timedelta(seconds=1) if started_at else None,
            version=version,
            is_partial=partial,
        )
        for pk, status, created_at, started_at, finished_at, version, partial in reversed(rows)
    ]


def _column(orchestration: Configuration, run: _Run, chart: scores.Chart, place: int) -> Column:
    return Column(
        id=run.id,
        url=reverse("job", args=[orchestration.project_id, run.id]),
        status=run.status,
        took=duration_words(run.seconds) if run.seconds is not None else "",
        date=chart.dates[place],
        bar=chart.bars[place],
        day=chart.days[place],
    )


# --- Rows are tasks ----------------------------------------------------------------------------


def _task_parts(
    orchestration: Configuration, runs: Sequence[_Run], phases: Sequence[tuple[Phase, list[Task]]]
) -> list[Part]:
    ends: dict[tuple[int, str], tuple[str, str]] = {}
    names: dict[str, str] = {}
    for run_id, key, status, name, seconds in _CHILDREN.rows(runs=[run.id for run in runs]):
        ends[run_id, key] = (status, duration_words(seconds) if seconds is not None else "")
        names[key] = name
    partial_ids = [run.id for run in runs if run.is_partial]
    versions = {run.id: run.version for run in runs if run.version is not None}
    planned = tasks_of_runs(orchestration.pk, versions, partial_ids)
    parts = []
    for phase, tasks in phases:
        rows = [_row(task.key, _name(task), runs, ends, planned) for task in tasks]
        for task in tasks:
            names.pop(task.key, None)
        if rows:
            parts.append(Part(phase.name, rows))
    if names:
        parts.append(Part(GONE, [_row(key, name, runs, ends, planned) for key, name in names.items()]))
    return parts


def _row(
    key: str,
    name: str,
    runs: Sequence[_Run],
    ends: Mapping[tuple[int, str], tuple[str, str]],
    planned: Mapping[int, frozenset[str]],
) -> Row:
    cells = []
    for run in runs:
        status, took = ends.get((run.id, key), (None, ""))
        shown = scores.fate(status, is_planned=key in planned.get(run.id, ()), is_ahead=run.is_ahead)
        cells.append(Cell(shown, f"#{run.id} {name}", took))
    return Row(name, cells)


def _name(task: Task) -> str:
    return task.name or (task.configuration.name if task.configuration else task.component_id)


# --- Rows are phases ---------------------------------------------------------------------------


def _phase_parts(runs: Sequence[_Run], phases: Sequence[tuple[Phase, list[Task]]]) -> list[Part]:
    counted = (
        Job.objects.filter(parent__in=[run.id for run in runs])
        .order_by()
        .values_list("parent_id", "phase_key", "status")
        .annotate(Count("pk"))
    )
    counts: dict[tuple[int, str], dict[str, int]] = {}
    for run_id, key, status, count in counted:
        counts.setdefault((run_id, key), {})[status] = count
    return [
        Part(
            phase.name,
            [Row(_counted(tasks), [_sum(run, phase, counts.get((run.id, phase.key))) for run in runs])],
        )
        for phase, tasks in phases
        if tasks
    ]


def _counted(tasks: Sequence[Task]) -> str:
    return "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"


def _sum(run: _Run, phase: Phase, counts: Mapping[str, int] | None) -> Cell:
    """The worst end of a phase's tasks; while some are active, that."""
    title = f"#{run.id} {phase.name}"
    if not counts:
        return Cell(scores.fate(None, is_planned=True, is_ahead=run.is_ahead), title)
    found = [status for status in WORST_FIRST if status in counts]
    going = [status for status in found if status in ACTIVE]
    words = ", ".join(f"{counts[status]} {status.label.lower()}" for status in found)
    return Cell((going or found)[0], title, words)


_CHILDREN = Query(
    lambda: (
        Job.objects.filter(Among("parent", "runs"))
        .order_by("pk")
        .values_list("parent_id", "task_key", "status", "name", Took())
    )
)
