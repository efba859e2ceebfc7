"""The scheduler process: exactly once whoever is killed, whatever the clock and the database do (R12, R13)."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations.models import Configuration, Project
from scheduling import ticking
from scheduling.chores import Chore
from scheduling.models import CatchUp, Firing, Schedule
from scheduling.models import Chore as Row
from scheduling.models import Scheduler as Heartbeat
from scheduling.processes import housekeeping
from scheduling.processes.loop import Loop
from tests import builders, clusters
from tests.builders import NOW, task
from tests.chaos.proxy import Proxy
from tests.clusters import wait_for
from tests.jobs.racing import race
from tests.scheduling import machinery, stepped

pytestmark = pytest.mark.django_db(transaction=True)
CHAOS_SECONDS = float(os.environ.get("TUTTI_TEST_CHAOS_SECONDS", "6"))
"""TUTTI_TEST_CHAOS_SECONDS=120 for a long look."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
STEPS = (-3600, -90, 0, 45, 240)
"""By how many seconds their clock is off; the last is where it ends."""


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    return builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily load")


def test_it_fires_when_something_is_due_and_starts_the_run(orchestration: Configuration, settings: Any) -> None:
    with machinery.running(settings.DATA_DIR, clusters.database_url()) as (scheduler,):
        due = timezone.now() + SECOND
        builders.build_schedule(orchestration, "* * * * *", next_run_at=due)
        wait_for(lambda: Job.objects.roots().filter(status=JobStatus.PROCESSING).exists(), what="the run has started")
        firing = Firing.objects.get(due_at=due)
        assert firing.at >= due

        table = builders.build_table(orchestration.project)
        builders.build_trigger(builders.build_orchestration(orchestration.project), table)
        builders.build_import(table)
        wake(Topic.AUTOMATION)
        wait_for(lambda: Job.objects.filter(cause="trigger").exists(), what="the trigger has fired")

        assert scheduler.stop() == 0
        assert Heartbeat.objects.get().stopped_at is not None


def test_three_with_one_killed_every_second(orchestration: Configuration, settings: Any, tmp_path: Path) -> None:
    """… with their clock stepped forward and back, and without a database for a while: nothing twice, nothing missed.

    Every schedule makes up for everything.
    """
    schedules = _schedules_with_much_to_do(orchestration, count=20)
    chance, clock = random.Random(7), tmp_path / "clock"
    stepped.step(clock, 0)
    given = {stepped.OFFSET: str(clock)}
    with (
        _database_that_can_go_away() as (url, remove),
        machinery.running(settings.DATA_DIR, url, count=3, **given) as schedulers,
    ):
        end = time.monotonic() + CHAOS_SECONDS
        away = threading.Thread(target=remove, args=(min(10.0, CHAOS_SECONDS / 3),))
        away.start()
        while time.monotonic() < end:
            time.sleep(1)
            stepped.step(clock, chance.choice(STEPS))
            place = chance.randrange(len(schedulers))
            schedulers[place].kill()
            schedulers[place] = machinery.RunningScheduler(settings.DATA_DIR, url, **given)
        away.join()
        stepped.step(clock, STEPS[-1])
        until = timezone.now() + STEPS[-1] * SECOND
        wait_for(lambda: (ticking.next_due() or until) >= until, 120, "all that was due has fired")

    for schedule in schedules:
        dues = list(schedule.firings.order_by("due_at").values_list("due_at", flat=True))
        assert dues == [dues[0] + number * MINUTE for number in range(len(dues))]
        assert dues[-1] > until - MINUTE
    started = Firing.objects.filter(outcome="started")
    assert started.count() == Job.objects.roots().count() == started.exclude(job=None).count()


def _schedules_with_much_to_do(orchestration: Configuration, count: int) -> list[Schedule]:
    """Cron knows minutes only: each has hours to make up for, minute by minute, as fast as it goes."""
    start = timezone.now().replace(second=0, microsecond=0) - timedelta(hours=max(2.0, CHAOS_SECONDS / 4))
    return [
        builders.build_schedule(orchestration, "* * * * *", catch_up=CatchUp.ALL, next_run_at=start - number * MINUTE)
        for number in range(count)
    ]


