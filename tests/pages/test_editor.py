"""The editor of tasks: every button posts the draft and gets it back changed; only Save stores anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.states import JobStatus
from orchestrations import drafting
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, task
from tests.pages.editor_form import Form, address, open_editor, plan_in, press, saved, words
from tests.pages.rows import build_job

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


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
