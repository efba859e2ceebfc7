"""What the schedules will do: the scheduler's own decisions (``due``, ``cron``), run forward in memory. Pure.

A run is taken to last as long as usual, and runs of one orchestration wait for each other (R5, R17). What people and
triggers start is not known.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from statistics import median

from orchestrations.lib.durations import rough_words
from scheduling import due
from scheduling.policies import FiringOutcome

MOST_STARTS = 20_000
"""Of one forecast; a schedule of every minute makes 10,080 in a week."""
MOST_COLLISIONS = 200
DAY = timedelta(days=1)
FITTING_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440)
MARGIN = 1.02
"""A little air between two runs: what takes 60 minutes does not fit into every hour."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A schedule, and how long its orchestration usually takes (None: never run yet)."""

    schedule_id: int
    orchestration_id: int
    expression: str
    zone: tzinfo
    catch_up: str
    overlap: str
    next_run_at: datetime
    usual_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run to come. It begins later than it is due when it waits for the one before; skipped ones take no time."""

    schedule_id: int
    orchestration_id: int
    due_at: datetime
    begins_at: datetime
    ends_at: datetime
    is_skipped: bool = False

    @property
    def waits(self) -> bool:
        return self.begins_at > self.due_at


def starts(
    plans: Iterable[Planned], *, now: datetime, end: datetime, free_at: Mapping[int, datetime] | None = None
) -> list[Start]:
    """All that will be due before ``end``, by the moment at which they are; at most MOST_STARTS.

    ``free_at``: until when an orchestration is taken by runs that there are already.
    """
    by_id = {plan.schedule_id: plan for plan in plans}
    queue = [(plan.next_run_at, plan.schedule_id) for plan in by_id.values()]
    heapq.heapify(queue)
    free = dict(free_at or {})
    found: list[Start] = []
    while queue and queue[0][0] < end and len(found) < MOST_STARTS:
        next_at, schedule_id = heapq.heappop(queue)
        plan = by_id[schedule_id]
        decision = due.decide(plan.expression, plan.zone, plan.catch_up, next_at, max(now, next_at))
        heapq.heappush(queue, (decision.next_at, schedule_id))
        start = _start(plan, decision, max(now, next_at), free)
        if start is not None:
            found.append(start)
    return found


def _start(plan: Planned, decision: due.Decision, moment: datetime, free: dict[int, datetime]) -> Start | None:
    """``free`` says when the last run so far ends: one that would begin later than now waits."""
    last_ends = free.get(plan.orchestration_id, moment)
    duration = timedelta(seconds=plan.usual_seconds or 0)
    waits = last_ends - duration > moment
    outcome = due.outcome(decision, plan.overlap, has_waiting_run=waits)
    if decision.fire is None or outcome is None:
        return None
    is_skipped = outcome == FiringOutcome.SKIPPED
    begins_at = moment if is_skipped else max(moment, last_ends)
    ends_at = begins_at if is_skipped else begins_at + duration
    if not is_skipped:
        free[plan.orchestration_id] = ends_at
    return Start(
        schedule_id=plan.schedule_id,
        orchestration_id=plan.orchestration_id,
        due_at=decision.fire,
        begins_at=begins_at,
        ends_at=ends_at,
        is_skipped=is_skipped,
    )


# --- Pile-ups ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PileUp:
    """Runs of one orchestration come faster than they end: so many wait after a day."""

    usual_seconds: float
    every_seconds: float
    waiting: int
    skipped: int
    fits_minutes: int | None

    @property
    def sentence(self) -> str:
        """ "Usually takes 58 min and would start every 30 min: jobs will pile up (about 23 waiting after a day). …" """
        effect = f"jobs will pile up (about {self.waiting} waiting after a day)"
        if self.skipped:
            effect = f"runs will be skipped (about {self.skipped} in a day)"
        fits = f" {_every(self.fits_minutes)} fits." if self.fits_minutes else ""
        takes, every = rough_words(self.usual_seconds), rough_words(self.every_seconds)
        return f"Usually takes {takes} and would start every {every}: {effect}.{fits}"


def pile_up(plans: Sequence[Planned], *, now: datetime) -> PileUp | None:
    """Of the schedules of one orchestration, taken together; None when everything fits, or it has never run."""
    usual = next((plan.usual_seconds for plan in plans if plan.usual_seconds), None)
    if usual is None:
        return None
    end = min(plan.next_run_at for plan in plans) + DAY
    day = starts(plans, now=now, end=end)
    waiting = sum(not each.is_skipped and each.begins_at > end for each in day)
    skipped = sum(each.is_skipped for each in day)
    if len(day) < 2 or not waiting + skipped:
        return None
    gaps = [(later.due_at - earlier.due_at).total_seconds() for earlier, later in pairwise(day)]
    fitting = next((minutes for minutes in FITTING_MINUTES if minutes * 60 >= usual * MARGIN), None)
    return PileUp(
        usual_seconds=usual, every_seconds=median(gaps), waiting=waiting, skipped=skipped, fits_minutes=fitting
    )


def _every(minutes: int) -> str:
    """ "Every hour" """
    if minutes == 1440:
        return "Every day"
    if minutes % 60 == 0:
        return "Every hour" if minutes == 60 else f"Every {minutes // 60} hours"
    return "Every minute" if minutes == 1 else f"Every {minutes} minutes"


# --- Collisions --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Collision:
    """Two runs of different orchestrations at the same time that need one configuration: one will wait (R5)."""

    configuration_id: int
    first: Start
    second: Start


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """A time in which more component jobs want to run at once than the project may (R6)."""

    start: datetime
    end: datetime
    jobs: int


def collisions(planned: Sequence[Start], uses: Mapping[int, frozenset[int]]) -> list[Collision]:
    """``uses``: the configurations that each orchestration runs. In order, at most MOST_COLLISIONS."""
    found: list[Collision] = []
    running: list[Start] = []
    for start in sorted((each for each in planned if not each.is_skipped), key=lambda each: each.begins_at):
        running = [each for each in running if each.ends_at > start.begins_at]
        for other in running:
            if other.orchestration_id != start.orchestration_id:
                shared = uses.get(other.orchestration_id, frozenset()) & uses.get(start.orchestration_id, frozenset())
                found += [Collision(configuration_id=pk, first=other, second=start) for pk in sorted(shared)]
        running.append(start)
        if len(found) >= MOST_COLLISIONS:
            break
    return found[:MOST_COLLISIONS]


def crowds(planned: Sequence[Start], widths: Mapping[int, int], limit: int) -> list[Crowd]:
    """``widths``: the most tasks that a phase of each orchestration starts together."""
    steps: dict[datetime, int] = {}
    for start in planned:
        if not start.is_skipped and start.ends_at > start.begins_at:
            width = widths.get(start.orchestration_id, 0)
            steps[start.begins_at] = steps.get(start.begins_at, 0) + width
            steps[start.ends_at] = steps.get(start.ends_at, 0) - width
    found: list[Crowd] = []
    jobs, since, most = 0, None, 0
    for moment in sorted(steps):
        jobs += steps[moment]
        if jobs > limit:
            since, most = since or moment, max(most, jobs)
        elif since is not None:
            found.append(Crowd(start=since, end=moment, jobs=most))
            since, most = None, 0
    return found
