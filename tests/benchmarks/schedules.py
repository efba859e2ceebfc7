"""How late schedules fire, how fast many that are due in one second are created, and what an answer of cron costs.

All the time 10,000 other schedules are there, none of which is due. Schedulers are processes of their own, as a person
starts them: one, and three beside one another.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from orchestrations.models import Configuration, Project
from scheduling import cron, zone_data
from scheduling.models import Firing, Schedule, Scheduler
from tests import builders
from tests.benchmarks import whole
from tests.scheduling import debian

LATE, AT_ONCE_NAME, IDLE = "schedule lateness", "1000 due at once", "idle scheduler CPU"
COUNTS = {"": 1, " of 3": 3}
"""Of schedulers, by what is added to the names of figures."""
NAMES = (IDLE, *(name + added for added in COUNTS for name in (LATE, AT_ONCE_NAME)), "cron answer")
SCHEDULES = 10_000
ORCHESTRATIONS = 60
SPREAD_SECONDS = 15
SPREAD = 60
AT_ONCE = 1000
IDLE_SECONDS = 20
DEADLINE_SECONDS = 120


def measure(project: Project, wanted: set[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if "cron answer" in wanted:
        figures["cron answer"] = summary([each * 1000 for each in answers()])
    if wanted - {"cron answer"}:
        build(fresh(project), [timezone.now() + timedelta(days=30 + number % 300) for number in range(SCHEDULES)])
        for added, count in COUNTS.items():
            if wanted.isdisjoint({LATE + added, AT_ONCE_NAME + added} | ({IDLE} if count == 1 else set())):
                continue
            with schedulers(count) as pids:
                if count == 1 and IDLE in wanted:
                    figures[IDLE] = {"median": idle(pids)}
                figures[LATE + added] = summary(lateness(fresh(project)))
                figures[AT_ONCE_NAME + added] = {"median": at_once(fresh(project))}
    return {name: figure for name, figure in figures.items() if name in wanted}


def fresh(project: Project) -> list[Configuration]:
    """Orchestrations of which no run is under way: what is due then starts at once, each once."""
    return [builders.build_orchestration(project) for _ in range(ORCHESTRATIONS)]


def lateness(orchestrations: list[Configuration]) -> list[float]:
    """Milliseconds from the due moment until the run is committed and starts; due one after another."""
    start = timezone.now() + timedelta(seconds=2)
    moments = [start + timedelta(seconds=SPREAD_SECONDS * number / SPREAD) for number in range(SPREAD)]
    ids = build(orchestrations, moments)
    started = Firing.objects.filter(schedule__in=ids, job__started_at__isnull=False)
    until(lambda: started.count() == SPREAD)
    # Not when the job says that it was created: that is the moment at which its transaction began.
    rows = started.values_list("due_at", "job__started_at")
    return [(at - due).total_seconds() * 1000 for due, at in rows if at is not None]


def at_once(orchestrations: list[Configuration]) -> float:
    """Milliseconds from one due moment of a thousand schedules until another process sees the last of their jobs."""
    due = timezone.now() + timedelta(seconds=4)
    ids = set(build(orchestrations, [due] * AT_ONCE))
    time.sleep(max(0.0, (due - timezone.now()).total_seconds()))
    until(lambda: Firing.objects.filter(due_at=due, job__isnull=False).count() == len(ids))
    return (timezone.now() - due).total_seconds() * 1000


def build(orchestrations: list[Configuration], moments: list[datetime]) -> list[int]:
    now = timezone.now()
    rows = [
        Schedule(
            orchestration=orchestrations[number % len(orchestrations)],
            expression=f"{number % 60} {number % 24} * * *",
            zone=ZoneInfo("Europe/Prague"),
            next_run_at=moment,
            created_at=now,
            updated_at=now,
            zone_version=zone_data.VERSION,
        )
        for number, moment in enumerate(moments)
    ]
    return [row.pk for row in Schedule.objects.bulk_create(rows, batch_size=500)]


def answers() -> list[float]:
    """Seconds for each of 2,000 answers about random expressions, the same zones and starts at every run."""
    chance = random.Random(1)
    took = []
    for _ in range(2000):
        expression, zone = debian.expression(chance), ZoneInfo(chance.choice(sorted(debian.CHANGES)))
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(525_600))
        began = time.perf_counter()
        try:
            cron.next_after(expression, zone, moment)
        except cron.InvalidExpression:
            continue
        took.append(time.perf_counter() - began)
    return took


@contextmanager
def schedulers(count: int) -> Iterator[list[int]]:
    """Their process ids, once all of them have reported themselves."""
    with ExitStack() as stack:
        pids = [stack.enter_context(scheduler()) for _ in range(count)]
        until(lambda: Scheduler.objects.filter(stopped_at__isnull=True).count() == count)
        yield pids


@contextmanager
def scheduler() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "manage.py", "scheduler", "--skip-checks"], stdout=sys.stderr)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def idle(pids: list[int]) -> float:
    """Per cent of a core while nothing is due."""
    time.sleep(5)
    before, began = sum(map(whole.cpu_seconds, pids)), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (sum(map(whole.cpu_seconds, pids)) - before) / (time.monotonic() - began)


def until(condition: Any) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The benchmark of schedules did not come to its end.")
        time.sleep(0.01)


def summary(took: list[float]) -> dict[str, Any]:
    ordered = sorted(took)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "samples": len(ordered),
    }
