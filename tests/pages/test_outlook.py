"""What the page of a run says of what is still ahead, and of what it waited for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def address_of(job: Job) -> str:
    return reverse("job", args=[job.project_id, job.pk])


def build_usual(configuration: Configuration, seconds: float) -> None:
    started_at = timezone.now() - timedelta(days=1)
    build_job(configuration, started_at=started_at, finished_at=started_at + timedelta(seconds=seconds))


@pytest.fixture
def components(project: Project) -> dict[str, Configuration]:
    found = {name: builders.build_configuration(project, name=name) for name in ("Orders", "Publish", "Mail")}
    for each in found.values():
        build_usual(each, 3600)
    return found


@pytest.fixture
def started_at() -> datetime:
    return timezone.now() - timedelta(seconds=30)


@pytest.fixture
def run(project: Project, components: dict[str, Configuration], started_at: datetime) -> Job:
    phases = ([task(each, key=name, continueOnFailure=name == "Mail")] for name, each in components.items())
    return build_job(
        builders.build_orchestration(project, *phases),
        JobStatus.PROCESSING,
        created_at=started_at,
        started_at=started_at,
    )


def test_later_phases_say_about_when_they_start(
    run: Job, components: dict[str, Configuration], started_at: datetime, as_alice: Client
) -> None:
    build_child(run, components["Orders"], "Orders", JobStatus.PROCESSING, created_at=started_at, started_at=started_at)

    context = as_alice.get(address_of(run)).context

    second, third = (f"{started_at + timedelta(hours=hours):%H:%M}" for hours in (1, 2))
    notes = [phase.note for phase in context["phases"]]
    assert notes[0] == "0 of 1 done"
    assert notes[1].startswith("starts about ")
    assert (notes[1][-5:], notes[2][-5:]) == (second, third)
    assert context["phases"][0].begun_at == started_at
    assert [bool(row.bars.expected) for phase in context["phases"] for row in phase.tasks] == [True, True, True]


def test_after_a_failure_nothing_more_is_expected(
    run: Job, components: dict[str, Configuration], as_alice: Client
) -> None:
    build_child(run, components["Orders"], "Orders", JobStatus.ERROR)

    context = as_alice.get(address_of(run)).context

    assert [phase.note for phase in context["phases"]][1:] == ["starts after Phase 1", "starts after Phase 2"]
    assert [row.bars.expected for phase in context["phases"] for row in phase.tasks] == [None, None, None]


def test_it_links_to_the_job_that_it_waited_for(project: Project, as_alice: Client) -> None:
    component = builders.build_configuration(project)
    begin = timezone.now() - timedelta(hours=1)
    older = build_job(component, created_at=begin, finished_at=begin + timedelta(seconds=60))
    waited = build_job(
        component, created_at=begin + timedelta(seconds=30), started_at=begin + timedelta(seconds=60, microseconds=5)
    )
    later = build_job(component, created_at=begin + timedelta(seconds=300))

    assert f'30 s for <a href="{address_of(older)}">job {older.pk}</a>' in as_alice.get(address_of(waited)).text
    assert as_alice.get(address_of(later)).context["job"].waited_for is None


def test_a_waiting_run_says_about_when_it_starts(project: Project, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    build_usual(orchestration, 3600)
    started_at = timezone.now() - timedelta(minutes=5)
    build_job(orchestration, JobStatus.PROCESSING, started_at=started_at)
    waiting = build_job(orchestration, JobStatus.WAITING)

    assert as_alice.get(address_of(waiting)).context["job"].about_start == started_at + timedelta(hours=1)


def test_a_nested_run_says_what_runs_in_it(project: Project, as_alice: Client) -> None:
    component = builders.build_configuration(project, name="Orders")
    inner = builders.build_orchestration(project, [task(component, key="orders")], name="Inner")
    outer = builders.build_orchestration(project, [task(inner, key="inner")], name="Outer")
    run = build_job(outer, JobStatus.PROCESSING)
    nested = build_child(run, inner, "inner", JobStatus.PROCESSING)
    build_child(nested, component, "orders", JobStatus.PROCESSING)

    assert "Orchestrator, Orders is running" in as_alice.get(address_of(run)).text


def test_opening_a_row_gives_its_address_and_a_tick_none(
    run: Job, components: dict[str, Configuration], as_alice: Client
) -> None:
    build_child(run, components["Orders"], "Orders", JobStatus.PROCESSING)
    address = f"{address_of(run)}?open=Orders"

    opened = as_alice.get(f"{address}&after=0:", headers={**HTMX, "HX-Trigger": "task-1-toggle"})
    tick = as_alice.get(address, headers={**HTMX, "HX-Trigger": f"job-{run.pk}-live"})

    assert opened["HX-Replace-Url"] == address
    assert "HX-Replace-Url" not in tick


@pytest.fixture
def large_run(project: Project) -> Job:
    component = builders.build_configuration(project, name="Orders")
    many = [task(component, key=f"many-{number}") for number in range(60)]
    orchestration = builders.build_orchestration(project, many, [task(component, key=key) for key in ("next", "last")])
    run = build_job(orchestration, JobStatus.PROCESSING)
    for number in range(58):
        build_child(run, component, f"many-{number}", JobStatus.SUCCESS)
    build_child(run, component, "many-58", JobStatus.ERROR, continue_on_failure=True)
    build_child(run, component, "many-59", JobStatus.PROCESSING)
    return run


def test_a_run_of_very_many_tasks_shows_those_that_tell_something(large_run: Job, as_alice: Client) -> None:
    context = as_alice.get(address_of(large_run)).context

    shown = [([row.key for row in phase.tasks], phase.more) for phase in context["phases"]]
    assert shown == [(["many-58", "many-59"], "58 success"), ([], "2 waiting")]


def test_its_phases_are_unfolded_by_a_link_that_the_ticks_keep(large_run: Job, as_alice: Client) -> None:
    first = as_alice.get(address_of(large_run)).context

    second = as_alice.get(first["phases"][1].fold_url).context

    assert [row.key for row in second["phases"][1].tasks] == ["next", "last"]
    assert second["phases"][1].fold_url == address_of(large_run)
    assert second["job"].live_url == first["phases"][1].fold_url
    assert second["phases"][0].tasks[0].toggle_url.endswith("?open=many-58&phase=phase-2")


def test_a_run_of_few_tasks_folds_nothing(run: Job, as_alice: Client) -> None:
    context = as_alice.get(address_of(run)).context

    assert [(len(phase.tasks), phase.more, phase.fold_url) for phase in context["phases"]] == [(1, "", "")] * 3
