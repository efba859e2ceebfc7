"""Schedules as people plan them, and as newer time zones move them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from orchestrations.access import Actor, Denied
from orchestrations.models import Configuration, User
from scheduling import planning, zone_data
from scheduling.models import Schedule
from scheduling.planning import InvalidSchedule, Wanted
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_editors_plan_and_operators_switch(
    orchestration: Configuration, by_alice: Actor, oscar: User, bob: User
) -> None:
    by_oscar = Actor(user=oscar)
    schedule = planning.add(orchestration, Wanted(expression="0 6 * * mon"), actor=by_alice, now=NOW)
    assert (schedule.next_run_at, schedule.zone_version) == (datetime(2026, 11, 30, 6, tzinfo=UTC), zone_data.VERSION)
    assert str(schedule) == "Every Monday at 06:00, UTC"

    with pytest.raises(Denied):
        planning.add(orchestration, Wanted(expression="* * * * *"), actor=by_oscar, now=NOW)
    with pytest.raises(Denied):
        planning.change(schedule, Wanted(expression="* * * * *"), actor=by_oscar, now=NOW)
    with pytest.raises(Denied):
        planning.remove(schedule, actor=by_oscar)
    with pytest.raises(Denied):
        planning.set_enabled(schedule, False, actor=Actor(user=bob), now=NOW)

    off = planning.set_enabled(schedule, False, actor=by_oscar, now=NOW)
    assert (off.is_enabled, off.next_run_at) == (False, None)
    changed = planning.change(off, Wanted(expression="@hourly", zone="Asia/Tokyo"), actor=by_alice, now=NOW)
    assert (changed.is_enabled, changed.next_run_at) == (False, None)
    on = planning.set_enabled(changed, True, actor=by_oscar, now=NOW)
    assert on.next_run_at == NOW + HOUR
    until = NOW + 3 * DAY
    paused = planning.pause(on, until, actor=by_oscar, now=NOW)
    assert paused.next_run_at == until
    assert planning.pause(paused, None, actor=by_oscar, now=NOW).next_run_at == NOW + HOUR
    planning.remove(on, actor=by_alice)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ({"expression": "0 0 30 2 *"}, "expression", "would never run"),
        ({"expression": "* *"}, "expression", "five fields"),
        ({"expression": "@daily", "zone": "Mars/Olympus"}, "zone", "Mars/Olympus"),
        ({"expression": "@daily", "zone": "../../etc/passwd"}, "zone", "not known"),
        ({"expression": "@daily", "catch_up": "some"}, "catch_up", "Missed moments"),
        ({"expression": "@daily", "overlap": "run"}, "overlap", "Overlap"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    orchestration: Configuration, by_alice: Actor, wanted: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        planning.add(orchestration, Wanted(**wanted), actor=by_alice, now=NOW)

    assert refusal.value.field == field
    assert words in str(refusal.value)
    assert not Schedule.objects.exists()


def test_a_moment_is_computed_anew_with_newer_zones(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(orchestration, "0 6 * * *", zone="Europe/Prague", zone_version="1999a")
    right = datetime(2026, 11, 24, 5, tzinfo=UTC)
    due = builders.build_schedule(orchestration, "0 6 * * *", zone_version="1999a", next_run_at=NOW - HOUR)
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=right + HOUR)

    assert zone_data.recompute_next_runs(now=NOW) == 2

    schedule.refresh_from_db()
    due.refresh_from_db()
    assert (schedule.next_run_at, schedule.zone_version) == (right, zone_data.VERSION)
    assert due.next_run_at == NOW - HOUR
    assert zone_data.recompute_next_runs(now=NOW) == 0


def test_a_zone_that_is_gone_keeps_no_other_from_newer_zones(orchestration: Configuration) -> None:
    lost = builders.build_schedule(orchestration, "0 6 * * *", zone_version="1999a")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scheduling_schedule SET zone = 'Mars/Olympus' WHERE id = %s", [lost.pk])
    wrong: dict[str, Any] = {"zone_version": "1999a", "next_run_at": NOW + 2 * DAY}
    others = [builders.build_schedule(orchestration, "0 6 * * *", **wrong) for _ in range(2)]

    assert zone_data.recompute_next_runs(now=NOW) == 3

    assert zone_data.recompute_next_runs(now=NOW) == 0
    for schedule in others:
        schedule.refresh_from_db()
        assert (schedule.next_run_at, schedule.zone_version) == (NOW.replace(hour=6) + DAY, zone_data.VERSION)
    (sentence,) = Schedule.objects.filter(pk=lost.pk).values_list("last_error", flat=True)
    assert "Mars/Olympus" in sentence
