"""Three schedulers, one of them killed every second, a clock that jumps, a database that goes away (R13, R15)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Min
from django.utils import timezone

from jobs.models import Job
from orchestrations.models import Configuration
from scheduling import ticking
from scheduling.models import CatchUp, Firing, Schedule
from tests import builders
from tests.clusters import wait_for
from tests.scheduling import accounts, machinery, outage, stepped

pytestmark = pytest.mark.django_db(transaction=True)

CHAOS_SECONDS = float(os.environ.get("TUTTI_TEST_CHAOS_SECONDS", "6"))
"""TUTTI_TEST_CHAOS_SECONDS=45 for a long look, with an outage of ten seconds in its middle."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SCHEDULES = {
    CatchUp.ALL: (30, "*/5 * * * *", 5 * MINUTE),
    CatchUp.LAST: (20, "*/10 * * * *", 10 * MINUTE),
    CatchUp.NONE: (20, "*/10 * * * *", 10 * MINUTE),
}
"""By policy how many, and how often they are due. More than a tick takes at once, so that two find something to do."""
BACKLOG = 6 * HOUR
"""So much those that make up for everything have before them, after every second: nobody is ever idle."""
BACK = (HOUR, 90 * SECOND, timedelta(0), timedelta(0))
IN_TIME, TOO_LATE = 20 * SECOND, 4 * MINUTE
"""So long after a moment of the others the clock stops, for those that make up for nothing."""


@dataclass
class Clock:
    """Of the schedulers: as far ahead as they can bear, an hour back, or wherever it is put."""

    file: Path
    chance: random.Random
    furthest: datetime = field(default_factory=timezone.now)

    def jump(self) -> None:
        """Forward by a moment of each, and until there is a backlog; then maybe back, to where there is one still."""
        oldest: datetime = Schedule.objects.filter(catch_up=CatchUp.ALL).aggregate(first=Min("next_run_at"))["first"]
        forward = max(self.furthest, oldest + BACKLOG) + 10 * MINUTE
        landed = forward - (forward - accounts.EPOCH) % (10 * MINUTE)
        self.put(landed - self.chance.choice(BACK) + self.chance.choice([IN_TIME, TOO_LATE]))

    def put(self, moment: datetime) -> None:
        self.furthest = max(self.furthest, moment)
        stepped.step(self.file, (moment - timezone.now()).total_seconds())


def test_three_with_one_killed_every_second(orchestration: Configuration, settings: Any, tmp_path: Path) -> None:
    """… nothing twice, and nothing missed but what each schedule is set to leave out."""
    first = timezone.now().replace(minute=0, second=0, microsecond=0) - BACKLOG
    schedules = _build(orchestration, first)
    clock, gone = Clock(tmp_path / "clock", random.Random(7)), outage.prepared()
    clock.put(first - SECOND)
    given = {stepped.OFFSET: str(clock.file)}
    with machinery.running(settings.DATA_DIR, gone.url, count=3, **given) as schedulers:
        clock.put(first + BACKLOG + IN_TIME)
        wait_for(Firing.objects.filter(schedule__catch_up=CatchUp.NONE).exists, what="they are at work")
        lasts = min(10.0, CHAOS_SECONDS / 3)
        away = threading.Timer((CHAOS_SECONDS - lasts) / 2, gone.last, args=(lasts,))
        away.start()
        end = time.monotonic() + CHAOS_SECONDS
        while time.monotonic() < end:
            time.sleep(1)
            clock.jump()
            place = clock.chance.randrange(len(schedulers))
            schedulers[place].kill()
            schedulers[place] = machinery.RunningScheduler(settings.DATA_DIR, gone.url, **given)
        away.join()
        until = clock.furthest + HOUR
        until += TOO_LATE - (until - accounts.EPOCH) % (10 * MINUTE)
        clock.put(until)
        wait_for(lambda: (ticking.next_due() or until) > until, 120, "all that was due has fired")

    found = [each for schedule in schedules for each in accounts.problems(schedule, first, _period(schedule), until)]
    assert found == []
    started = Firing.objects.filter(outcome="started")
    assert started.count() == Job.objects.roots().count() == started.exclude(job=None).count()
    outcomes = Counter(Firing.objects.values_list("schedule__catch_up", "outcome"))
    assert set(outcomes) == {("all", "started"), ("last", "started"), ("none", "started"), ("none", "missed")}


def _build(orchestration: Configuration, first: datetime) -> list[Schedule]:
    return [
        builders.build_schedule(orchestration, expression, catch_up=policy, next_run_at=first)
        for policy, (count, expression, _) in SCHEDULES.items()
        for _ in range(count)
    ]


def _period(schedule: Schedule) -> timedelta:
    return SCHEDULES[CatchUp(schedule.catch_up)][2]
