"""The scheduler process and its loop; whoever is killed meanwhile, see test_killed.py (R12, R13)."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations.models import Configuration
from scheduling import ticking, zone_data
from scheduling.chores import Chore
from scheduling.models import CatchUp, Firing, Schedule
from scheduling.models import Chore as Row
from scheduling.models import Scheduler as Heartbeat
from scheduling.processes import housekeeping
from scheduling.processes.loop import Loop
from tests import builders, clusters
from tests.builders import NOW
from tests.clusters import wait_for
from tests.jobs.racing import race
from tests.scheduling import machinery

pytestmark = pytest.mark.django_db(transaction=True)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


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


def test_a_scheduler_computes_the_moments_of_older_time_zones_anew(orchestration: Configuration) -> None:
    """… of those that are not due, beside what is, without being asked to."""
    wrong = NOW + 5 * MINUTE
    old = builders.build_schedule(orchestration, "0 6 * * *", zone_version="1999a", next_run_at=wrong)
    builders.build_schedule(orchestration, "0 12 * * *", next_run_at=NOW)

    class Done:
        def fileno(self) -> int:
            return os.open(os.devnull, os.O_RDONLY)

        def is_asked(self) -> bool:
            return Firing.objects.exists() and not Schedule.objects.filter(next_run_at=wrong).exists()

    Loop("test", Done(), clock=lambda: NOW).run()

    old.refresh_from_db()
    assert (old.next_run_at, old.zone_version) == (NOW.replace(hour=6) + timedelta(days=1), zone_data.VERSION)


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
