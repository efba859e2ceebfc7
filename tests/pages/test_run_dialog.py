"""Running an orchestration by hand: what the dialog offers, and what it does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from jobs.models import Cause, Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.editing import Content
from orchestrations.models import User
from tests import builders
from tests.builders import NOW
from tests.pages.rows import build_job
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def address(world: World) -> str:
    return reverse("orchestration-run", args=[world.project.pk, world.orchestration.pk])


def test_active_tasks_are_checked_and_inactive_ones_can_be(address: str, as_alice: Client) -> None:
    context = as_alice.get(address).context

    choices = [task for phase in context["phases"] for task in phase.tasks]
    assert {choice.id: choice.is_checked for choice in choices} == {
        "orders": True,
        "broken": True,
        "publish": True,
        "again": False,
    }
    assert (context["expectation"].checked_count, context["expectation"].task_count) == (3, 4)


def test_a_phase_and_everything_after_it_is_a_link(address: str, as_alice: Client) -> None:
    link = as_alice.get(address).context["phases"][1].from_url

    choices = [task for phase in as_alice.get(link).context["phases"] for task in phase.tasks]

    assert [choice.id for choice in choices if choice.is_checked] == ["broken", "publish"]


def test_the_dialog_and_the_page_are_one_address(address: str, as_alice: Client) -> None:
    page, dialog = as_alice.get(address), as_alice.get(address, headers=HTMX)

    assert "<html" in page.text
    assert dialog.text.lstrip().startswith("<dialog")
    assert "HX-Request" in dialog["Vary"]


def test_it_says_what_the_run_would_wait_for_and_how_long_it_takes(
    address: str, world: World, as_alice: Client
) -> None:
    build_job(world.orchestration, JobStatus.SUCCESS)
    older = build_job(world.orchestration, JobStatus.PROCESSING)

    text = as_alice.get(address).text

    assert f"Job {older.pk}</a> of the same orchestration is processing since" in text
    assert "usually 1 min" in text


def test_running_all_active_tasks_is_no_partial_run(address: str, world: World, alice: User, as_alice: Client) -> None:
    response = as_alice.post(address, {"task": ["orders", "broken", "publish"]})

    job = Job.objects.latest("pk")
    assert response["Location"] == reverse("orchestration", args=[world.project.pk, world.orchestration.pk])
    assert (job.only_task_keys, job.cause, job.created_by) == (None, Cause.PERSON, alice)
    assert messages_of(response) == [
        f'Orchestrator job has been scheduled. <a href="/projects/{world.project.pk}/jobs/{job.pk}/">Job {job.pk}</a>'
    ]


def test_a_choice_of_tasks_is_a_partial_run(address: str, as_alice: Client) -> None:
    response = as_alice.post(address, {"task": ["again"]}, headers=HTMX)

    assert (response.status_code, response["HX-Redirect"]) == (204, address.removesuffix("run/"))
    assert Job.objects.latest("pk").only_task_keys == ["again"]


@pytest.mark.parametrize(
    ("tasks", "sentence"), [([], "choose at least one"), (["gone"], "There is no task &#x27;gone&#x27;")]
)
def test_a_refused_choice_comes_back_with_the_form(
    tasks: list[str], sentence: str, address: str, as_alice: Client
) -> None:
    before = Job.objects.count()

    response = as_alice.post(address, {"task": tasks}, headers=HTMX)

    assert response.status_code == 422
    assert response.text.lstrip().startswith("<dialog")
    assert sentence in response.text
    assert Job.objects.count() == before


def test_a_disabled_orchestration_says_so_and_runs_by_hand(address: str, world: World, as_alice: Client) -> None:
    editing.set_enabled(world.orchestration, False, actor=builders.admin_of(world.project), now=NOW)

    text = as_alice.get(address).text
    response = as_alice.post(address, {"task": ["orders"]})

    assert "This orchestration is disabled." in text
    assert response.status_code == 302
    assert Job.objects.latest("pk").configuration == world.orchestration


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_a_task_that_came_while_the_dialog_was_open_is_not_left_out_unseen(
    world: World, alice: User, as_alice: Client
) -> None:
    address = reverse("orchestration-run", args=[world.project.pk, world.orchestration.pk])
    form = {"task": ["orders", "broken", "publish"], "version": str(world.orchestration.version)}
    editing.update(world.orchestration, Content(description="Changed"), actor=Actor(user=alice), now=builders.NOW)

    refused = as_alice.post(address, form)
    accepted = as_alice.post(address, {**form, "version": str(world.orchestration.version + 1)})

    assert refused.status_code == 422
    assert "was changed while this was open" in refused.text
    assert f'name="version" value="{world.orchestration.version + 1}"' in refused.text
    assert accepted.status_code == 302
