"""Editing the tasks of an orchestration, as a person does it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Position, expect

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, Role, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site
from tests.browser.judge import EVERYTHING, violations_of
from tests.builders import task
from tests.clusters import RunningCluster, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def daily(project: Project) -> Configuration:
    """Orders and Returns in the first phase, Publish in the second."""
    rows = {name: builders.build_configuration(project, name=name) for name in ("Orders", "Returns", "Publish")}
    tasks = {name: task(row, key=name) for name, row in rows.items()}
    return builders.build_orchestration(project, [tasks["Orders"], tasks["Returns"]], [tasks["Publish"]], name="Daily")


def test_an_orchestration_is_built_from_nothing_and_run(
    site: Site, cluster: RunningCluster, project: Project, alice: User
) -> None:
    for name in ("Orders", "Returns", "Publish"):
        builders.build_configuration(project, name=name)
    orchestration = builders.build_orchestration(project, name="Daily")

    with site.page_of(alice) as page:
        page.get_by_role("link", name="Daily", exact=True).click()
        page.get_by_role("link", name="Add tasks").first.click()
        page.get_by_role("button", name="New task in New phase").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Add Orders").click()
        expect(dialog.get_by_text("New phase has 1 task.")).to_be_visible()
        dialog.get_by_label("Search component").press_sequentially("retu")
        expect(dialog.get_by_role("button", name="Add Publish")).to_have_count(0)
        dialog.get_by_role("button", name="Add Returns").click()
        expect(dialog.get_by_text("New phase has 2 tasks.")).to_be_visible()
        dialog.get_by_role("button", name="Done").click()
        expect(dialog).to_have_count(0)
        page.get_by_label("Name of phase New phase").fill("Extract")
        page.get_by_role("button", name="New phase", exact=True).click()
        expect(page.get_by_role("button", name="New task in Extract")).to_be_visible()
        page.get_by_role("button", name="New task in New phase").click()
        dialog.get_by_role("button", name="Add Publish").click()
        expect(dialog.get_by_text("New phase has 1 task.")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="New task in New phase")).to_be_focused()
        page.get_by_role("button", name="Save").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Daily")
        expect(page.get_by_text("Tasks saved.")).to_be_visible()
        page.get_by_role("link", name="Run Orchestration").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Run").click()
        wait_for(lambda: Job.objects.filter(is_run=True, status=JobStatus.SUCCESS).exists())
    assert order_in(orchestration) == [("Extract", ["Orders", "Returns"]), ("New phase", ["Publish"])]
    run = Job.objects.get(is_run=True)
    assert set(run.children.values_list("name", flat=True)) == {"Orders", "Returns", "Publish"}


def test_tasks_and_phases_are_moved_by_the_keyboard_alone(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        open_editor(page, daily)
        down = page.get_by_role("button", name="Move Orders down")
        down.focus()
        page.keyboard.press("Enter")
        expect_rows(page, ["Returns", "Orders", "Publish"])
        expect(down).to_be_focused()
        expect(page.locator("#announcer")).to_have_text("Task 2 of 2 in Phase 1.")
        page.keyboard.press("Enter")
        expect(page.locator("#announcer")).to_have_text("Task 1 of 2 in Phase 2.")
        expect(down).to_be_focused()
        page.get_by_label("Active: Publish").focus()
        page.keyboard.press("Alt+ArrowUp")
        expect_rows(page, ["Returns", "Publish", "Orders"])
        page.get_by_role("button", name="Move phase Phase 2 up").focus()
        page.keyboard.press("Space")
        expect_rows(page, ["Publish", "Orders", "Returns"])
        page.get_by_role("button", name="Delete Orders").focus()
        page.keyboard.press("Enter")
        expect_rows(page, ["Publish", "Returns"])
        expect(page.get_by_role("button", name="Name and parameters of Publish")).to_be_focused()
        page.get_by_role("button", name="Save").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Tasks saved.")).to_be_visible()

    assert order_in(daily) == [("Phase 2", ["Publish"]), ("Phase 1", ["Returns"])]


def test_tasks_and_phases_are_dragged(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        open_editor(page, daily)
        drag(page, "#task-Publish", "#task-Orders")
        expect_rows(page, ["Publish", "Orders", "Returns"])
        drag(page, "#task-Orders", "#phase-phase-2 tr", at="bottom")
        expect_rows(page, ["Publish", "Returns", "Orders"])
        drag(page, "#phase-phase-2", "#phase-phase-1")
        expect_rows(page, ["Orders", "Publish", "Returns"])
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Tasks saved.")).to_be_visible()

    assert order_in(daily) == [("Phase 2", ["Orders"]), ("Phase 1", ["Publish", "Returns"])]


def test_phases_are_merged_grouped_and_folded(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        open_editor(page, daily)
        page.get_by_label("Phase 1: tasks").click()
        expect_rows(page, ["Publish"])
        expect(page.get_by_label("Phase 1: tasks")).to_be_focused()
        page.get_by_label("Phase 1: tasks").click()
        page.get_by_label("Select Orders").check()
        expect(page.get_by_text("1 selected")).to_be_visible()
        page.get_by_text("Move to phase…").click()
        page.get_by_label("Or a new phase").fill("Before")
        page.get_by_role("button", name="Move selected tasks").click()
        expect_rows(page, ["Returns", "Publish", "Orders"])
        page.get_by_label("Select phase Phase 1").check()
        page.get_by_label("Select phase Before").check()
        page.get_by_text("Actions", exact=True).click()
        page.get_by_role("button", name="Merge selected phases").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])
        page.get_by_text("Actions", exact=True).click()
        page.get_by_role("button", name="Group tasks into phases by component type").click()
        expect(page.get_by_label("Name of phase Applications")).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Tasks saved.")).to_be_visible()

    assert order_in(daily) == [("Applications", ["Returns", "Orders", "Publish"])]


def test_bad_parameters_are_refused_in_the_dialog_by_line(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        open_editor(page, daily)
        page.get_by_role("button", name="Name and parameters of Orders").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Parameters", exact=True).fill('{\n  "configData": \n}')
        dialog.get_by_role("button", name="Apply").click()
        field = dialog.get_by_label("Parameters", exact=True)
        expect(field).to_be_focused()
        expect(field).to_have_accessible_description(re.compile("line 3, column 1"))
        dialog.get_by_label("Parameters", exact=True).fill('{"configData": {"parameters": {"rows": 5}}}')
        dialog.get_by_role("button", name="Apply").click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("button", name="Name and parameters of Orders")).to_be_focused()
        expect(page.get_by_role("button", name="Task Parameters of Orders: 1 parameter")).to_be_visible()
        expect(page.get_by_text("1 unsaved change", exact=True)).to_be_visible()


def test_of_two_who_save_the_second_sees_the_difference_and_loses_nothing(
    site: Site, daily: Configuration, alice: User, project: Project
) -> None:
    erin = builders.build_member(project, "erin@example.org", Role.EDITOR)

    with site.page_of(alice) as page, site.page_of(erin) as other:
        open_editor(page, daily)
        open_editor(other, daily)
        other.get_by_role("button", name="Delete Publish").click()
        expect_rows(other, ["Orders", "Returns"])
        other.get_by_role("button", name="Save").click()
        expect(other.get_by_text("Tasks saved.")).to_be_visible()
        page.get_by_role("button", name="Move Orders down").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])
        page.get_by_role("button", name="Save").click()

        stale = page.get_by_role("alert", name="Somebody saved meanwhile")
        expect(stale).to_contain_text("Erin")
        expect(stale).to_contain_text("Task “Publish” was removed from phase “Phase 2”.")
        expect_rows(page, ["Returns", "Orders", "Publish"])
        stale.get_by_role("button", name="Save mine over it").click()
        expect(page.get_by_text("Tasks saved.")).to_be_visible()

    assert order_in(daily) == [("Phase 1", ["Returns", "Orders"]), ("Phase 2", ["Publish"])]
    assert daily.versions.count() == 3


def test_a_draft_that_was_left_by_mistake_is_offered_again(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        asked: list[str] = []

        def leave(dialog: Any) -> None:
            asked.append(dialog.type)
            dialog.accept()

        page.on("dialog", leave)
        open_editor(page, daily)
        page.get_by_role("button", name="Move Orders down").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])
        page.get_by_label("Active: Publish").uncheck()
        page.get_by_role("link", name="Jobs").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
        assert asked == ["beforeunload"]

        open_editor(page, daily)
        expect_rows(page, ["Orders", "Returns", "Publish"])
        expect(page.get_by_text("You have unsaved changes from")).to_be_visible()
        page.get_by_role("button", name="Restore").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])
        expect(page.get_by_label("Active: Publish")).not_to_be_checked()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Tasks saved.")).to_be_visible()
        open_editor(page, daily)
        expect(page.get_by_text("You have unsaved changes from")).to_be_hidden()
        page.get_by_role("button", name="Delete Orders").click()
        expect_rows(page, ["Returns", "Publish"])
        page.get_by_role("link", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Daily")
        open_editor(page, daily)
        expect(page.get_by_text("You have unsaved changes from")).to_be_hidden()
        assert asked == ["beforeunload"]

    assert order_in(daily) == [("Phase 1", ["Returns", "Orders"]), ("Phase 2", ["Publish"])]


def test_a_draft_survives_the_end_of_the_session(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        open_editor(page, daily)
        page.get_by_role("button", name="Move Orders down").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])
        page.context.clear_cookies(name="sessionid")
        page.get_by_role("button", name="Save").click()
        page.get_by_label("E-mail").fill(alice.email)
        page.get_by_label("Password").fill(builders.PASSWORD)
        page.get_by_role("button", name="Log in").click()

        page.get_by_role("button", name="Restore").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])


def test_everything_works_without_javascript(site: Site, daily: Configuration, alice: User, project: Project) -> None:
    builders.build_configuration(project, name="Mail")

    with site.page_of(alice, java_script_enabled=False) as page:
        page.get_by_role("link", name="Daily", exact=True).click()
        page.get_by_role("link", name="Edit tasks").click()
        page.get_by_role("button", name="Move Orders down").click()
        page.get_by_label("Name of phase Phase 1").fill("Extract")
        page.get_by_label("Active: Publish").uncheck()
        page.get_by_role("button", name="New task in Phase 2").click()
        page.get_by_label("Search component").fill("mail")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Add Orders")).to_have_count(0)
        page.get_by_role("button", name="Add Mail").click()
        expect(page.get_by_text("Phase 2 has 2 tasks.")).to_be_visible()
        page.get_by_role("button", name="Done").click()
        page.get_by_role("button", name="Name and parameters of Mail").click()
        page.get_by_label("Parameters", exact=True).fill("{")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("line 1, column 2")).to_be_visible()
        page.get_by_label("Parameters", exact=True).fill('{"configData": {}}')
        page.get_by_role("button", name="Apply").click()
        page.get_by_label("Select Returns").check()
        page.get_by_text("Move to phase…").click()
        page.get_by_label("Phase", exact=True).select_option("Phase 2")
        page.get_by_role("button", name="Move selected tasks").click()
        expect_rows(page, ["Orders", "Publish", "Mail", "Returns"])
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Tasks saved.")).to_be_visible()

    assert order_in(daily) == [("Extract", ["Orders"]), ("Phase 2", ["Publish", "Mail", "Returns"])]
    assert daily.document["tasks"][1]["enabled"] is False


def test_on_a_phone_rows_are_moved_from_their_menus(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice, width=360) as page:
        open_editor(page, daily)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.get_by_label("More for Orders").click()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.get_by_role("button", name="Move down").click()
        expect_rows(page, ["Returns", "Orders", "Publish"])
        page.get_by_role("button", name="New task in Phase 1").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("is_scripted", [True, False], ids=["with JavaScript", "without"])
def test_phases_are_arranged_by_data(site: Site, project: Project, alice: User, is_scripted: bool) -> None:
    def storage(side: str) -> dict[str, Any]:
        table = {"source": "in.c-shop.orders", "destination": "in.c-shop.orders"}
        return {"parameters": {"command": ["true"]}, "storage": {side: {"tables": [table]}}}

    writer = builders.build_configuration(project, name="Orders", document=storage("output"))
    reader = builders.build_configuration(project, name="Sums", document=storage("input"))
    orchestration = builders.build_orchestration(project, [task(reader), task(writer)], name="Daily")
    warning = "reads in.c-shop.orders, which Orders writes in the same phase: put it in a later phase"

    with site.page_of(alice, **({} if is_scripted else {"java_script_enabled": False})) as page:
        open_editor(page, orchestration)
        expect(page.get_by_text(warning)).to_be_visible()
        page.locator("#actions-menu").click()
        page.get_by_role("button", name="Arrange phases by data").click()
        expect_rows(page, ["Orders", "Sums"])
        expect(page.get_by_text(warning)).to_have_count(0)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Tasks saved.")).to_be_visible()
    assert order_in(orchestration) == [("Phase 1", ["Orders"]), ("Phase 1 (2)", ["Sums"])]


def open_editor(page: Page, orchestration: Configuration) -> None:
    page.goto(f"/projects/{orchestration.project_id}/orchestrations/{orchestration.pk}/tasks/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")


def expect_rows(page: Page, names: list[str]) -> None:
    expect(page.locator("[data-task] .name")).to_have_text(names)


def drag(page: Page, row: str, onto: str, at: str = "top") -> None:
    target = page.locator(onto).first
    box = target.bounding_box()
    assert box is not None
    place: Position = {"x": 200, "y": box["height"] - 4 if at == "bottom" else 4}
    page.locator(f"{row} [data-drag]").first.drag_to(target, target_position=place)


def order_in(orchestration: Configuration) -> list[tuple[str, list[str]]]:
    orchestration.refresh_from_db()
    document = orchestration.document
    names = dict(Configuration.objects.values_list("key", "name"))
    return [
        (
            phase["name"],
            [names[each["task"]["configId"]] for each in document["tasks"] if each["phase"] == phase["id"]],
        )
        for phase in document["phases"]
    ]


def test_the_editor_and_its_dialogs_are_accessible(site: Site, daily: Configuration, alice: User) -> None:
    Configuration.objects.filter(name="Returns").update(is_disabled=True)

    with site.page_of(alice, color_scheme="dark") as page:
        open_editor(page, daily)
        page.get_by_label("Select Returns").check()
        page.get_by_label("Active: Publish").uncheck()
        found = violations_of(page, EVERYTHING)
        page.get_by_role("button", name="New task in Phase 1").click()
        page.get_by_role("dialog").wait_for()
        found += violations_of(page, EVERYTHING)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Name and parameters of Orders").click()
        page.get_by_role("dialog").wait_for()
        found += violations_of(page, EVERYTHING)

    assert found == []
