"""What renews itself leaves the reader where they are: the focus, what is selected, opened and being typed."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site
from tests.builders import task
from tests.pages.rows import build_child, build_job

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)

SELECTED = "getSelection().toString()"
SELECT_HEADING = "getSelection().selectAllChildren(document.querySelector('[id$=tasks-title]'))"


@pytest.fixture
def daily(project: Project) -> Configuration:
    orders, customers = (builders.build_configuration(project, name=name) for name in ("Orders", "Customers"))
    phases = [task(orders, key="orders")], [task(customers, key="customers")]
    return builders.build_orchestration(project, *phases, name="Daily")


@pytest.fixture
def run(daily: Configuration) -> Job:
    run = build_job(daily, JobStatus.PROCESSING)
    orders = daily.project.configurations.get(name="Orders")
    build_child(run, orders, "orders", JobStatus.PROCESSING)
    return run


def settle(job: Job, status: JobStatus) -> None:
    Job.objects.filter(pk=job.pk).update(status=status, finished_at=job.created_at)


def address(job: Job) -> str:
    return reverse("job", args=[job.project_id, job.pk])


def test_a_job_page_stays_where_the_reader_is_until_the_end(site: Site, run: Job, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(address(run))
        name = page.get_by_role("link", name="Orders", exact=True)
        name.focus()
        page.evaluate(SELECT_HEADING)
        row = page.locator("#task-1").element_handle()
        assert row is not None
        for job, status in ((run.children.get(), JobStatus.SUCCESS), (run, JobStatus.ERROR)):
            settle(job, status)
            words = page.locator("#task-1 .status__word" if job.parent_id else ".title .status__word")
            expect(words).to_have_text(status.label)

        expect(page.locator("[hx-trigger^=refresh]")).to_have_count(0)
        expect(name).to_be_focused()
        assert page.evaluate(SELECTED) == "Tasks and Timeline"
        assert row.evaluate("row => row.isConnected && row.querySelector('.status').dataset.status") == "success"


def test_a_menu_of_a_live_list_stays_open(site: Site, run: Job, alice: User) -> None:
    with site.page_of(alice) as page:
        menu = page.get_by_label("More about Daily")
        menu.click()
        settle(run, JobStatus.ERROR)
        expect(page.locator("#orchestrations .status__word")).to_have_text("Error")

        expect(page.get_by_role("link", name="Edit tasks")).to_be_visible()
        expect(menu).to_be_focused()


def test_a_row_that_comes_and_one_that_goes_move_no_other(site: Site, run: Job, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(reverse("jobs", args=[run.project_id]))
        link = page.get_by_role("link", name="Daily")
        link.focus()
        row = link.element_handle()
        added = build_job(builders.build_configuration(run.project, name="New one"), JobStatus.PROCESSING)
        expect(page.get_by_role("link", name="New one")).to_be_visible()
        Job.objects.filter(pk=added.pk).delete()
        expect(page.get_by_role("link", name="New one")).to_have_count(0)

        assert row is not None
        assert row.evaluate("row => row === document.activeElement")


def test_a_duration_is_counted_anew_when_something_else_begins(site: Site, run: Job, alice: User) -> None:
    Job.objects.filter(pk=run.pk).update(status=JobStatus.WAITING, started_at=None)
    with site.page_of(alice) as page:
        page.goto(address(run))
        since = page.locator(".facts [data-since]").first
        expect(since).to_have_text(re.compile(r"^\d+ min "))
        Job.objects.filter(pk=run.pk).update(status=JobStatus.PROCESSING, started_at=timezone.now())
        expect(page.locator(".title .status__word")).to_have_text("Processing")

        expect(since).to_have_text(re.compile(r"^\d+ s$"))


def test_a_refused_dialog_stays_and_says_why(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        page.get_by_role("link", name="Run Daily").click()
        dialog = page.get_by_role("dialog")
        stays = dialog.element_handle()
        dialog.get_by_label("Select All").uncheck()
        expect(dialog.locator("[data-announcer]")).to_have_text("0 of 2 tasks, choose at least one")
        dialog.get_by_role("button", name="Run").click()
        expect(dialog.get_by_role("alert")).to_contain_text("choose at least one")

        expect(dialog.get_by_role("button", name="Run")).to_be_focused()
        assert stays is not None
        assert stays.evaluate("dialog => dialog.open")


def test_a_dialog_tells_a_screen_reader_what_it_is_about(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        page.get_by_role("link", name="Run Daily").click()

        about = "You are about to run the orchestration Daily manually and the notifications will be sent only to you."
        expect(page.get_by_role("dialog")).to_have_accessible_description(about)
        assert landmarks(page) == []


def landmarks(page: Page) -> list[str]:
    """Heads and feet of a dialog are none."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    inside = [node for node in nodes if not node["ignored"]]
    start = next(place for place, node in enumerate(inside) if node["role"]["value"] == "dialog")
    return [node["role"]["value"] for node in inside[start:] if node["role"]["value"] in ("banner", "contentinfo")]


