"""Orchestrations made, renamed, exported and imported on pages."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Orchestration, Project, Token
from orchestrations.views.creating import after_creation
from tests import builders
from tests.builders import NOW
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
HTMX = {"HX-Request": "true"}


def page_of(world: World, name: str) -> str:
    return reverse(name, args=[world.project.pk, world.orchestration.pk])


def test_a_name_is_all_a_new_one_needs(project: Project, as_alice: Client) -> None:
    response = as_alice.post(reverse("orchestration-new", args=[project.pk]), {"name": " Daily "})

    created = Orchestration.objects.get()
    assert response["Location"] == after_creation(created)
    assert (created.name, created.version) == ("Daily", 1)
    assert Token.objects.filter(orchestration=created).exists()


@pytest.mark.parametrize(("name", "sentence"), [("  ", "The name is missing."), ("x" * 256, "must have at most 255")])
def test_without_a_usable_name_nothing_is_made(name: str, sentence: str, project: Project, as_alice: Client) -> None:
    response = as_alice.post(reverse("orchestration-new", args=[project.pk]), {"name": name}, headers=HTMX)

    assert response.status_code == 422
    assert sentence in response.text
    assert "<html" not in response.text
    assert f'value="{name}"' in response.text
    assert not Orchestration.objects.exists()


def test_the_first_visit_explains_and_offers_both_ways(project: Project, as_alice: Client, as_bob: Client) -> None:
    address = reverse("orchestrations", args=[project.pk])

    text, of_bob = as_alice.get(address).text, as_bob.get(address).text

    assert "What are orchestrations" in text
    assert "New Orchestration" in text
    assert "Import one" in text
    assert "New Orchestration" not in of_bob


def test_name_and_description_are_one_version(world: World, as_alice: Client) -> None:
    typed = {"name": "Nightly", "description": "Line 1\r\nLine 2", "expected": "1"}

    response = as_alice.post(page_of(world, "orchestration-edit"), typed)

    row = Configuration.objects.get(pk=world.orchestration.pk)
    assert response["Location"] == page_of(world, "orchestration")
    assert (row.name, row.description, row.version) == ("Nightly", "Line 1\nLine 2", 2)


def test_saving_what_stands_there_is_no_version(world: World, as_alice: Client) -> None:
    typed = {"name": "Daily Sales Refresh", "description": "", "expected": "1"}

    as_alice.post(page_of(world, "orchestration-edit"), typed)

    assert Configuration.objects.get(pk=world.orchestration.pk).version == 1


def test_a_stale_edit_keeps_what_was_typed(world: World, as_alice: Client) -> None:
    actor = builders.admin_of(world.project)
    editing.update(world.orchestration, Content(name="Theirs"), actor=actor, now=NOW)
    typed = {"name": "Mine", "description": "", "expected": "1"}

    refused = as_alice.post(page_of(world, "orchestration-edit"), typed)
    again = as_alice.post(page_of(world, "orchestration-edit"), {**typed, "expected": refused.context["expected"]})

    assert refused.status_code == 422
    assert "Its name is “Theirs” now." in refused.text
    assert 'value="Mine"' in refused.text
    assert again.status_code == 302
    assert Configuration.objects.get(pk=world.orchestration.pk).name == "Mine"


@pytest.mark.parametrize(("target", "begins"), [("heading", '<header id="heading"'), ("dialog", "<dialog")])
def test_the_form_takes_the_place_it_is_asked_for(target: str, begins: str, world: World, as_alice: Client) -> None:
    text = as_alice.get(page_of(world, "orchestration-edit"), headers={**HTMX, "HX-Target": target}).text

    assert text.lstrip().startswith(begins)


def test_an_export_is_a_download(world: World, as_bob: Client) -> None:
    response = as_bob.get(page_of(world, "orchestration-export"))

    assert response["Content-Disposition"] == 'attachment; filename="daily-sales-refresh.json"'
    assert json.loads(response.text)["name"] == "Daily Sales Refresh"


@pytest.mark.parametrize("as_file", [True, False])
def test_an_export_is_imported_again(as_file: bool, world: World, as_alice: Client) -> None:
    text = as_alice.get(page_of(world, "orchestration-export")).text
    given = {"file": SimpleUploadedFile("daily.json", text.encode())} if as_file else {"text": text}

    response = as_alice.post(
        reverse("orchestration-import", args=[world.project.pk]), {**given, "name": "Second"}, follow=True
    )

    imported = Orchestration.objects.get(name="Second")
    assert "Second imported." in response.text
    assert imported.document == Configuration.objects.get(pk=world.orchestration.pk).document


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Choose a file, or paste what is in it."),
        ("{", "Invalid JSON in line 1, column 2"),
        ("[]", "A JSON object is expected"),
        ('{"configuration": {"phases": [{"name": "no id"}]}}', "configuration.phases[0].id: expected an id"),
    ],
)
def test_what_cannot_be_imported_is_told_by_its_place(text: str, sentence: str, world: World, as_alice: Client) -> None:
    address = reverse("orchestration-import", args=[world.project.pk])

    response = as_alice.post(address, {"text": text, "name": "Kept"})

    assert response.status_code == 422
    assert sentence in response.text
    assert 'value="Kept"' in response.text
    assert not Orchestration.objects.filter(name="Kept").exists()
