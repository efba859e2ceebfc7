"""The editor of tasks: every button posts the draft and gets it back changed; only Save stores anything."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.states import JobStatus
from orchestrations import drafting, editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, Role, User
from tests import builders
from tests.builders import NOW, task
from tests.pages.conftest import log_in
from tests.pages.rows import build_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Orders")


@pytest.fixture
def daily(project: Project, orders: Configuration) -> Configuration:
    publish = builders.build_configuration(project, name="Publish")
    return builders.build_orchestration(
        project, [task(orders, key="a"), task(publish, key="b")], [task(orders, key="c")], name="Daily"
    )


class Form(HTMLParser):
    """The fields of the editor's form as a browser would send them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.actions: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "form":
            self.inside = found.get("id") == "editor-form"
        if not self.inside or not found.get("name"):
            return
        name, value = str(found["name"]), found.get("value") or ""
        if tag == "button":
            self.actions.append(value)
        elif tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self.fields.append((name, value))


def address(orchestration: Configuration) -> str:
    return reverse("orchestration-tasks", args=[orchestration.project_id, orchestration.pk])


def open_editor(client: Client, orchestration: Configuration) -> HttpResponse:
    return client.get(address(orchestration))  # type: ignore[return-value]


def press(
    client: Client,
    response: Any,
    action: str,
    *,
    add: dict[str, str] | None = None,
    without: tuple[str, str] | None = None,
    to: str = "",
    headers: dict[str, str] | None = None,
) -> Any:
    """Press a button of the page, or one that dragging makes, with fields added to or left out of its form."""
    fields = [field for field in Form(response.text).fields if field != without]
    data: dict[str, list[str]] = {}
    for name, value in [*fields, *(add or {}).items(), ("action", action)]:
        data.setdefault(name, []).append(value)
    data |= {name: [value] for name, value in (add or {}).items() if name.startswith("name:")}
    return client.post(to or response.request["PATH_INFO"], data, headers=headers or {})


def plan_in(response: Any) -> list[tuple[str, list[str]]]:
    draft = dict(Form(response.text).fields)["draft"]
    document = json.loads(draft)
    return [
        (phase["name"], [each["id"] for each in document["tasks"] if each["phase"] == phase["id"]])
        for phase in document["phases"]
    ]


def saved(orchestration: Configuration) -> list[tuple[str, list[str]]]:
    orchestration.refresh_from_db()
    document = orchestration.document
    return [
        (phase["name"], [each["id"] for each in document["tasks"] if each["phase"] == phase["id"]])
        for phase in document["phases"]
    ]


def words(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.text)).split())


# --- The draft ---------------------------------------------------------------------------------


def test_it_shows_the_tasks_by_phase(daily: Configuration, as_alice: Client, alice: User) -> None:
    build_job(Configuration.objects.get(name="Orders"), JobStatus.SUCCESS, created_by=alice)

    page = open_editor(as_alice, daily)

    assert plan_in(page) == [("Phase 1", ["a", "b"]), ("Phase 2", ["c"])]
    assert "1 task, usually 1 min" in words(page)
    assert "data-unsaved>" not in page.text


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("move-down:a", [("Phase 1", ["b", "a"]), ("Phase 2", ["c"])]),
        ("move-down:b", [("Phase 1", ["a"]), ("Phase 2", ["b", "c"])]),
        ("move-up:c", [("Phase 1", ["a", "b", "c"]), ("Phase 2", [])]),
        ("move:c:phase-1:1", [("Phase 1", ["a", "c", "b"]), ("Phase 2", [])]),
        ("phase-up:phase-2", [("Phase 2", ["c"]), ("Phase 1", ["a", "b"])]),
        ("move-phase:phase-1:1", [("Phase 2", ["c"]), ("Phase 1", ["a", "b"])]),
        ("delete:a", [("Phase 1", ["b"]), ("Phase 2", ["c"])]),
        ("delete-phase:phase-1", [("Phase 2", ["c"])]),
        ("new-phase", [("Phase 1", ["a", "b"]), ("Phase 2", ["c"]), ("New phase", [])]),
        ("group", [("Applications", ["a", "b", "c"])]),
        ("keep", [("Phase 1", ["a", "b"]), ("Phase 2", ["c"])]),
        ("no-such-action:1", [("Phase 1", ["a", "b"]), ("Phase 2", ["c"])]),
    ],
)
def test_an_action_changes_the_draft_and_stores_nothing(
    action: str, expected: list[Any], daily: Configuration, as_alice: Client
) -> None:
    answer = press(as_alice, open_editor(as_alice, daily), action)

    assert answer.status_code == 200
    assert plan_in(answer) == expected
    daily.refresh_from_db()
    assert daily.version == 1


def test_marked_phases_are_merged_and_marked_tasks_moved(daily: Configuration, as_alice: Client) -> None:
    page = open_editor(as_alice, daily)

    refused = press(as_alice, page, "merge", add={"phase": "phase-1"})
    moved = press(as_alice, page, "move-chosen", add={"task": "a", "new-phase": "Before all"})
    merged = as_alice.post(
        address(daily), {**dict(Form(page.text).fields), "phase": ["phase-1", "phase-2"], "action": "merge"}
    )

    assert refused.status_code == 422
    assert "Select at least two phases to merge." in refused.text
    assert 'name="phase" value="phase-1" aria-label="Select phase Phase 1" checked' in refused.text
    assert plan_in(moved) == [("Phase 1", ["b"]), ("Phase 2", ["c"]), ("Before all", ["a"])]
    assert plan_in(merged) == [("Phase 1", ["a", "b", "c"])]


