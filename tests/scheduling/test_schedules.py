"""Schedules that are due: exactly once, made up for as each is set to, one broken one alone (R13, R15, R17)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection

from jobs import pausing
from jobs.models import Cause, Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor, Denied
from orchestrations.models import Configuration, Project, Token, User
from scheduling import making_up, ticking
from scheduling.models import CatchUp, Firing, Overlap, Schedule
from scheduling.queries import missed
from tests import builders
from tests.builders import NOW, task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def dues(schedule: Schedule, outcome: str = "started") -> list[datetime]:
    return list(schedule.firings.filter(outcome=outcome).order_by("due_at").values_list("due_at", flat=True))


def tick_all(now: datetime) -> list[int]:
    """Until nothing is due any more."""
    runs: list[int] = []
    while (next_due := ticking.next_due()) is not None and next_due <= now:
        runs += ticking.tick(now=now).run_ids
    return runs


def test_a_due_schedule_creates_one_run_that_says_why(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(orchestration, "13 0 * * *", zone="Europe/Prague")
    due = datetime(2026, 11, 23, 23, 13, tzinfo=UTC)

    assert ticking.next_due() == due
    assert ticking.tick(now=due - MINUTE).count == 0
    ticked = ticking.tick(now=due + timedelta(milliseconds=3))

    job = Job.objects.get(pk=ticked.run_ids[0])
    schedule.refresh_from_db()
    assert (job.status, job.cause, job.is_run, job.configuration) == (
        JobStatus.WAITING,
        Cause.SCHEDULE,
        True,
        orchestration,
    )
    assert job.cause_detail == '"Every day at 00:13, Europe/Prague" for 24 November 2026 at 00:13'
    assert job.events.get().message == f"Created by the schedule {job.cause_detail}."
    assert job.created_with == Token.objects.get(orchestration=orchestration)
    assert schedule.firings.get().job == job
    assert (schedule.next_run_at, schedule.last_due_at) == (due + DAY, due)
    assert ticking.tick(now=due + MINUTE).count == 0


@pytest.mark.parametrize(
    ("catch_up", "hours_late", "started", "missed_moments"),
    [
        (CatchUp.LAST, 0, [6], []),
        (CatchUp.LAST, 3, [9], []),
        (CatchUp.ALL, 3, [6, 7, 8, 9], []),
        (CatchUp.NONE, 0, [6], []),
        (CatchUp.NONE, 3, [9], []),  # the last one is due right now
    ],
)
def test_what_was_missed_is_made_up_for_as_it_is_set_to(
    orchestration: Configuration, catch_up: str, hours_late: int, started: list[int], missed_moments: list[int]
) -> None:
    schedule = builders.build_schedule(orchestration, "0 * * * *", catch_up=catch_up, next_run_at=NOW.replace(hour=6))

    tick_all(NOW.replace(hour=6 + hours_late, second=20))

    assert [due.hour for due in dues(schedule)] == started
    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW.replace(hour=7 + hours_late)


def test_without_catching_up_a_moment_of_long_ago_is_missed(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(
        orchestration, "0 * * * *", catch_up=CatchUp.NONE, next_run_at=NOW.replace(hour=6)
    )

    tick_all(NOW.replace(hour=9, minute=30))

    firing = schedule.firings.get()
    assert (firing.outcome, firing.due_at.hour, firing.note) == ("missed", 6, "4 earlier moments were missed.")
    assert not Job.objects.exists()


def test_all_is_made_up_for_one_month_at_most(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(
        orchestration, "0 6 * * *", catch_up=CatchUp.ALL, next_run_at=NOW.replace(hour=6) - 100 * DAY
    )

    tick_all(NOW)

    assert len(dues(schedule)) == 31
    assert dues(schedule, "missed") == [NOW.replace(hour=6) - 100 * DAY]


def test_a_clock_that_is_put_back_fires_nothing_twice(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(orchestration, "*/5 * * * *", next_run_at=NOW)

    for minutes in (0, 5, -60, 3, 5, 10, -30, 9, 15):
        tick_all(NOW + minutes * MINUTE)

    assert [(due - NOW) // MINUTE for due in dues(schedule)] == [0, 5, 10, 15]


def test_a_run_waits_for_the_one_before_or_is_skipped(orchestration: Configuration, project: Project) -> None:
    other = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    waits = builders.build_schedule(orchestration, "*/30 * * * *", next_run_at=NOW)
    skips = builders.build_schedule(other, "*/30 * * * *", next_run_at=NOW, overlap=Overlap.SKIP)

    for count in range(3):
        tick_all(NOW + count * 30 * MINUTE)

    assert len(dues(waits)) == 3
    assert (len(dues(skips)), len(dues(skips, "skipped"))) == (1, 2)
    assert set(skips.firings.filter(outcome="skipped").values_list("note", flat=True)) == {"A run waited already."}


def test_two_schedules_that_skip_make_one_run_of_the_same_moment(orchestration: Configuration) -> None:
    for _ in range(2):
        builders.build_schedule(orchestration, "0 12 * * *", next_run_at=NOW, overlap=Overlap.SKIP)

    tick_all(NOW)

    assert Job.objects.count() == 1


def test_one_broken_schedule_stops_no_other_and_says_why(orchestration: Configuration) -> None:
    broken, lost = (builders.build_schedule(orchestration, next_run_at=NOW) for _ in range(2))
    Schedule.objects.filter(pk=broken.pk).update(expression="61 * * * *")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scheduling_schedule SET zone = 'Mars/Olympus' WHERE id = %s", [lost.pk])
    good = [builders.build_schedule(orchestration, "0 12 * * *", next_run_at=NOW) for _ in range(3)]

    tick_all(NOW)

    assert [len(dues(each)) for each in good] == [1, 1, 1]
    broken.refresh_from_db()
    assert "Minutes: 61 is not between 0 and 59." in broken.last_error
    assert broken.next_run_at == NOW + ticking.BROKEN_AGAIN
    errors = Schedule.objects.filter(pk=lost.pk).values_list("last_error", flat=True)
    assert "Mars/Olympus" in errors[0]
    Schedule.objects.filter(pk=broken.pk).update(expression="0 13 * * *")
    tick_all(NOW + HOUR)
    broken.refresh_from_db()
    assert broken.last_error == ""


def test_many_due_at_once_are_all_created(orchestration: Configuration) -> None:
    for _ in range(2 * ticking.BATCH + 5):
        builders.build_schedule(orchestration, "0 12 * * *", next_run_at=NOW)

    assert len(tick_all(NOW)) == 2 * ticking.BATCH + 5


@pytest.mark.django_db(transaction=True)
def test_three_schedulers_at_the_same_moment_fire_once(orchestration: Configuration) -> None:
    schedules = [builders.build_schedule(orchestration, "* * * * *", next_run_at=NOW) for _ in range(4)]

    for count in range(ROUNDS):
        now = NOW + count * MINUTE
        results = race(*[partial(ticking.tick, now=now)] * 3)
        assert unexpected(results) == []
        tick_all(now)

    assert [len(dues(each)) for each in schedules] == [ROUNDS] * 4
    assert Job.objects.count() == 4 * ROUNDS


# --- Off, paused, missed -----------------------------------------------------------------------


def test_what_was_missed_while_it_was_off_is_offered_and_never_started_unasked(
    orchestration: Configuration, by_alice: Actor, oscar: User, bob: User
) -> None:
    schedule = builders.build_schedule(orchestration, "0 * * * *", catch_up=CatchUp.ALL, next_run_at=NOW + HOUR)
    off = editing.set_enabled(orchestration, False, actor=by_alice, now=NOW)
    for count in range(1, 4):
        tick_all(NOW + count * HOUR)
    on = editing.set_enabled(off, True, actor=by_alice, now=NOW + 3.5 * HOUR)
    tick_all(NOW + 3.6 * HOUR)
    assert not Job.objects.exists()

    (offer,) = missed.of(on)
    assert [moment.hour for moment in offer.moments] == [15, 14, 13]
    chosen = [(schedule.pk, offer.moments[0]), (schedule.pk, offer.moments[2])]
    with pytest.raises(Denied):
        making_up.start_missed(on, chosen, actor=Actor(user=bob), now=NOW)
    with pytest.raises(making_up.NotMissed):
        making_up.start_missed(on, [(schedule.pk, NOW)], actor=Actor(user=oscar), now=NOW)
    jobs = making_up.start_missed(on, chosen, actor=Actor(user=oscar), now=NOW + 3.6 * HOUR)

    assert [each.hour for each in dues(schedule)] == [13, 15]
    assert {Job.objects.get(pk=job.pk).cause for job in jobs} == {Cause.SCHEDULE}
    assert missed.of(on) == []
    tick_all(NOW + 4 * HOUR)
    assert [each.hour for each in dues(schedule)] == [13, 15, 16]


@pytest.mark.parametrize("catch_up", CatchUp.values)
def test_what_was_missed_while_it_was_off_is_not_started_by_a_scheduler_that_was_away_too(
    orchestration: Configuration, by_alice: Actor, catch_up: str
) -> None:
    """Off from 12:30 to 14:30; the first scheduler looks at 16:00."""
    schedule = builders.build_schedule(orchestration, "0 * * * *", catch_up=catch_up, next_run_at=NOW + HOUR)
    off = editing.set_enabled(orchestration, False, actor=by_alice, now=NOW + HOUR / 2)
    editing.set_enabled(off, True, actor=by_alice, now=NOW + 2.5 * HOUR)

    first = ticking.tick(now=NOW + 4 * HOUR)

    assert (first.count, first.run_ids) == (1, [])
    (offer,) = missed.of(orchestration)
    assert [moment.hour for moment in offer.moments] == [14, 13]
    tick_all(NOW + 4 * HOUR)
    assert [each.hour for each in dues(schedule)] == ([15, 16] if catch_up == CatchUp.ALL else [16])


def test_the_offer_is_over_with_the_next_firing(orchestration: Configuration, by_alice: Actor) -> None:
    builders.build_schedule(orchestration, "0 * * * *", next_run_at=NOW)
    off = editing.set_enabled(orchestration, False, actor=by_alice, now=NOW)
    tick_all(NOW)
    on = editing.set_enabled(off, True, actor=by_alice, now=NOW + MINUTE)
    assert len(missed.of(on)) == 1

    tick_all(NOW + HOUR)

    assert missed.of(on) == []


def test_a_paused_project_starts_nothing_and_makes_up_for_it(
    orchestration: Configuration, project: Project, oscar: User, bob: User
) -> None:
    last = builders.build_schedule(orchestration, "0 * * * *", next_run_at=NOW)
    none = builders.build_schedule(orchestration, "30 * * * *", catch_up=CatchUp.NONE, next_run_at=NOW + 30 * MINUTE)
    every = builders.build_schedule(orchestration, "0 * * * *", catch_up=CatchUp.ALL, next_run_at=NOW)
    with pytest.raises(Denied):
        pausing.pause(project, actor=Actor(user=bob), now=NOW)
    pausing.pause(project, actor=Actor(user=oscar), now=NOW)
    assert ticking.next_due() is None
    assert ticking.tick(now=NOW + 2 * HOUR).count == 0

    pausing.resume(project, actor=Actor(user=oscar))
    tick_all(NOW + 2 * HOUR + 10 * MINUTE)

    assert [(due - NOW) / HOUR for due in dues(last)] == [2]
    assert last.firings.get().note == "2 earlier moments were missed."
    assert dues(none) == []
    assert [(due - NOW) / HOUR for due in dues(every)] == [0, 1, 2]


def test_the_database_refuses_a_second_firing_of_a_moment(orchestration: Configuration) -> None:
    schedule = builders.build_schedule(orchestration)
    Firing.objects.create(schedule=schedule, due_at=NOW, at=NOW, outcome="missed")

    with pytest.raises(Exception, match=r"(?i)unique"):
        Firing.objects.create(schedule=schedule, due_at=NOW, at=NOW, outcome="started")
