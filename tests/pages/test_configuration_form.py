"""Making and editing a configuration: by its form and as JSON; nothing is lost, and no secret is shown."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from orchestrations import editing
from orchestrations.documents import secrets_scope
from orchestrations.editing import Content
from orchestrations.lib.secrets import decrypt_document
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
HTMX = {"HX-Request": "true"}
SECRET = "hush-hush-hush"


@pytest.fixture
def new_url(project: Project) -> str:
    return reverse("configuration-new", args=[project.pk, "command"])


@pytest.fixture
def export(project: Project) -> Configuration:
    return builders.build_configuration(
        project,
        name="Export",
        document={
            "parameters": {
                "command": ["sh", "-c", "\necho one\r\necho two"],
                "environment": {"ZONE": "eu", "#TOKEN": SECRET},
                "timeout_seconds": 600,
            },
            "storage": {"output": {"tables": []}},
        },
    )


@pytest.fixture
def edit_url(export: Configuration) -> str:
    return reverse("configuration-edit", args=[export.project_id, export.pk])


def test_the_form_makes_a_configuration(new_url: str, project: Project, as_alice: Client) -> None:
    form = form_of(as_alice.get(new_url).text)
    form = form_of(as_alice.post(new_url, form | {"p/command/0": "echo", "action": "add:p/command"}).text)
    form = form_of(as_alice.post(new_url, form | {"p/command/1": "hello", "action": "add:p/environment"}).text)
    form |= {"name": " Greeting ", "p/environment/0:key": "#TOKEN", "p/environment/0": SECRET}

    response = as_alice.post(new_url, form | {"p/timeout_seconds": "2.5", "action": "save"})

    made = Configuration.objects.get(name="Greeting")
    assert response["Location"] == reverse("configuration", args=[project.pk, made.pk])
    assert revealed(made) == {
        "parameters": {"command": ["echo", "hello"], "environment": {"#TOKEN": SECRET}, "timeout_seconds": 2.5}
    }
    assert SECRET not in json.dumps(made.document)


def test_a_secret_that_was_typed_outlives_a_refusal_without_being_shown(new_url: str, as_alice: Client) -> None:
    form = form_of(as_alice.post(new_url, {"action": "add:p/environment"}).text)
    form |= {"p/environment/0:key": "#TOKEN", "p/environment/0": SECRET, "action": "save"}

    refused = as_alice.post(new_url, form)
    saved = as_alice.post(
        new_url, form_of(refused.text) | {"name": "Greeting", "p/command/0": "true", "action": "save"}
    )

    assert refused.status_code == 422
    assert SECRET not in refused.text
    assert "Typed, not saved yet." in refused.text
    assert saved.status_code == 302
    assert revealed(Configuration.objects.get(name="Greeting"))["parameters"]["environment"] == {"#TOKEN": SECRET}


def test_everything_wrong_is_said_at_its_field(new_url: str, as_alice: Client) -> None:
    form = form_of(as_alice.get(new_url).text) | {"p/timeout_seconds": "-4", "action": "save"}

    response = as_alice.post(new_url, form)

    errors = errors_of(response.text)
    assert response.status_code == 422
    assert errors == {
        "name": "Give it a name.",
        "p/command": "It is required.",
        "p/timeout_seconds": "It must be more than 0.",
    }
    assert form_of(response.text)["p/timeout_seconds"] == "-4"
    assert "p/command/0" in form_of(response.text)


def test_what_is_no_number_is_kept_and_said(new_url: str, as_alice: Client) -> None:
    form = form_of(as_alice.get(new_url).text) | {"name": "A", "p/timeout_seconds": "soon", "action": "save"}

    text = as_alice.post(new_url, form).text

    assert errors_of(text) == {"p/timeout_seconds": "Expected a number."}
    assert form_of(text)["p/timeout_seconds"] == "soon"


def test_an_empty_draft_needs_only_a_name(new_url: str, as_alice: Client) -> None:
    refused = as_alice.post(new_url, {"name": "", "action": "empty"})
    response = as_alice.post(new_url, {"name": "Later", "action": "empty"})

    assert (refused.status_code, response.status_code) == (422, 302)
    assert Configuration.objects.get(name="Later").document == {}


def test_a_form_sent_back_as_it_was_drawn_changes_no_value(
    edit_url: str, export: Configuration, as_alice: Client
) -> None:
    page = as_alice.get(edit_url).text

    response = as_alice.post(edit_url, form_of(page) | {"action": "save"})

    assert response.status_code == 302
    before, after = export.document, reloaded(export).document
    assert after == before
    assert reloaded(export).version == 2
    assert "tutti:v1" not in page and SECRET not in page


def test_items_are_moved_and_removed_by_buttons(edit_url: str, export: Configuration, as_alice: Client) -> None:
    form = form_of(as_alice.get(edit_url).text)
    form = form_of(as_alice.post(edit_url, form | {"action": "down:p/command/0"}, headers=HTMX).text)
    form = form_of(as_alice.post(edit_url, form | {"action": "up:p/command/2"}, headers=HTMX).text)
    form = form_of(as_alice.post(edit_url, form | {"action": "remove:p/environment/0"}, headers=HTMX).text)

    response = as_alice.post(edit_url, form | {"action": "save"}, headers=HTMX)

    assert response["HX-Redirect"] == reverse("configuration", args=[export.project_id, export.pk])
    assert revealed(reloaded(export))["parameters"] == {
        "command": ["-c", "\necho one\r\necho two", "sh"],
        "environment": {"#TOKEN": SECRET},
        "timeout_seconds": 600,
    }


def test_a_secret_is_renamed_but_never_made_readable(edit_url: str, export: Configuration, as_alice: Client) -> None:
    form = form_of(as_alice.get(edit_url).text)

    refused = as_alice.post(edit_url, form | {"p/environment/1:key": "TOKEN", "action": "save"})
    as_alice.post(edit_url, form | {"p/environment/1:key": "#KEY", "action": "save"})

    assert errors_of(refused.text)["p/environment/1"].startswith("Type the value again")
    assert "tutti:v1" not in refused.text
    assert revealed(reloaded(export))["parameters"]["environment"] == {"ZONE": "eu", "#KEY": SECRET}


def test_what_the_form_does_not_know_stays(edit_url: str, export: Configuration, as_alice: Client) -> None:
    form = form_of(as_alice.get(edit_url).text)

    as_alice.post(edit_url, form | {"p/timeout_seconds": "", "action": "save", "change": "No limit any more"})

    saved = reloaded(export)
    assert saved.document["storage"] == {"output": {"tables": []}}
    assert "timeout_seconds" not in saved.document["parameters"]
    assert saved.versions.get(version=2).change_description == "No limit any more"


def test_raw_json_hides_secrets_and_keeps_them(edit_url: str, export: Configuration, as_alice: Client) -> None:
    form = form_of(as_alice.get(f"{edit_url}?as=json").text)
    typed = json.loads(form["document"])
    assert typed["parameters"]["environment"]["#TOKEN"] == "*****"
    typed["parameters"]["environment"]["ZONE"] = "us"

    response = as_alice.post(f"{edit_url}?as=json", form | {"document": json.dumps(typed), "action": "save"})

    assert response.status_code == 302
    assert revealed(reloaded(export))["parameters"]["environment"] == {"ZONE": "us", "#TOKEN": SECRET}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "parameters": {,}\n}', "Invalid JSON in line 2, column 18"),
        ("[]", "A JSON object is expected"),
        ('{"parameters": {"command": "echo"}}', "parameters.command: expected a list of words."),
        ('{"parameters": {"command": ["a"], "environment": {"#X": "*****"}}}', "nothing is stored for it"),
    ],
)
def test_raw_json_is_refused_with_line_and_column_and_kept(
    text: str, sentence: str, edit_url: str, export: Configuration, as_alice: Client
) -> None:
    response = as_alice.post(f"{edit_url}?as=json", {"name": "Export", "document": text, "base": "1", "action": "save"})

    assert response.status_code == 422
    assert sentence in errors_of(response.text)["document"]
    assert form_of(response.text)["document"] == text
    assert reloaded(export).version == 1


def test_a_stale_save_shows_both_and_can_be_put_over(
    edit_url: str, export: Configuration, project: Project, as_alice: Client
) -> None:
    form = form_of(as_alice.get(edit_url).text) | {"p/command/0": "bash", "action": "save"}
    theirs = {"parameters": {"command": ["theirs"]}}
    editing.update(export, Content(document=theirs), actor=builders.admin_of(project), now=NOW)

    refused = as_alice.post(edit_url, form)
    again = form_of(refused.text)
    saved = as_alice.post(edit_url, again | {"action": "overwrite"})

    assert refused.status_code == 422
    assert "Somebody saved meanwhile: version 2 by Alice" in refused.text
    assert "theirs" in refused.text
    assert again["p/command/0"] == "bash"
    assert saved.status_code == 302
    assert revealed(reloaded(export))["parameters"]["command"] == ["bash", "-c", "\necho one\r\necho two"]
    assert revealed(reloaded(export))["parameters"]["environment"]["#TOKEN"] == SECRET


def test_defaults_of_the_component_are_filled_in(
    project: Project, settings: Any, tmp_path: Path, as_alice: Client
) -> None:
    declare(tmp_path, settings, schema=WEATHER, defaults={"city": "Prague", "units": "metric"})
    url = reverse("configuration-new", args=[project.pk, "acme.weather"])

    form = form_of(as_alice.get(url).text)
    as_alice.post(url, form | {"name": "Sky", "p/%23key": SECRET, "p/days/on": "true", "action": "save"})

    assert (form["p/city"], form["p/units"]) == ("Prague", '"metric"')
    assert revealed(Configuration.objects.get(name="Sky"))["parameters"] == {
        "city": "Prague",
        "units": "metric",
        "#key": SECRET,
        "days": {"on": True},
    }


def test_a_stored_secret_is_cleared_only_when_asked(
    project: Project, settings: Any, tmp_path: Path, as_alice: Client
) -> None:
    declare(tmp_path, settings, schema=WEATHER, defaults={})
    document = {"parameters": {"city": "Brno", "#key": SECRET}}
    sky = builders.build_configuration(project, component_id="acme.weather", name="Sky", document=document)
    url = reverse("configuration-edit", args=[project.pk, sky.pk])

    as_alice.post(url, form_of(as_alice.get(url).text) | {"action": "save"})
    kept = revealed(reloaded(sky))["parameters"]
    as_alice.post(url, form_of(as_alice.get(url).text) | {"p/%23key:clear": "1", "action": "save"})

    assert kept == {"city": "Brno", "#key": SECRET}
    assert revealed(reloaded(sky))["parameters"] == {"city": "Brno"}


WEATHER = {
    "type": "object",
    "required": ["city"],
    "properties": {
        "city": {"type": "string", "title": "City", "minLength": 1},
        "units": {"enum": ["metric", "imperial"]},
        "#key": {"type": "string", "title": "Key"},
        "days": {"type": "object", "properties": {"on": {"type": "boolean"}, "count": {"type": "integer"}}},
    },
}


def declare(tmp_path: Path, settings: Any, **fields: Any) -> None:
    folder = tmp_path / "own" / "weather"
    folder.mkdir(parents=True)
    declaration = {"id": "acme.weather", "name": "Weather", "kind": "extractor", "command": ["weather"], **fields}
    (folder / "component.json").write_text(json.dumps(declaration), encoding="utf-8")
    settings.COMPONENTS_DIR = folder.parent


def reloaded(configuration: Configuration) -> Configuration:
    return Configuration.objects.get(pk=configuration.pk)


def revealed(configuration: Configuration) -> Any:
    scope = secrets_scope(configuration.project_id)
    return decrypt_document(configuration.document, scope, django_settings.ENCRYPTION_KEYS)[0]


def form_of(text: str) -> dict[str, Any]:
    """What a browser would send of the form on this page, without a button."""
    reader = FormReader()
    reader.feed(text)
    return reader.values


def errors_of(text: str) -> dict[str, str]:
    reader = FormReader()
    reader.feed(text)
    return reader.errors


class FormReader(HTMLParser):
    """The inputs of #configuration-form, and what is said at them."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.errors: dict[str, str] = {}
        self.is_inside = False
        self.area = self.select = self.error = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.is_inside = self.is_inside or found.get("id") == "configuration-form"
        name = found.get("name", "") if self.is_inside else ""
        if tag == "input" and name and (found.get("type") != "checkbox" or "checked" in found):
            self.values[name] = found.get("value", "")
        elif tag == "textarea" and name:
            self.area, self.values[name] = name, ""
        elif tag == "select" and name:
            self.select = name
        elif tag == "option" and self.select and ("selected" in found or self.select not in self.values):
            self.values[self.select] = found["value"]
        elif tag == "span" and found.get("class") == "field__error":
            self.error = found["id"].removesuffix("-error")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.area:
            self.values[self.area] = self.values[self.area].removeprefix("\n").replace("\n", "\r\n")
            if "document" in self.area:
                self.values[self.area] = self.values[self.area].replace("\r\n", "\n")
            self.area = ""
        self.is_inside = self.is_inside and tag != "form"
        self.select = "" if tag == "select" else self.select
        self.error = "" if tag == "span" and self.error in self.errors else self.error

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values[self.area] += data
        if self.error and data.strip():
            self.errors[self.error] = data.strip()
