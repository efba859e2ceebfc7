"""The next hours, by the scheduler's own decisions: pile-ups, collisions, and that they come true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jobs.models import Cause, Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project
from scheduling import cron, forecast, ticking
from scheduling.forecast import Planned
from scheduling.models import Schedule
from scheduling.queries import outlook
from tests import builders
from tests.builders import NOW, task

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def plan(
    expression: str, minutes: float | None = 10, *, number: int = 1, orchestration: int = 1, **fields: Any
) -> Planned:
    given = {"zone": ZoneInfo("UTC"), "catch_up": "last", "overlap": "wait", **fields}
    given.setdefault("next_run_at", cron.next_after(expression, given["zone"], NOW))
    seconds = None if minutes is None else minutes * 60
    return Planned(
        schedule_id=number, orchestration_id=orchestration, expression=expression, usual_seconds=seconds, **given
    )


def test_the_example_of_the_screen() -> None:
    found = forecast.pile_up([plan("*/30 * * * *", 58)], now=NOW)

    assert found is not None
    assert found.sentence == (
        "Usually takes 58 min and would start every 30 min: jobs will pile up (about 23 waiting after a day). "
        "Every hour fits."
    )


@pytest.mark.parametrize(
    ("expression", "minutes", "fields", "words"),
    [
        ("*/30 * * * *", 29, {}, None),
        ("0 6 * * *", 300, {}, None),
        ("*/30 * * * *", None, {}, None),
        ("0,5 * * * *", 20, {}, None),  # two at a time that wait for a while are no pile-up
        ("* * * * *", 2, {}, "Every 5 minutes fits."),
        ("0 * * * *", 100, {}, "Every 2 hours fits."),
        ("*/30 * * * *", 58, {"overlap": "skip"}, "runs will be skipped"),
    ],
)
def test_what_piles_up(expression: str, minutes: float | None, fields: dict[str, Any], words: str | None) -> None:
    found = forecast.pile_up([plan(expression, minutes, **fields)], now=NOW)

    assert (found is None) if words is None else (found is not None and words in found.sentence)


def test_two_schedules_of_one_orchestration_wait_for_each_other() -> None:
    found = forecast.starts(
        [plan("0 * * * *", 20, number=1), plan("10 * * * *", 20, number=2)], now=NOW, end=NOW + 3 * HOUR
    )

    times = [((each.begins_at - NOW) // MINUTE, (each.ends_at - NOW) // MINUTE, each.waits) for each in found]
    assert times == [(10, 30, False), (60, 80, False), (80, 100, True), (120, 140, False), (140, 160, True)]


def test_runs_that_need_one_configuration_and_more_than_the_limit_are_found() -> None:
    planned = forecast.starts(
        [
            plan("0 13 * * *", 30, number=1, orchestration=1),
            plan("10 13 * * *", 30, number=2, orchestration=2),
            plan("0 15 * * *", 30, number=3, orchestration=3),
        ],
        now=NOW,
        end=NOW + DAY,
    )

    (collision,) = forecast.collisions(planned, {1: frozenset({7, 8}), 2: frozenset({8}), 3: frozenset({7})})
    (crowd,) = forecast.crowds(planned, {1: 6, 2: 5, 3: 10}, limit=10)

    assert (collision.configuration_id, collision.first.schedule_id, collision.second.schedule_id) == (8, 1, 2)
    assert (crowd.start, crowd.end, crowd.jobs) == (NOW + 70 * MINUTE, NOW + 90 * MINUTE, 11)


def test_a_week_over_a_change_of_clocks() -> None:
    zone = ZoneInfo("Europe/Prague")
    start = datetime(2026, 3, 26, tzinfo=UTC)
    planned = plan("30 2 * * *", zone=zone, next_run_at=cron.next_after("30 2 * * *", zone, start))

    found = forecast.starts([planned], now=start, end=start + 7 * DAY)

    assert [f"{each.due_at.astimezone(zone):%d %H:%M}" for each in found] == [
        "26 02:30", "27 02:30", "28 02:30", "29 03:00", "30 02:30", "31 02:30", "01 02:30"
    ]  # fmt: skip


# --- With rows ---------------------------------------------------------------------------------


def build_history(orchestration: Configuration, minutes: float, count: int = 3) -> None:
    for number in range(count):
        start = NOW - (number + 2) * DAY
        fields = {"is_run": True, "status": JobStatus.SUCCESS, "cause": Cause.PERSON, "created_at": start}
        fields |= {"started_at": start, "finished_at": start + minutes * MINUTE, "name": orchestration.name}
        Job.objects.create(
            project=orchestration.project,
            component_id=orchestration.component_id,
            configuration=orchestration,
            **fields,
        )


@pytest.mark.django_db
def test_what_is_forecast_comes_true(orchestration: Configuration, project: Project) -> None:
    schedules = [
        builders.build_schedule(orchestration, expression, zone=zone, **fields)
        for expression, zone, fields in [
            ("*/20 * * * *", "UTC", {}),
            ("15 3 * * *", "Asia/Tokyo", {"catch_up": "all", "next_run_at": NOW - 3 * DAY}),
            ("7 */2 * * 1-5", "America/New_York", {}),
        ]
    ]
    Schedule.objects.filter(pk=schedules[1].pk).update(
        next_run_at=cron.next_after("15 3 * * *", ZoneInfo("Asia/Tokyo"), NOW - 3 * DAY)
    )
    found = outlook.of(project, now=NOW)

    moment = NOW
    while moment < NOW + DAY:
        while (next_due := ticking.next_due()) is not None and next_due <= moment:
            ticking.tick(now=moment)
        moment += MINUTE

    came_true = {(each.pk, due) for each in schedules for due in each.firings.values_list("due_at", flat=True)}
    assert {(each.schedule_id, each.due_at) for each in found.starts} == came_true


@pytest.mark.django_db
def test_the_outlook_of_a_project_asks_as_often_for_many_as_for_one(
    orchestration: Configuration, project: Project, django_assert_num_queries: Any
) -> None:
    build_history(orchestration, 58)
    builders.build_schedule(orchestration, "*/30 * * * *")
    shared = builders.build_configuration(project)
    for _ in range(3):
        other = builders.build_orchestration(project, [task(shared)])
        build_history(other, 10)
        builders.build_schedule(other, "0 13 * * *")
    off = builders.build_orchestration(project, [task(shared)])
    Configuration.objects.filter(pk=off.pk).update(is_disabled=True)
    builders.build_schedule(off, "0 13 * * *")

    with django_assert_num_queries(5):
        found = outlook.of(project, now=NOW)

    assert found.usual[orchestration.pk].executions == 3
    assert list(found.pile_ups) == [orchestration.pk]
    assert {found.names[each.configuration_id] for each in found.collisions} == {shared.name}
    assert off.pk not in {each.orchestration_id for each in found.starts}
    assert len(found.starts) == 47 + 3


@pytest.mark.django_db
def test_what_an_orchestration_inside_another_runs_collides_and_takes_slots(
    orchestration: Configuration, project: Project
) -> None:
    """``whole`` runs ``orchestration``, whose two tasks, with one beside it, are more than the project may run."""
    tasks = [task(builders.build_configuration(project, name=name)) for name in ("Orders", "Accounts")]
    inner = builders.build_orchestration(project, tasks, name="Inner")
    whole = builders.build_orchestration(project, [task(inner), task(builders.build_configuration(project))])
    beside = builders.build_orchestration(project, tasks[:1], name="Beside")
    Project.objects.filter(pk=project.pk).update(parallel_jobs=2)
    project.refresh_from_db()
    for each in (inner, whole, beside):
        build_history(each, 30)
        builders.build_schedule(each, "0 13 * * *")

    found = outlook.of(project, now=NOW)

    assert {
        (found.names[each.configuration_id], frozenset({each.first.orchestration_id, each.second.orchestration_id}))
        for each in found.collisions
    } == {
        *(("Orders", frozenset(pair)) for pair in [(inner.pk, whole.pk), (inner.pk, beside.pk), (whole.pk, beside.pk)]),
        ("Accounts", frozenset({inner.pk, whole.pk})),
        ("Inner", frozenset({inner.pk, whole.pk})),
    }
    assert [each.jobs for each in found.crowds] == [2 + 3 + 1]


@pytest.mark.django_db
def test_the_dialog_knows_before_it_is_saved(orchestration: Configuration) -> None:
    wanted = Schedule(orchestration=orchestration, expression="*/30 * * * *", zone=ZoneInfo("UTC"))
    wanted.next_run_at = NOW + 30 * MINUTE
    assert outlook.pile_up_of(orchestration, wanted, now=NOW) == (None, None)
    build_history(orchestration, 58, count=25)

    found, usual = outlook.pile_up_of(orchestration, wanted, now=NOW)

    assert found is not None and usual is not None
    assert "about 23 waiting after a day" in found.sentence
    assert usual.executions == 20
