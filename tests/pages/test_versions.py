"""Versions of a configuration: the list, two compared, one restored, one copied as new."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration
from tests import builders
from tests.builders import NOW
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "dialog"}


def save(configuration: Configuration, change: Callable[[dict[str, Any]], None], **fields: Any) -> None:
    configuration.refresh_from_db()
    document = copy.deepcopy(configuration.document)
    change(document)
    actor = builders.admin_of(configuration.project)
    editing.update(configuration, Content(document=document, **fields), actor=actor, now=NOW)


def url(name: str, configuration: Configuration, *more: int) -> str:
    return reverse(name, args=[configuration.project_id, configuration.pk, *more])


@pytest.fixture
def changed(world: World) -> Configuration:
    """Version 2 switched a task off, version 3 renamed the orchestration."""
    save(world.orchestration, lambda document: document["tasks"][0].update(enabled=False))
    save(world.orchestration, lambda document: None, name="Nightly Sales Refresh")
    world.orchestration.refresh_from_db()
    return world.orchestration


def test_versions_are_listed_newest_first_and_the_last_is_current(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.get(url("versions", changed))

    rows = response.context["versions"]
    assert [(row["number"], row["is_current"]) for row in rows] == [(3, True), (2, False), (1, False)]
    assert response.context["chosen"] == {"from": 2, "to": 3}
    assert rows[0]["restore_url"] == ""
    assert rows[2]["changes_url"] == ""


def test_a_viewer_may_compare_but_is_offered_no_change(changed: Configuration, as_bob: Client) -> None:
    text = as_bob.get(url("versions", changed)).text + as_bob.get(url("version-compare", changed)).text

    assert "Compare" in text
    assert "restoration" not in text
    assert "copy/" not in text


def test_hundreds_of_versions_are_shown_part_by_part(world: World, as_alice: Client) -> None:
    save(world.extractor, lambda document: None)
    newest = world.extractor.versions.get(version=2)
    for newest.version in range(3, 121):
        newest.pk = None
        newest.save(force_insert=True)
    Configuration.objects.filter(pk=world.extractor.pk).update(version=newest.version)

    pages = [as_alice.get(url("versions", world.extractor)).context]
    while pages[-1]["older_url"]:
        pages.append(as_alice.get(pages[-1]["older_url"]).context)
    back = as_alice.get(pages[-1]["newer_url"]).context

    assert [row["number"] for page in pages for row in page["versions"]] == list(range(120, 0, -1))
    assert [row["number"] for row in back["versions"]] == list(range(70, 20, -1))
    assert pages[0]["newer_url"] == ""


def test_a_page_beyond_the_first_version_is_empty(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.get(url("versions", changed), {"before": "1"})

    assert response.status_code == 200
    assert response.context["versions"] == []


def test_any_two_versions_are_compared(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.get(url("version-compare", changed), {"from": "1", "to": "3"})
    backwards = as_alice.get(response.context["swap_url"])

    assert [change.sentence for change in response.context["changes"]] == [
        "Renamed from “Daily Sales Refresh” to “Nightly Sales Refresh”.",
        "Task “Orders” was switched off.",
    ]
    assert "Task “Orders” was switched on." in backwards.text


def test_without_a_choice_the_latest_change_is_shown(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.get(url("version-compare", changed))

    assert (response.context["old"]["number"], response.context["new"]["number"]) == (2, 3)


@pytest.mark.parametrize("choice", [{"from": "9"}, {"to": "0"}, {"from": "x"}, {"to": "9" * 30}])
def test_an_unknown_version_is_not_found(choice: dict[str, str], changed: Configuration, as_alice: Client) -> None:
    assert as_alice.get(url("version-compare", changed), choice).status_code == 404


def test_comparing_a_version_with_itself_asks_for_two(changed: Configuration, as_alice: Client) -> None:
    assert "Twice the same version" in as_alice.get(url("version-compare", changed), {"from": "2", "to": "2"}).text


def test_no_comparison_shows_a_secret(world: World, as_alice: Client) -> None:
    for secret in ("first secret", "second secret"):
        environment = {"environment": {"#TOKEN": secret}}
        save(world.extractor, lambda document, given=environment: document["parameters"].update(given))

    text = as_alice.get(url("version-compare", world.extractor), {"from": "1", "to": "3"}).text
    again = as_alice.get(url("version-compare", world.extractor), {"from": "2", "to": "3"}).text

    assert "parameters.environment was added." in text
    assert "parameters.environment.#TOKEN changed." in again
    assert "secret" not in text + again
    assert "tutti:v1" not in text + again


def test_restoring_asks_with_what_would_change(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.get(url("version-restore", changed, 1), headers=HTMX)

    assert "<html" not in response.text
    assert "Task “Orders” was switched on." in response.text


def test_restoring_saves_the_old_content_as_the_newest_version(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.post(url("version-restore", changed, 1), {"expected": "3"}, follow=True)

    changed.refresh_from_db()
    assert (changed.version, changed.name) == (4, "Daily Sales Refresh")
    assert changed.document == changed.versions.get(version=1).document
    assert "Version 1 restored as version 4." in response.text


def test_restoring_what_cannot_be_any_more_is_refused(world: World, as_alice: Client) -> None:
    save(world.orchestration, lambda document: document.update(tasks=[]))
    actor = builders.admin_of(world.project)
    editing.trash(world.extractor, actor=actor, now=NOW)
    editing.purge(world.extractor, actor=actor)

    response = as_alice.post(url("version-restore", world.orchestration, 1), {"expected": "2"})

    assert response.status_code == 422
    assert "there is no configuration" in response.text
    assert Configuration.objects.get(pk=world.orchestration.pk).version == 2


def test_restoring_over_a_newer_save_is_refused(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.post(url("version-restore", changed, 1), {"expected": "2"})

    assert response.status_code == 422
    assert "Somebody saved meanwhile: the newest version is 3." in response.text


def test_a_version_is_copied_as_new(changed: Configuration, as_alice: Client) -> None:
    form = as_alice.get(url("configuration-copy", changed), {"version": "1"})
    response = as_alice.post(url("configuration-copy", changed), {"version": "1", "name": "A copy"})

    copied = Configuration.objects.get(name="A copy")
    assert form.context["name"] == "Daily Sales Refresh (copy)"
    assert response["Location"] == url("orchestration", copied)
    assert copied.document == changed.versions.get(version=1).document


def test_a_copy_needs_a_name(changed: Configuration, as_alice: Client) -> None:
    response = as_alice.post(url("configuration-copy", changed), {"name": "  "}, headers=HTMX)

    assert response.status_code == 422
    assert "The name is missing." in response.text
    assert 'aria-describedby="name-error"' in response.text
