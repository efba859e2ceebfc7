"""What a live page asks every second: little when nothing has changed, everything when something has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from jobs.states import JobStatus
from jobs.views import ticks
from orchestrations.models import Project, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job, build_log

pytestmark = pytest.mark.django_db

PLACES = ["dashboard", "orchestrations", "orchestration", "jobs", "job", "component", "configuration"]
MOST_STATEMENTS = 6


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


@pytest.mark.parametrize(
    ("place", "happens"),
    [
        *[(place, settle) for place in PLACES],
        *[(place, pause) for place in PLACES],
        *[(place, try_again) for place in PLACES],
        *[(place, begin_another) for place in PLACES if place != "job"],
        *[(place, begin_and_end_another) for place in PLACES if place != "job"],
        ("job", log),
        ("job", go_on),
    ],
)
def test_a_change_is_brought_by_the_next_tick(
    place: str, happens: Callable[[Job], None], run: Job, as_alice: Client
) -> None:
    watcher = Watcher(as_alice, address_of(place, run))
    watcher.tick()
    happens(run)

    assert watcher.tick() == 200
    assert watcher.bytes > 0
    assert watcher.tick() == 204


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


def test_everything_is_drawn_anew_now_and_then(run: Job, as_alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(as_alice, address_of("job", run))
    watcher.tick()

    monkeypatch.setattr(ticks, "RENEWED_SECONDS", 10**8)

    assert watcher.tick() == 200


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