@contextmanager
def _database_that_can_go_away() -> Iterator[tuple[str, Any]]:
    """Its address, and what makes it unreachable (PostgreSQL) or locked (SQLite) for some seconds."""
    if connection.vendor == "sqlite":

        def lock(seconds: float) -> None:
            holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=20)
            holder.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            holder.execute("ROLLBACK")
            holder.close()

        yield clusters.database_url(), lock
        return
    given = connection.settings_dict
    proxy = Proxy(given["HOST"] or "127.0.0.1", int(given["PORT"] or 5432))
    proxy.start()
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""

    def cut(seconds: float) -> None:
        proxy.cut()
        time.sleep(seconds)
        proxy.restore()

    yield f"postgres://{given['USER']}{password}@127.0.0.1:{proxy.port}/{given['NAME']}", cut


# --- The loop in this process ------------------------------------------------------------------


class Stepped:
    """A stop after so many looks at the clock, which shows the given moments one after another."""

    def __init__(self, *moments: datetime) -> None:
        self.moments = list(moments)
        self._reader, self._writer = os.pipe()

    def fileno(self) -> int:
        return self._reader

    def is_asked(self) -> bool:
        return not self.moments

    def clock(self) -> datetime:
        return self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]


def run_at(*moments: datetime) -> None:
    """One loop that lives through these moments of its clock, in which it does all that is due."""
    for moment in moments:
        loop = Loop("test", Stepped(moment), clock=lambda moment=moment: moment)
        while loop._fire():
            continue


def test_a_clock_that_is_stepped_forward_and_back_fires_nothing_twice(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(orchestration, "*/10 * * * *", catch_up=CatchUp.ALL, next_run_at=NOW)

    run_at(NOW, NOW + 65 * MINUTE, NOW + 5 * MINUTE, NOW + 30 * MINUTE, NOW + 69 * MINUTE, NOW + 70 * MINUTE)

    dues = schedule.firings.order_by("due_at").values_list("due_at", flat=True)
    assert [(due - NOW) // MINUTE for due in dues] == [0, 10, 20, 30, 40, 50, 60, 70]


def test_the_loop_goes_on_when_the_database_does_not_answer(
    orchestration: Configuration, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    builders.build_schedule(orchestration, "* * * * *", next_run_at=NOW)
    failures = [OperationalError("gone"), OperationalError("gone still")]
    real = ticking.next_due

    def next_due() -> datetime | None:
        if failures:
            raise failures.pop()
        return real()

    class Once:
        def fileno(self) -> int:
            return os.open(os.devnull, os.O_RDONLY)

        def is_asked(self) -> bool:
            return Firing.objects.exists()

    monkeypatch.setattr(ticking, "next_due", next_due)

    Loop("test", Once(), clock=lambda: NOW).run()

    assert Firing.objects.count() == 1


# --- Housekeeping ------------------------------------------------------------------------------


def test_of_many_schedulers_one_does_a_chore_and_another_takes_over() -> None:
    done: list[datetime] = []
    chore = Chore(name="counting", every_seconds=60, work=done.append, lease_seconds=600)

    results = race(*[lambda: housekeeping.do_if_due(chore, "scheduler")] * 3)
    assert sorted(results) == [False, False, True]
    assert len(done) == 1
    assert not housekeeping.do_if_due(chore, "another")

    Row.objects.update(due_at=timezone.now() - MINUTE)
    assert housekeeping.take(chore, "one that is killed now")
    assert not housekeeping.do_if_due(chore, "another")
    Row.objects.update(due_at=timezone.now() - MINUTE)  # its lease has run out
    assert housekeeping.do_if_due(chore, "another")
    assert len(done) == 2


def test_a_chore_that_fails_says_why_and_is_done_again() -> None:
    def fail(now: datetime) -> None:
        raise RuntimeError("no such server")

    chore = Chore(name="mail", every_seconds=60, work=fail)

    assert housekeeping.do_if_due(chore, "scheduler")

    row = Row.objects.get()
    assert (row.last_error, row.owner) == ("RuntimeError: no such server", "")
    assert MINUTE / 2 < row.due_at - timezone.now() < 2 * MINUTE


def test_a_chore_that_stalls_delays_no_firing(orchestration: Configuration) -> None:
    stalled, go_on = threading.Event(), threading.Event()

    def stall(now: datetime) -> None:
        stalled.set()
        go_on.wait(30)

    class Stop:
        event = threading.Event()

    keeping = housekeeping.Housekeeping("test", Stop(), [Chore(name="stalling", every_seconds=0.01, work=stall)])
    builders.build_schedule(orchestration, "* * * * *", next_run_at=NOW)
    keeping.start()
    try:
        assert stalled.wait(30)
        run_at(NOW)
        assert Firing.objects.count() == 1
    finally:
        Stop.event.set()
        go_on.set()
        keeping.join(30)
