"""Pages ask the database a constant number of questions, and never for the large columns of many rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.models import Cluster
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job, build_log
from tests.pages.world import World

pytestmark = pytest.mark.django_db

STATUSES = [JobStatus.SUCCESS, JobStatus.ERROR, JobStatus.WARNING, JobStatus.TERMINATED, JobStatus.WAITING]
MANY = 20


@pytest.fixture(autouse=True)
def busy_cluster(db: None) -> None:
    now = timezone.now()
    Cluster.objects.create(owner="here", host="here", workers=1, started_at=now, heartbeat_at=now + timedelta(hours=1))


@pytest.fixture
def component(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Orders")


def count_queries(client: Client, address: str, **headers: str) -> tuple[int, str]:
    """How many, and their texts."""
    client.get(address, headers=headers)  # the plans of versions are kept after this
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(address, headers=headers)
        b"".join(response)  # also what is streamed
    assert response.status_code == 200
    return len(captured), "\n".join(query["sql"] for query in captured)


def add_orchestrations(project: Project, component: Configuration, alice: User, count: int) -> None:
    for number in range(count):
        orchestration = builders.build_orchestration(project, [task(component)])
        build_job(orchestration, STATUSES[number % 5], created_by=alice, message="What failed.")
        run = build_job(orchestration, JobStatus.PROCESSING, created_by=alice)
        build_child(run, component, "one", JobStatus.WAITING)
        builders.build_schedule(orchestration)
        builders.build_schedule(orchestration)


def test_the_overview(project: Project, component: Configuration, alice: User, as_alice: Client) -> None:
    address = reverse("orchestrations", args=[project.pk])
    add_orchestrations(project, component, alice, 1)
    of_one, _ = count_queries(as_alice, address)
    add_orchestrations(project, component, alice, MANY - 1)

    of_many, texts = count_queries(as_alice, address)

    assert of_many == of_one <= 17
    assert_no_large_columns(texts)


def test_the_runs_of_an_orchestration(
    project: Project, component: Configuration, alice: User, as_alice: Client
) -> None:
    orchestration = builders.build_orchestration(project, [task(component)])
    address = reverse("orchestration", args=[project.pk, orchestration.pk])
    build_job(orchestration, JobStatus.PROCESSING, created_by=alice)
    build_job(orchestration, JobStatus.WAITING, created_by=alice)
    of_few, _ = count_queries(as_alice, address)
    for number in range(MANY):
        build_job(orchestration, STATUSES[number % 5], created_by=alice)

    of_many, texts = count_queries(as_alice, address)

    # With its schedules, its trigger, and who is notified.
    assert of_many <= of_few <= 25
    assert_no_large_columns(texts)


def test_the_list_of_jobs(project: Project, alice: User, as_alice: Client) -> None:
    address = reverse("jobs", args=[project.pk])
    for configuration in [builders.build_configuration(project) for _ in range(2)]:
        build_job(configuration, JobStatus.PROCESSING, created_by=alice)
        build_job(configuration, JobStatus.WAITING, created_by=alice)
    build_job(builders.build_configuration(project), JobStatus.WAITING)
    of_few, _ = count_queries(as_alice, address)
    for number in range(MANY):
        build_job(builders.build_configuration(project), STATUSES[number % 5], created_by=alice)

    of_many, texts = count_queries(as_alice, address)

    assert of_many <= of_few <= 20
    assert_no_large_columns(texts)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "tick"])
def test_the_page_of_a_run(headers: dict[str, str], project: Project, alice: User, as_alice: Client) -> None:
    def build_run(count: int) -> str:
        components = [builders.build_configuration(project) for _ in range(count)]
        orchestration = builders.build_orchestration(
            project, [task(each, key=f"task-{number}") for number, each in enumerate(components)]
        )
        run = build_job(orchestration, JobStatus.PROCESSING, created_by=alice)
        for number, each in enumerate(components):
            build_job(each, JobStatus.SUCCESS)
            status = JobStatus.PROCESSING if number == 1 else JobStatus.WAITING
            build_log(build_child(run, each, f"task-{number}", status), "line")
        return reverse("job", args=[project.pk, run.pk]) + "?open=task-0&open=task-1"

    of_few, _ = count_queries(as_alice, build_run(2), **headers)
    of_many, texts = count_queries(as_alice, build_run(MANY), **headers)

    assert of_many <= of_few <= 34
    assert texts.count('"jobs_job"."result"') <= 1


def test_dialogs_and_downloads(world: World, as_alice: Client) -> None:
    address = [world.project.pk, world.failed_run.pk]

    run, _ = count_queries(as_alice, reverse("orchestration-run", args=[world.project.pk, world.orchestration.pk]))
    retry, _ = count_queries(as_alice, reverse("job-retry", args=address))
    terminate, _ = count_queries(as_alice, reverse("job-termination", args=[world.project.pk, world.waiting_run.pk]))
    log, _ = count_queries(as_alice, reverse("job-log", args=address))
    events, _ = count_queries(as_alice, reverse("job-events", args=address))
    download, _ = count_queries(as_alice, reverse("job-log-download", args=address))

    assert max(run, retry, terminate, log, events) <= 17
    assert download <= 8


def assert_no_large_columns(texts: str) -> None:
    for column in ('jobs_job"."request', 'jobs_job"."result', 'jobs_job"."only_task_keys",', '"."document'):
        assert column not in texts