def test_what_is_typed_and_marked_comes_along_with_any_action(daily: Configuration, as_alice: Client) -> None:
    page = open_editor(as_alice, daily)

    answer = press(
        as_alice, page, "move-up:b", add={"name:phase-1": "Extract", "continues": "c"}, without=("active", "b")
    )

    fields = Form(answer.text).fields
    assert ("name:phase-1", "Extract") in fields
    assert ("continues", "c") in fields
    assert ("active", "b") not in fields
    assert "4 unsaved changes" in words(answer)


def test_folded_tasks_keep_their_boxes(daily: Configuration, as_alice: Client) -> None:
    folded = press(as_alice, open_editor(as_alice, daily), "collapse:phase-1")
    unfolded = press(as_alice, press(as_alice, folded, "new-phase"), "expand:phase-1")

    assert ("shown", "a") not in Form(folded.text).fields
    assert {("active", "a"), ("active", "b"), ("active", "c")} <= set(Form(unfolded.text).fields)


def test_htmx_gets_the_rows_alone_with_a_sentence_to_speak(daily: Configuration, as_alice: Client) -> None:
    answer = press(as_alice, open_editor(as_alice, daily), "move-down:a", headers={"HX-Request": "true"})

    assert answer.text.startswith('<div class="stack" id="editor"')
    assert 'data-announce="Task 2 of 2 in Phase 1."' in answer.text


def test_a_draft_that_cannot_be_read_is_refused(daily: Configuration, as_alice: Client) -> None:
    for draft in ("{", '{"phases": 1}', '{"tasks": [{}]}'):
        assert as_alice.post(address(daily), {"draft": draft, "base": "1"}).status_code == 400
    assert as_alice.post(address(daily), {"draft": "{}", "base": "one"}).status_code == 400


# --- Adding ------------------------------------------------------------------------------------


def test_tasks_are_added_from_the_catalogue_one_after_another(daily: Configuration, as_alice: Client) -> None:
    orders = Configuration.objects.get(name="Orders")
    page = press(as_alice, open_editor(as_alice, daily), "choose:phase-2")
    assert "Applications Application Command Orders" in words(page)

    for _ in range(2):
        page = press(as_alice, page, f"add:phase-2:command:{orders.key}")
    done = press(as_alice, page, "keep")

    assert "Task added: Phase 2 has 3 tasks." in words(page)
    assert [len(tasks) for _, tasks in plan_in(done)] == [2, 3]
    press(as_alice, done, "save")
    assert [len(tasks) for _, tasks in saved(daily)] == [2, 3]


def test_the_catalogue_is_searched_and_has_two_empty_states(
    daily: Configuration, as_alice: Client, project: Project, alice: User
) -> None:
    page = open_editor(as_alice, daily)

    found = press(as_alice, page, "choose:phase-1", add={"search": "publ"})
    nothing = press(as_alice, page, "choose:phase-1", add={"search": "no such thing"})
    other = builders.build_orchestration(builders.build_project(alice, "Another"), name="Empty")
    empty = press(as_alice, open_editor(as_alice, other), "choose:phase-1")

    assert "Publish" in words(found) and "Orders" not in words(found)
    assert "Nothing matches" in nothing.text
    assert "Nothing yet" in empty.text


def test_a_task_says_when_its_configuration_cannot_run(daily: Configuration, as_alice: Client) -> None:
    Configuration.objects.filter(name="Orders").update(is_disabled=True)
    Configuration.objects.filter(name="Publish").update(deleted_at=NOW)

    page = open_editor(as_alice, daily)

    assert words(page).count("Configuration disabled") == 2
    assert words(page).count("Configuration in the trash") == 1


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
    assert "Task “Orders” was moved to phase “Phase 1”." in words(refused)
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


# --- Around ------------------------------------------------------------------------------------


def test_only_editors_are_offered_the_editor(daily: Configuration, as_alice: Client, as_oscar: Client) -> None:
    page = reverse("orchestration", args=[daily.project_id, daily.pk])

    assert address(daily) in as_alice.get(page).text
    assert address(daily) not in as_oscar.get(page).text
    assert as_oscar.get(address(daily)).status_code == 403


def test_fifty_tasks_need_no_more_queries_than_two(project: Project, as_alice: Client) -> None:
    def count(tasks: int) -> int:
        components = [builders.build_configuration(project) for _ in range(tasks)]
        orchestration = builders.build_orchestration(project, [task(each) for each in components])
        open_editor(as_alice, orchestration)
        with CaptureQueriesContext(connection) as captured:
            page = open_editor(as_alice, orchestration)
        with CaptureQueriesContext(connection) as also:
            press(as_alice, page, "new-phase")
        return len(captured) + len(also)

    assert count(50) == count(2) <= 30


def test_a_version_that_is_gone_counts_as_the_newest(daily: Configuration) -> None:
    assert drafting.document_of(daily, 77) == daily.document
