"""The editor of tasks: parameters, and what a save stores, refuses and never loses."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, Role, User
from tests import builders
from tests.builders import NOW, task
from tests.pages.conftest import log_in
from tests.pages.editor_form import open_editor, plan_in, press, saved, words

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


# --- Parameters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "a": 1,\n  "b" 2\n}', "Invalid JSON in line 3, column 7"),
        ("[1]", "A JSON object is expected"),
        ('{"token": "x"}', '"token" cannot stand here: task parameters cannot change component'),
        ('{"configId": "7"}', '"configId" cannot stand here'),
        ('{"configData": 1}', "configData: expected an object."),
        ('{"configData": {"#password": "*****"}}', "enter it again"),
    ],
)
def test_bad_parameters_are_refused_with_what_was_typed(
    text: str, sentence: str, daily: Configuration, as_alice: Client
) -> None:
    dialog = press(as_alice, open_editor(as_alice, daily), "parameters:a")

    answer = press(as_alice, dialog, "apply:a", add={"task-name": "Mine", "parameters": text})

    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    assert text in unescape(answer.text)
    assert 'value="Mine"' in answer.text


def test_parameters_are_saved_and_their_secrets_never_shown(daily: Configuration, as_alice: Client) -> None:
    typed = '{"configData": {"parameters": {"#password": "hush", "rows": 5}}}'
    dialog = press(as_alice, open_editor(as_alice, daily), "parameters:a")
    changed = press(as_alice, dialog, "apply:a", add={"task-name": "Sales", "parameters": typed})
    press(as_alice, changed, "save")
    daily.refresh_from_db()
    stored = daily.document["tasks"][0]["task"]["configData"]["parameters"]["#password"]

    page = open_editor(as_alice, daily)
    shown = press(as_alice, page, "parameters:a")
    moved = press(as_alice, press(as_alice, page, "move:a:phase-2:0"), "save")

    assert "hush" not in changed.text + page.text + shown.text
    assert stored.startswith("tutti:v1:") and stored not in page.text + shown.text
    assert moved.status_code == 302
    daily.refresh_from_db()
    task_a = next(each for each in daily.document["tasks"] if each["id"] == "a")
    assert task_a["task"]["configData"]["parameters"] == {"#password": stored, "rows": 5}
    assert task_a["name"] == "Sales"


# --- Saving ------------------------------------------------------------------------------------


def test_one_save_is_one_version(daily: Configuration, as_alice: Client) -> None:
    page = press(as_alice, press(as_alice, open_editor(as_alice, daily), "move-down:a"), "delete:c")

    answer = press(as_alice, page, "save")

    assert answer.status_code == 302
    assert saved(daily) == [("Phase 1", ["b", "a"])]
    assert list(daily.versions.values_list("version", "change_description")) == [
        (2, "Update orchestration tasks"),
        (1, "Create orchestration"),
    ]


def test_a_save_without_a_change_makes_no_version(daily: Configuration, as_alice: Client) -> None:
    press(as_alice, press(as_alice, open_editor(as_alice, daily), "new-phase"), "save")

    daily.refresh_from_db()
    assert daily.version == 1


def test_saving_twice_the_same_makes_one_version(daily: Configuration, as_alice: Client) -> None:
    page = press(as_alice, open_editor(as_alice, daily), "delete:a")

    answers = [press(as_alice, page, "save") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    daily.refresh_from_db()
    assert daily.version == 2


def test_the_name_of_a_new_phase_stays_when_nothing_is_selected(daily: Configuration, as_alice: Client) -> None:
    answer = press(as_alice, open_editor(as_alice, daily), "move-chosen", add={"new-phase": "Before"})

    assert answer.status_code == 422
    assert "Select the tasks to move." in answer.text
    assert 'name="new-phase" value="Before"' in answer.text


def test_a_stale_save_shows_both_sides_and_can_be_saved_over(
    daily: Configuration, as_alice: Client, project: Project
) -> None:
    mine = press(as_alice, open_editor(as_alice, daily), "delete:a")
    erin = log_in(builders.build_member(project, "erin@example.org", Role.EDITOR))
    press(erin, press(erin, open_editor(erin, daily), "move-up:c"), "save")

    refused = press(as_alice, mine, "save")

    assert refused.status_code == 422
    assert "Erin" in words(refused)
    assert "Phase “Phase 2” was merged into “Phase 1”." in words(refused)
    assert "Task “Orders” was removed from phase “Phase 1”." in words(refused)
    assert plan_in(refused) == [("Phase 1", ["b"]), ("Phase 2", ["c"])]
    assert press(as_alice, refused, "save").status_code == 422
    assert press(as_alice, refused, "save-over:2").status_code == 302
    assert saved(daily) == [("Phase 1", ["b"]), ("Phase 2", ["c"])]
    assert daily.version == 3


def test_saving_over_is_refused_when_somebody_saved_once_more(daily: Configuration, as_alice: Client) -> None:
    mine = press(as_alice, open_editor(as_alice, daily), "delete:a")
    for action in ("move-up:c", "delete:b"):
        press(as_alice, press(as_alice, open_editor(as_alice, daily), action), "save")

    answer = press(as_alice, mine, "save-over:2")

    assert answer.status_code == 422
    assert "The newest version is #3" in words(answer)


def test_a_new_name_meanwhile_hinders_no_save(daily: Configuration, as_alice: Client, alice: User) -> None:
    mine = press(as_alice, open_editor(as_alice, daily), "delete:a")
    editing.update(daily, Content(name="Nightly"), actor=builders.admin_of(daily.project), now=NOW)

    assert press(as_alice, mine, "save").status_code == 302
    daily.refresh_from_db()
    assert (daily.name, daily.version) == ("Nightly", 3)


def test_a_circle_is_refused_with_its_path_and_the_draft_stays(daily: Configuration, as_alice: Client) -> None:
    outer = builders.build_orchestration(daily.project, [task(daily)], name="Outer")
    page = press(as_alice, open_editor(as_alice, daily), f"add:phase-1:keboola.orchestrator:{outer.key}")

    answer = press(as_alice, page, "save")

    assert answer.status_code == 422
    assert "Orchestrations would run each other in a circle:" in words(answer)
    assert "Daily > Outer" in words(answer)
    assert len(plan_in(answer)[0][1]) == 3


def test_a_configuration_that_does_not_exist_is_refused(daily: Configuration, as_alice: Client) -> None:
    page = press(as_alice, open_editor(as_alice, daily), "add:phase-1:command:no-such")

    assert press(as_alice, page, "save").status_code == 422


def test_what_we_do_not_know_of_a_document_is_kept(daily: Configuration, as_alice: Client) -> None:
    document = {**daily.document, "note": {"by": "a client"}}
    document["tasks"][0]["color"] = "red"
    editing.update(daily, Content(document=document), actor=builders.admin_of(daily.project), now=NOW)

    press(as_alice, press(as_alice, open_editor(as_alice, daily), "move-down:a"), "save")

    daily.refresh_from_db()
    assert daily.document["note"] == {"by": "a client"}
    assert next(each for each in daily.document["tasks"] if each["id"] == "a")["color"] == "red"
