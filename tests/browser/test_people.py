"""People as they meet Tutti: invited, with a role, in their own time zone, with the keyboard, or without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from jobs.states import JobStatus
from orchestrations.models import Project, Role, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site
from tests.clusters import wait_for
from tests.pages.rows import build_job
from tests.pages.world import build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)

PRAGUE = {"timezone_id": "Europe/Prague"}


def test_somebody_is_invited_accepts_and_sees_the_project(site: Site, project: Project, alice: User) -> None:
    with site.page_of(alice) as page:
        page.get_by_label("Project settings").click()
        page.get_by_role("link", name="Members").click()
        page.get_by_role("link", name="Invite").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("E-mail")).to_be_focused()
        dialog.get_by_role("button", name="Invite").click()
        expect(dialog.get_by_text("This field is required.")).to_be_visible()
        dialog.get_by_label("E-mail").fill("nora@example.org")
        dialog.get_by_label("Operator").check()
        dialog.get_by_role("button", name="Invite").click()
        link = page.get_by_label("Link of the invitation").input_value()

    with site.page() as page:
        page.goto(link)
        page.get_by_label("Your name").fill("Nora")
        page.get_by_label("Password").fill(builders.PASSWORD)
        page.get_by_role("button", name="Join").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
        expect(page.get_by_label("Project Analytics, switch project")).to_be_visible()
    assert project.memberships.get(user__name="Nora").role == Role.OPERATOR


def test_a_role_is_changed_and_a_member_removed(site: Site, project: Project, alice: User, bob: User) -> None:
    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/members/")
        change = page.get_by_role("link", name="Change the role of Bob")
        change.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Viewer")).to_be_checked()
        expect(dialog.get_by_label("Viewer")).to_be_focused()
        page.keyboard.press("Escape")
        expect(change).to_be_focused()
        change.click()
        dialog.get_by_label("Editor").check()
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Bob is editor now.")).to_be_visible()
        expect(page.get_by_role("row", name="Bob").get_by_role("cell").nth(1)).to_have_text("Editor")

        page.get_by_role("link", name="Remove Bob").click()
        expect(dialog.get_by_role("link", name="Keep")).to_be_focused()
        dialog.get_by_role("button", name="Remove").click()
        expect(page.get_by_role("status").filter(has_text="Bob was removed.")).to_be_visible()
        expect(page.get_by_role("row", name="Bob")).to_have_count(0)


def test_the_time_zone_of_the_browser_is_taken_once_and_then_kept(site: Site, project: Project, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone=None)

    with site.home_of(alice, **PRAGUE) as page:
        toast = page.get_by_role("status").filter(has_text="Times are shown in Europe/Prague. Change")
        expect(toast).to_be_visible()
        expect(page.get_by_text("Times in Europe/Prague.")).to_be_visible()
        toast.get_by_role("link", name="Change").click()
        page.get_by_label("Search a time zone").fill("new york")
        expect(page.get_by_label("Time zone", exact=True)).to_have_value("America/New_York")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Profile saved.")).to_be_visible()
        page.goto(f"/projects/{project.pk}/")
        expect(page.get_by_text("Times in America/New_York.")).to_be_visible()

    with site.home_of(alice, **PRAGUE) as page:
        expect(page.get_by_text("Times in America/New_York.")).to_be_visible()
        expect(page.get_by_text("Times are shown in")).to_have_count(0)


def test_the_frame_is_worked_by_the_keyboard(site: Site, project: Project, alice: User) -> None:
    builders.build_project(alice, "Beta")
    world = build_world(project, alice)

    with site.home_of(alice) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.get_by_label("switch project").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Beta")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Beta")).to_be_hidden()
        expect(page.get_by_label("switch project")).to_be_focused()
        page.keyboard.press("Enter")
        page.get_by_role("link", name="New project").press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_label("switch project")).to_be_focused()
        page.keyboard.press("/")
        expect(page.get_by_label("Search the project")).to_be_focused()
        page.keyboard.type("sales")
        expect(page.locator("#finder").get_by_role("link", name="Daily Sales Refresh").first).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page).to_have_url(f"{site.url}/projects/{project.pk}/orchestrations/{world.orchestration.pk}/")


def test_escape_closes_what_the_search_has_found(site: Site, project: Project, alice: User) -> None:
    build_world(project, alice)

    with site.page_of(alice) as page:
        box = page.get_by_label("Search the project")
        box.fill("sales")
        expect(page.locator("#finder .menu__item").first).to_be_visible()
        page.keyboard.press("Escape")

        expect(page.locator("#finder .menu__item")).to_have_count(0)
        expect(box).to_be_focused()
        expect(box).to_have_value("")


def test_a_job_appears_on_the_dashboard_by_itself(site: Site, project: Project, alice: User) -> None:
    component = builders.build_configuration(project, name="Orders")
    build_job(component, JobStatus.SUCCESS)

    with site.home_of(alice) as page:
        expect(page.get_by_text("Nothing runs")).to_be_visible()
        job = build_job(component, JobStatus.WAITING, created_by=alice)
        expect(page.locator(f"#now-{job.pk}").get_by_text("No worker is alive")).to_be_visible()
        link = page.locator(f"#now-{job.pk}-link")
        link.focus()
        job.message = "No such table."
        job.status, job.finished_at, job.started_at = JobStatus.ERROR, job.created_at, job.created_at
        job.save(update_fields=["status", "finished_at", "started_at", "message"])

        expect(page.locator(f"#failed-{job.pk}").get_by_text("No such table.")).to_be_visible()


def test_a_new_project_is_made_in_the_dialog(site: Site, project: Project, alice: User) -> None:
    with site.page_of(alice) as page:
        page.get_by_label("switch project").click()
        page.get_by_role("link", name="New project").click()
        page.get_by_role("dialog").get_by_label("Name").fill("Finance")
        page.get_by_role("dialog").get_by_role("button", name="Create project").click()

        expect(page.get_by_label("Project Finance, switch project")).to_be_visible()
        expect(page.get_by_text("Nothing has run here yet")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_frame_works_without_javascript(width: int, site: Site, project: Project, alice: User) -> None:
    beta = builders.build_project(alice, "Beta")
    world = build_world(project, alice)

    with site.home_of(alice, java_script_enabled=False, width=width) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
        page.get_by_label("switch project").click()
        page.get_by_role("link", name="Beta").click()
        expect(page).to_have_url(f"{site.url}/projects/{beta.pk}/")
        page.go_back()
        go_to_jobs(page, width)
        expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
        if width > 400:
            page.get_by_label("Search the project").fill("sales")
            page.keyboard.press("Enter")
        else:
            page.get_by_role("link", name="Search").click()
            page.get_by_label("Search the project").fill("sales")
            page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Daily Sales Refresh").first.click()
        expect(page).to_have_url(f"{site.url}/projects/{project.pk}/orchestrations/{world.orchestration.pk}/")
        page.goto(f"/projects/{project.pk}/members/new/")
        page.get_by_label("E-mail").fill("nora@example.org")
        page.get_by_role("button", name="Invite").click()
        expect(page.get_by_label("Link of the invitation")).to_be_visible()
        page.goto("/profile/")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Profile saved.").wait_for()
        page.keyboard.press("End")
        wait_for(lambda: top_of(page, ".toast") >= bottom_of(page, "main"))


def top_of(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"]


def bottom_of(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def go_to_jobs(page: Page, width: int) -> None:
    if width < 400:
        page.get_by_label("Pages").click()
    page.get_by_role("link", name="Jobs", exact=True).click()
