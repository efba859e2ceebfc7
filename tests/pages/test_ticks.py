"""What a live page asks every second: little when nothing has changed, everything when something has."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from jobs.states import JobStatus
from jobs.views import ticks
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job, build_log

pytestmark = pytest.mark.django_db

PLACES = ["dashboard", "orchestrations", "orchestration", "jobs", "job", "component", "configuration"]
MOST_STATEMENTS = 6
MOST_BYTES = 8_000
RENEWED_SECONDS = ticks.RENEWED_SECONDS


@pytest.fixture(autouse=True)
def no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "RENEWED_SECONDS", 10**9)


@pytest.fixture
def run(project: Project, alice: User) -> Job:
    component = builders.build_configuration(project, name="Orders")
    orchestration = builders.build_orchestration(project, [task(component, key="orders")], name="Daily")
    run = build_job(orchestration, JobStatus.PROCESSING, created_by=alice)
    build_child(run, component, "orders", JobStatus.PROCESSING)
    return run


def address_of(place: str, run: Job) -> str:
    named = {
        "orchestration": [run.configuration_id],
        "job": [run.pk],
        "component": ["command"],
        "configuration": [run.children.get().configuration_id],
    }
    return reverse(place, args=[run.project_id, *named.get(place, [])])


class Watcher:
    """A page that stands open."""

    def __init__(self, client: Client, address: str) -> None:
        self.client = client
        self.address = address
        self.revision = ""

    def tick(self) -> int:
        """The status of the answer."""
        headers = {"HX-Request": "true"} | ({ticks.HEADER: self.revision} if self.revision else {})
        with CaptureQueriesContext(connection) as captured:
            response = self.client.get(self.address, headers=headers)
        self.statements, self.bytes = len(captured), len(response.content)
        self.revision = response.get(ticks.HEADER, self.revision)
        return response.status_code


@pytest.mark.parametrize("place", PLACES)
def test_a_tick_without_a_change_asks_little_and_brings_nothing(place: str, run: Job, as_alice: Client) -> None:
    watcher = Watcher(as_alice, address_of(place, run))

    assert watcher.tick() == 200
    assert watcher.tick() == 204
    assert watcher.bytes == 0
    assert watcher.statements <= MOST_STATEMENTS


def settle(run: Job) -> None:
    child = run.children.get()
    Job.objects.filter(pk=child.pk).update(
        status=JobStatus.SUCCESS, started_at=child.created_at, finished_at=child.created_at
    )


def log(run: Job) -> None:
    build_log(run.children.get(), "one more line", sequence=7)


def pause(run: Job) -> None:
    Project.objects.filter(pk=run.project_id).update(paused_at=run.created_at)


def begin_another(run: Job) -> None:
    build_job(builders.build_configuration(run.project), JobStatus.WAITING)


def begin_and_end_another(run: Job) -> None:
    build_job(builders.build_configuration(run.project), JobStatus.SUCCESS)


def try_again(run: Job) -> None:
    run.children.update(attempt=2)


def go_on(run: Job) -> None:
    Job.objects.filter(pk=run.pk).update(progress={"done": 2, "total": 3, "text": ""})


CHANGES = [settle, pause, try_again, begin_another, begin_and_end_another, log, go_on]
SHOWN: dict[Callable[[Job], None], list[str]] = {
    settle: PLACES,
    pause: ["dashboard"],
    try_again: [],
    begin_another: ["dashboard", "jobs", "component"],
    begin_and_end_another: ["jobs", "component"],
    log: ["job"],
    go_on: [],
}
"""Where a change is to be seen."""
UNASKED = {(place, change) for place in PLACES if place != "job" for change in (log, go_on)}
UNASKED |= {("job", begin_another), ("job", begin_and_end_another)}
"""No tick looks for these there."""


@pytest.mark.parametrize(
    ("place", "happens"), [(place, each) for each in CHANGES for place in PLACES if (place, each) not in UNASKED]
)
def test_a_change_is_looked_for_by_the_next_tick_and_brought_where_it_is_seen(
    place: str, happens: Callable[[Job], None], run: Job, as_alice: Client
) -> None:
    watcher = Watcher(as_alice, address_of(place, run))
    with time_machine.travel(run.created_at + timedelta(minutes=5), tick=False):
        watcher.tick()
        before = watcher.revision
        happens(run)

        assert watcher.tick() == (200 if place in SHOWN[happens] else 204)
        assert (watcher.bytes > 0) == (place in SHOWN[happens])
        assert watcher.revision != before
        assert watcher.tick() == 204
        assert watcher.statements <= MOST_STATEMENTS


def test_the_log_of_a_single_job_is_watched(run: Job, as_alice: Client) -> None:
    child = run.children.get()
    watcher = Watcher(as_alice, reverse("job", args=[run.project_id, child.pk]))
    watcher.tick()
    assert watcher.tick() == 204

    log(run)

    assert watcher.tick() == 200


def test_what_is_asked_for_otherwise_is_never_taken_for_known(run: Job, as_alice: Client) -> None:
    watcher = Watcher(as_alice, address_of("jobs", run))
    watcher.tick()

    watcher.address += "?q=status%3Aerror"

    assert watcher.tick() == 200


def test_the_cursor_of_the_log_is_not_part_of_what_is_shown(run: Job, as_alice: Client) -> None:
    watcher = Watcher(as_alice, address_of("job", run))
    watcher.tick()

    watcher.address += "?after=1:0"

    assert watcher.tick() == 204


def test_what_is_not_asked_for_is_brought_all_the_same_now_and_then(
    run: Job, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(as_alice, address_of("orchestrations", run))
    watcher.tick()

    Configuration.objects.filter(pk=run.configuration_id).update(name="Hourly")

    assert watcher.tick() == 204
    monkeypatch.setattr(ticks, "RENEWED_SECONDS", 10**8)
    assert watcher.tick() == 200


@pytest.mark.parametrize("place", ["orchestrations", "jobs", "component", "configuration"])
def test_what_is_drawn_anew_and_is_the_same_is_not_sent_again(
    place: str, run: Job, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "RENEWED_SECONDS", RENEWED_SECONDS)
    watcher = Watcher(as_alice, address_of(place, run))
    with time_machine.travel(run.created_at + timedelta(minutes=5), tick=False) as clock:
        assert watcher.tick() == 200
        first = watcher.revision
        clock.shift(RENEWED_SECONDS)

        assert watcher.tick() == 204
    assert watcher.statements > MOST_STATEMENTS
    assert watcher.revision != first


@pytest.mark.parametrize("place", ["job", "jobs", "orchestration", "orchestrations"])
def test_a_change_of_thirty_tasks_is_small_on_the_way(
    place: str, project: Project, alice: User, as_alice: Client
) -> None:
    components = [builders.build_configuration(project, name=f"Orders {number}") for number in range(30)]
    tasks = [task(component, key=component.name) for component in components]
    run = build_job(builders.build_orchestration(project, tasks, name="Daily"), JobStatus.PROCESSING, created_by=alice)
    for component in components:
        build_log(build_child(run, component, component.name, JobStatus.PROCESSING), "a line")
    address = reverse(
        place, args=[project.pk, *{"orchestration": [run.configuration_id], "job": [run.pk]}.get(place, [])]
    )

    response = as_alice.get(address, headers={"HX-Request": "true", "Accept-Encoding": "gzip"})

    assert response["Content-Encoding"] == "gzip"
    assert b"hx-get" in gzip.decompress(response.content)
    assert len(response.content) < MOST_BYTES


def test_pages_are_packed_for_who_takes_it_and_nothing_else_is(run: Job, as_alice: Client) -> None:
    packed = {"Accept-Encoding": "gzip"}
    page = as_alice.get(address_of("jobs", run), headers=packed)
    plain = as_alice.get(address_of("jobs", run))
    description = as_alice.get(reverse("openapi"), headers=packed)
    log = as_alice.get(reverse("job-log-download", args=[run.project_id, run.pk]), headers=packed)

    assert page["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page["Vary"]
    assert "Content-Encoding" not in plain
    assert "Content-Encoding" not in description
    assert "Content-Encoding" not in log


def test_a_whole_page_is_never_answered_with_nothing(run: Job, as_alice: Client) -> None:
    watcher = Watcher(as_alice, address_of("jobs", run))
    watcher.tick()

    assert as_alice.get(watcher.address, headers={ticks.HEADER: watcher.revision}).status_code == 200


def test_the_end_of_a_job_is_told(run: Job, as_alice: Client) -> None:
    watcher = Watcher(as_alice, address_of("job", run))
    watcher.tick()
    Job.objects.filter(pk=run.pk).update(
        status=JobStatus.SUCCESS, started_at=run.created_at, finished_at=run.created_at
    )

    response = as_alice.get(watcher.address, headers={"HX-Request": "true", ticks.HEADER: watcher.revision})

    assert "job-settled" in response["HX-Trigger"]
