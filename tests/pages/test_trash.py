"""The trash: in, out again, and gone for good."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.models import Configuration, Project, Role
from tests import builders
from tests.builders import NOW, task
from tests.pages.conftest import log_in
from tests.pages.rows import build_job
from tests.pages.test_budgets import count_queries
from tests.pages.world import World

pytestmark = pytest.mark.django_db


def url(name: str, configuration: Configuration) -> str:
    return reverse(name, args=[configuration.project_id, configuration.pk])


def trash_of(project: Project) -> str:
    return reverse("trash", args=[project.pk])


def test_moving_to_the_trash_says_who_would_miss_it(world: World, as_alice: Client) -> None:
    build_job(world.extractor, JobStatus.PROCESSING)

    text = as_alice.get(url("configuration-trash", world.extractor)).text

    assert "A task of <b>Daily Sales Refresh</b> runs it." in text
    assert "1 job of it has not ended and goes on." in text
    assert Configuration.objects.get(pk=world.extractor.pk).deleted_at is None


def test_what_nobody_uses_is_asked_for_without_a_warning(world: World, as_alice: Client) -> None:
    unused = builders.build_configuration(world.project)

    text = as_alice.get(url("configuration-trash", unused)).text

    assert "Jobs of such a task" not in text
    assert "not ended" not in text


def test_it_moves_to_the_trash_with_the_name_of_who_did_it(world: World, as_alice: Client) -> None:
    response = as_alice.post(url("configuration-trash", world.orchestration), follow=True)

    row = as_alice.get(trash_of(world.project)).context["rows"][0]
    assert "Moved to trash." in response.text
    assert (row["name"], str(row["deleted_by"]), row["is_busy"]) == ("Daily Sales Refresh", "Alice", True)


def test_it_comes_back_from_the_trash(world: World, as_alice: Client) -> None:
    response = as_alice.post(url("configuration-restore", world.trashed), follow=True)

    world.trashed.refresh_from_db()
    assert (world.trashed.deleted_at, world.trashed.deleted_by) == (None, None)
    assert "is back from the trash." in response.text
    assert "The trash is empty" in response.text


def test_a_restore_that_would_close_a_circle_is_refused(world: World, as_alice: Client) -> None:
    first = builders.build_orchestration(world.project, name="First")
    second = builders.build_orchestration(world.project, [task(first)], name="Second")
    actor = builders.admin_of(world.project)
    editing.trash(second, actor=actor, now=NOW)
    editing.update(first, editing.Content(document=builders.document([task(second)])), actor=actor, now=NOW)

    response = as_alice.post(url("configuration-restore", second))

    assert response.status_code == 422
    assert "would run each other in a circle" in response.text
    assert Configuration.objects.get(pk=second.pk).deleted_at is not None


def test_it_is_removed_for_good(world: World, as_alice: Client) -> None:
    question = as_alice.get(url("configuration-purge", world.trashed))
    response = as_alice.post(url("configuration-purge", world.trashed), follow=True)

    assert "This cannot be undone." in question.text
    assert "Thrown away is removed for good." in response.text
    assert not Configuration.objects.filter(pk=world.trashed.pk).exists()


def test_what_has_unsettled_jobs_stays(world: World, as_alice: Client) -> None:
    build_job(world.trashed, JobStatus.WAITING)

    response = as_alice.post(url("configuration-purge", world.trashed))

    assert response.status_code == 422
    assert "have not settled yet" in response.text
    assert Configuration.objects.filter(pk=world.trashed.pk).exists()


def test_an_editor_restores_but_does_not_remove_for_good(world: World) -> None:
    as_erin = log_in(builders.build_member(world.project, "erin@example.org", Role.EDITOR))

    text = as_erin.get(trash_of(world.project)).text

    assert url("configuration-restore", world.trashed) in text
    assert url("configuration-purge", world.trashed) not in text
    assert as_erin.post(url("configuration-purge", world.trashed)).status_code == 403


@pytest.mark.parametrize("name", ["configuration-restore", "configuration-purge"])
def test_what_is_not_in_the_trash_is_not_found_there(name: str, world: World, as_alice: Client) -> None:
    assert as_alice.post(url(name, world.extractor)).status_code == 404


def test_what_is_in_the_trash_has_no_versions_page(world: World, as_alice: Client) -> None:
    assert as_alice.get(url("versions", world.trashed)).status_code == 404


def test_a_full_trash_has_pages(world: World, as_alice: Client) -> None:
    actor = builders.admin_of(world.project)
    for _ in range(60):
        editing.trash(builders.build_configuration(world.project), actor=actor, now=NOW)

    first = as_alice.get(trash_of(world.project)).context
    second = as_alice.get(first["older_url"]).context
    beyond = as_alice.get(trash_of(world.project), {"page": "9"})

    assert len({row["id"] for row in [*first["rows"], *second["rows"]]}) == 61
    assert (second["older_url"], first["newer_url"]) == ("", "")
    assert "Nothing on this page" in beyond.text


def test_lists_ask_a_constant_number_of_questions(world: World, as_alice: Client) -> None:
    trash, versions = trash_of(world.project), url("versions", world.extractor)
    of_few = [count_queries(as_alice, address)[0] for address in (trash, versions)]
    actor = builders.admin_of(world.project)
    for _ in range(40):
        editing.trash(builders.build_configuration(world.project), actor=actor, now=NOW)
        editing.update(world.extractor, editing.Content(description="Another"), actor=actor, now=NOW)

    of_many = [count_queries(as_alice, address) for address in (trash, versions)]

    assert [count for count, _ in of_many] == of_few
    assert not any('"."document"' in texts for _, texts in of_many)
