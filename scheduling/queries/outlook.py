"""What a project's schedules will start, with what is known of their length: feeds ``forecast``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import usual
from jobs.models import Job
from jobs.usual import Usual
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, Task
from orchestrations.nesting import NESTING_LEVELS
from scheduling import forecast
from scheduling.forecast import Collision, Crowd, PileUp, Planned, Start
from scheduling.models import Schedule

DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The planned starts of a project, in order, and what will get in each other's way.

    ``schedules`` by id (each with its orchestration), ``usual`` by orchestration, ``pile_ups`` by orchestration,
    ``names`` of the configurations in ``collisions``.
    """

    start: datetime
    end: datetime
    starts: list[Start]
    schedules: dict[int, Schedule]
    usual: dict[int, Usual]
    pile_ups: dict[int, PileUp]
    collisions: list[Collision]
    names: dict[int, str]
    crowds: list[Crowd]
    limit: int


def of(project: Project, *, now: datetime, span: timedelta = DAY) -> Outlook:
    """Five queries, and one for each level of nesting.

    Orchestrations that are off or in the trash start nothing, nor do schedules that cannot be read.
    """
    rows = (
        Schedule.objects.in_project(project)
        .filter(next_run_at__isnull=False, orchestration__is_disabled=False, orchestration__deleted_at__isnull=True)
        .select_related("orchestration")
        .defer("orchestration__document", "orchestration__state")
    )
    schedules = [schedule for schedule in rows if not schedule.problem]
    ids = {schedule.orchestration_id for schedule in schedules}
    known = usual.samples_of(ids)
    plans = [planned(schedule, known.get(schedule.orchestration_id)) for schedule in schedules]
    starts = forecast.starts(plans, now=now, end=now + span, free_at=_free_at(ids, known, now))
    uses, widths = _needs_of(ids)
    collisions = forecast.collisions(starts, uses)
    return Outlook(
        start=now,
        end=now + span,
        starts=starts,
        schedules={schedule.pk: schedule for schedule in schedules},
        usual=known,
        pile_ups=_pile_ups(plans, now),
        collisions=collisions,
        names=_names({each.configuration_id for each in collisions}),
        crowds=forecast.crowds(starts, widths, project.parallel_jobs),
        limit=project.parallel_jobs,
    )


def pile_up_of(orchestration: Configuration, wanted: Schedule, *, now: datetime) -> tuple[PileUp | None, Usual | None]:
    """For the dialog: with ``wanted`` (saved or not, ``next_run_at`` set) among its schedules, and the sample.

    Two queries.
    """
    known = usual.samples_of([orchestration.pk]).get(orchestration.pk)
    others = orchestration.schedules.filter(next_run_at__isnull=False).exclude(pk=wanted.pk)
    plans = [planned(each, known) for each in (wanted, *others) if not each.problem]
    return forecast.pile_up(plans, now=now), known


def planned(schedule: Schedule, known: Usual | None) -> Planned:
    assert schedule.next_run_at is not None
    return Planned(
        schedule_id=schedule.pk or 0,
        orchestration_id=schedule.orchestration_id,
        expression=schedule.expression,
        zone=schedule.zone,
        catch_up=schedule.catch_up,
        overlap=schedule.overlap,
        next_run_at=schedule.next_run_at,
        usual_seconds=known.seconds if known else None,
    )


def _pile_ups(plans: Sequence[Planned], now: datetime) -> dict[int, PileUp]:
    by_orchestration: dict[int, list[Planned]] = {}
    for plan in plans:
        by_orchestration.setdefault(plan.orchestration_id, []).append(plan)
    found = {pk: forecast.pile_up(group, now=now) for pk, group in by_orchestration.items()}
    return {pk: each for pk, each in found.items() if each is not None}


def _free_at(ids: set[int], known: dict[int, Usual], now: datetime) -> dict[int, datetime]:
    """When the runs that there are already will have ended, if they take as long as usual."""
    free: dict[int, datetime] = {}
    unsettled = Job.objects.unsettled().filter(configuration__in=ids).order_by("pk")
    for pk, started_at in unsettled.values_list("configuration_id", "started_at"):
        if pk in known:
            begins = started_at or free.get(pk, now)
            free[pk] = max(now, begins + timedelta(seconds=known[pk].seconds))
    return free


def _needs_of(ids: set[int]) -> tuple[dict[int, frozenset[int]], dict[int, int]]:
    """The configurations that each orchestration runs, itself among them, and how many jobs its widest phase starts.

    Orchestrations that it runs count with what they run: they take no slot themselves (R6). A query for each level.
    """
    phases: dict[int, dict[int, list[int]]] = {}
    unknown = set(ids)
    while unknown:
        phases |= {pk: {} for pk in unknown}
        tasks = Task.objects.filter(orchestration__in=unknown, is_enabled=True, configuration__isnull=False).order_by()
        rows = list(
            tasks.values_list("orchestration_id", "phase_id", "configuration_id", "configuration__component_id")
        )
        for orchestration_id, phase_id, configuration_id, _ in rows:
            phases[orchestration_id].setdefault(phase_id, []).append(configuration_id)
        unknown = {row[2] for row in rows if row[3] == ORCHESTRATOR} - phases.keys()
    return {pk: _uses(pk, phases) for pk in ids}, {pk: _width(pk, phases) for pk in ids}


def _uses(pk: int, phases: Mapping[int, Mapping[int, list[int]]], level: int = 0) -> frozenset[int]:
    inside = (
        {child for children in phases.get(pk, {}).values() for child in children} if level <= NESTING_LEVELS else ()
    )
    return frozenset({pk}).union(*(_uses(child, phases, level + 1) for child in inside))


def _width(pk: int, phases: Mapping[int, Mapping[int, list[int]]], level: int = 0) -> int:
    if pk not in phases:
        return 1
    if level > NESTING_LEVELS:
        return 0
    return max((sum(_width(child, phases, level + 1) for child in phase) for phase in phases[pk].values()), default=0)


def _names(ids: set[int]) -> dict[int, str]:
    return dict(Configuration.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
