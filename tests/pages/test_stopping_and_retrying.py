"""Terminating and retrying from the pages; the engine behind them has tests of its own."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.editing import Content
from tests import builders
from tests.builders import NOW, task
from tests.pages.rows import build_job
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
HTMX = {"HX-Request": "true"}


def test_terminating_asks_first_and_then_stops(world: World, as_alice: Client) -> None:
    address = reverse("job-termination", args=[world.project.pk, world.waiting_run.pk])

    question = as_alice.get(address).text
    response = as_alice.post(address)

    world.waiting_run.refresh_from_db()
    assert "It will be cancelled; nothing has been done yet." in question
    assert "Keep it waiting" in question
    assert response["Location"] == reverse("job", args=[world.project.pk, world.waiting_run.pk])
    assert (world.waiting_run.status, world.waiting_run.terminated_by) == (JobStatus.CANCELLED, "Alice")


def test_what_has_ended_is_not_terminated(world: World, as_alice: Client) -> None:
    response = as_alice.post(reverse("job-termination", args=[world.project.pk, world.failed_run.pk]), headers=HTMX)

    assert response.status_code == 422
    assert "has ended in error already" in response.text


def test_a_retry_checks_what_failed_and_what_was_not_executed(world: World, as_alice: Client) -> None:
    response = as_alice.get(reverse("job-retry", args=[world.project.pk, world.failed_run.pk]))

    choices = [task for phase in response.context["phases"] for task in phase.tasks]
    last_row = response.text.rpartition('<label class="thing"')[2]
    assert '<span class="muted">Not chosen</span>' in last_row
    assert "<code>run</code>" not in response.text
    assert [(choice.id, choice.is_checked, choice.last_status) for choice in choices] == [
        ("orders", False, "success"),
        ("broken", True, "error"),
        ("publish", True, "not-executed"),
        ("again", False, ""),
    ]


def test_a_retry_links_to_the_old_job_and_back(world: World, as_alice: Client) -> None:
    response = as_alice.post(reverse("job-retry", args=[world.project.pk, world.failed_run.pk]), {"task": ["broken"]})

    new = Job.objects.latest("pk")
    new_page = as_alice.get(response["Location"]).text
    old_page = as_alice.get(reverse("job", args=[world.project.pk, world.failed_run.pk])).text
    assert response["Location"] == reverse("job", args=[world.project.pk, new.pk])
    assert (new.only_task_keys, new.previous_job) == (["broken"], world.failed_run)
    assert f">job {new.pk}</a>" in old_page
    assert f">job {world.failed_run.pk}</a>" in new_page
    assert "Orchestrator job has been scheduled." in new_page


def test_a_retry_runs_the_orchestration_as_it_was_or_as_it_is_now(world: World, as_alice: Client) -> None:
    editing.update(
        world.orchestration,
        Content(document=builders.document([task(world.writer, key="new")])),
        actor=builders.admin_of(world.project),
        now=NOW,
        change_description="Start anew",
    )
    address = reverse("job-retry", args=[world.project.pk, world.failed_run.pk])

    now, was = as_alice.get(address), as_alice.get(address, {"as": "it-was"})
    as_alice.post(address, {"as": "it-was", "task": ["publish"]})

    assert [task.id for phase in now.context["phases"] for task in phase.tasks] == ["new"]
    assert [task.id for phase in was.context["phases"] for task in phase.tasks][:2] == ["orders", "broken"]
    assert "#2 Start anew" in now.text
    assert Job.objects.latest("pk").configuration_version == 1


def test_nothing_chosen_is_refused(world: World, as_alice: Client) -> None:
    response = as_alice.post(reverse("job-retry", args=[world.project.pk, world.failed_run.pk]), headers=HTMX)

    assert response.status_code == 422
    assert "choose at least one" in response.text


def test_what_has_not_ended_is_not_retried(world: World, as_alice: Client) -> None:
    address = reverse("job-retry", args=[world.project.pk, world.waiting_run.pk])

    assert as_alice.post(address, {"task": ["orders"]}).status_code == 422
    assert "has not ended yet" in as_alice.get(address).text


def test_the_job_of_a_component_is_retried_as_it_is(world: World, as_alice: Client) -> None:
    job = build_job(world.extractor, JobStatus.ERROR)
    address = reverse("job-retry", args=[world.project.pk, job.pk])

    text = as_alice.get(address).text
    as_alice.post(address)

    assert "Tasks to run" not in text
    assert Job.objects.latest("pk").previous_job == job


def test_a_job_whose_configuration_is_in_the_trash_says_so(world: World, as_alice: Client) -> None:
    editing.trash(world.orchestration, actor=builders.admin_of(world.project), now=NOW)

    response = as_alice.post(reverse("job-retry", args=[world.project.pk, world.failed_run.pk]), {"task": ["broken"]})

    assert response.status_code == 422
    assert "is in the trash" in response.text
