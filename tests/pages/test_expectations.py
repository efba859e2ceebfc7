"""How long a choice of tasks should take, as the dialogs say it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.queries.expectations import seconds_of
from orchestrations import plans
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import task
from tests.pages.rows import build_job
from tests.pages.world import World

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true", "HX-Target": "expectation"}


def build_usual(configuration: Configuration, seconds: float) -> None:
    started_at = timezone.now() - timedelta(days=1)
    build_job(configuration, started_at=started_at, finished_at=started_at + timedelta(seconds=seconds))


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    components = {name: builders.build_configuration(project, name=name) for name in ("Orders", "Customers", "Publish")}
    build_usual(components["Orders"], 60)
    build_usual(components["Customers"], 300)
    build_usual(components["Publish"], 120)
    new = builders.build_configuration(project, name="New")
    return builders.build_orchestration(
        project,
        [task(components["Orders"], key="orders"), task(components["Customers"], key="customers")],
        [task(components["Publish"], key="publish"), task(new, key="new", enabled=False)],
    )


@pytest.fixture
def address(orchestration: Configuration) -> str:
    return reverse("orchestration-run", args=[orchestration.project_id, orchestration.pk])


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ([], "choose at least one"),
        (["orders"], "usually 1 min"),
        (["orders", "customers"], "usually 5 min"),
        (["orders", "customers", "publish"], "usually 7 min"),
        (["orders", "publish", "new"], "at least 3 min: 1 has not run yet"),
        (["new"], "none has run yet, so how long is not known"),
        (["gone"], "choose at least one"),
    ],
)
def test_the_choice_is_told_its_length(chosen: list[str], words: str, address: str, as_alice: Client) -> None:
    response = as_alice.get(address, {"task": chosen}, headers=PART)

    assert response.context["expectation"].words == words
    assert response.text.strip().startswith('<span class="first sub" id="expectation"')


def test_all_active_tasks_take_as_long_as_the_orchestration_usually_does(
    orchestration: Configuration, address: str, as_alice: Client
) -> None:
    build_usual(orchestration, 540)

    assert "4 tasks, usually 9 min" in as_alice.get(address).text


def test_tasks_may_be_chosen_by_the_address(address: str, as_alice: Client) -> None:
    context = as_alice.get(address, {"task": ["publish"]}).context

    assert [choice.id for phase in context["phases"] for choice in phase.tasks if choice.is_checked] == ["publish"]
    assert context["expectation"].words == "usually 2 min"


def test_a_retry_says_it_too(world: World, as_alice: Client) -> None:
    build_usual(world.writer, 60)
    address = reverse("job-retry", args=[world.project.pk, world.failed_run.pk])

    page = as_alice.get(address).context["expectation"]
    part = as_alice.get(address, {"task": ["publish"]}, headers=PART).context["expectation"]

    assert (page.checked_count, page.words) == (2, "at least 1 min: 1 has not run yet")
    assert (part.checked_count, part.words) == (1, "usually 1 min")


def test_an_orchestration_without_tasks_has_nothing_to_run(project: Project, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project)
    address = reverse("orchestration-run", args=[project.pk, orchestration.pk])

    text = as_alice.get(address).text

    assert "It has no tasks yet, so there is nothing to run." in text
    assert 'type="submit">' not in text
    assert as_alice.post(address).status_code == 422


def test_a_phase_takes_as_long_as_its_slowest_task() -> None:
    first, second = ({"id": key, "name": key} for key in ("a", "b"))
    command = {"componentId": "command", "configId": "1"}
    document = {
        "phases": [first, second],
        "tasks": [{"id": name, "phase": name[0], "task": command} for name in ("a1", "a2", "b1")],
    }
    plan = plans.parse(document)

    assert seconds_of(plan, {"a1": 5.0, "a2": 7.0, "b1": 1.0}) == 8.0
    assert seconds_of(plan, {"a1": 5.0}) == 5.0
    assert seconds_of(plan, {}) is None