def test_a_schedule_is_previewed_under_the_fingers_of_who_types(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(reverse("orchestration", args=[daily.project_id, daily.pk]))
        page.get_by_role("link", name="Set up a schedule").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Run", exact=True)).to_be_focused()
        dialog.get_by_role("button", name="Every 15 minutes").press("Enter")
        expect(dialog.locator("[data-announcer]")).to_have_text("Every 15 minutes.")
        expect(dialog.get_by_role("button", name="Every 15 minutes")).to_be_focused()
        field = dialog.get_by_label("Cron expression")
        field.fill("99 * * * *")
        field.evaluate("field => field.setSelectionRange(1, 2)")
        expect(dialog.locator("[data-announcer]")).to_contain_text("Minutes: 99 is not between 0 and 59.")

        expect(field).to_be_focused()
        assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [1, 2]
        dialog.get_by_role("link", name="Triggered").click()
        expect(dialog.get_by_role("heading", name="Selected Tables")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Set up a schedule")).to_be_focused()


def test_a_late_preview_does_not_open_a_dialog_again(site: Site, daily: Configuration, alice: User) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with site.page_of(alice) as page:
        page.goto(reverse("orchestration", args=[daily.project_id, daily.pk]))
        page.get_by_role("link", name="Set up a schedule").click()
        page.route("**/schedules/new/", hold)
        with page.expect_request(lambda request: request.method == "POST"):
            page.get_by_role("dialog").get_by_label("Run", exact=True).select_option("weekly")
        page.keyboard.press("Escape")
        with page.expect_response(lambda response: response.request.method == "POST") as answer:
            held[0].continue_()
        answer.value.finished()
        page.evaluate("() => new Promise(requestAnimationFrame)")

        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_move_leaves_the_other_rows_of_the_editor_where_they_are(
    site: Site, daily: Configuration, alice: User
) -> None:
    """Each of thousands of buttons would be taken out of the form and put into it again."""
    with site.page_of(alice) as page:
        page.goto(reverse("orchestration-tasks", args=[daily.project_id, daily.pk]))
        untouched = page.get_by_role("button", name="Delete Customers").element_handle()
        page.get_by_label("Move Orders down").press("Enter")
        expect(page.locator("[data-phase=phase-2] .name")).to_have_text(["Orders", "Customers"])
        page.get_by_label("Move Orders up").press("Enter")
        expect(page.locator("[data-phase=phase-1] .name")).to_have_text(["Orders"])

        expect(page.get_by_label("Move Orders up")).to_be_focused()
        assert untouched is not None
        assert untouched.evaluate("button => button.isConnected")


def test_what_was_done_in_the_editor_is_undone_step_by_step(site: Site, daily: Configuration, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(reverse("orchestration-tasks", args=[daily.project_id, daily.pk]))
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_disabled()
        page.get_by_label("Active: Customers").uncheck()
        page.get_by_role("button", name="Delete Orders").click()
        expect(page.locator("[data-task] .name")).to_have_text(["Customers"])
        page.get_by_role("button", name="Delete phase Phase 1").click()
        expect(page.get_by_label("Name of phase Phase 1")).to_have_count(0)
        undo.click()
        expect(page.get_by_label("Name of phase Phase 1")).to_be_visible()
        expect(page.locator("#announcer")).to_have_text("Undone.")
        page.keyboard.press("Control+z")
        expect(page.locator("[data-task] .name")).to_have_text(["Orders", "Customers"])

        expect(undo).to_be_disabled()
        expect(page.get_by_label("Active: Customers")).not_to_be_checked()
        expect(page.get_by_text("1 unsaved change")).to_be_visible()
