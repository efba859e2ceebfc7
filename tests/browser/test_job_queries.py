"""Searching jobs by the keyboard, paging, live rows and the log, as a person does it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Gate, Site
from tests.clusters import RunningCluster
from tests.pages.rows import build_job, build_log

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def jobs(project: Project, alice: User) -> list[Job]:
    orders = builders.build_configuration(project, name="Orders")
    made = [build_job(orders, created_by=alice) for _ in range(60)]
    return [*made, build_job(builders.build_configuration(project, name="Broken"), JobStatus.ERROR)]


def open_jobs(page: Page, project: Project, query: str = "") -> None:
    page.goto(f"/projects/{project.pk}/jobs/{query}")


def rows(page: Page) -> list[str]:
    return page.locator(".joblist tbody .name").all_inner_texts()


def test_a_query_is_typed_with_suggestions_by_the_keyboard_alone(
    site: Site, project: Project, jobs: list[Job], alice: User
) -> None:
    with site.page_of(alice) as page:
        open_jobs(page, project)
        field = page.get_by_role("combobox", name="Search jobs")
        options = page.get_by_role("option")
        field.focus()
        page.keyboard.type("-stat")
        expect(options).to_have_count(1)
        expect(field).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("ArrowDown")
        expect(field).to_have_attribute("aria-activedescendant", "job-suggestion-1")
        page.keyboard.press("Enter")
        expect(field).to_have_value("-status:")
        expect(options).to_have_count(8)
        page.keyboard.type("su")
        expect(options).to_have_count(1)
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(field).to_have_value("-status:success ")
        expect(field).to_have_attribute("aria-expanded", "false")
        page.keyboard.type("by")
        expect(options).to_have_count(1)
        page.keyboard.press("Escape")
        expect(field).to_have_attribute("aria-expanded", "false")
        expect(field).to_have_value("-status:success by")
        for _ in "by":
            page.keyboard.press("Backspace")
        page.keyboard.press("Enter")

        expect(page).to_have_url(re.compile(r"q=-status%3Asuccess"))
        assert rows(page) == ["Broken"]


def test_a_suggestion_is_taken_with_the_mouse(site: Site, project: Project, jobs: list[Job], alice: User) -> None:
    with site.page_of(alice) as page:
        open_jobs(page, project)
        field = page.get_by_role("combobox", name="Search jobs")
        field.press_sequentially("conf")
        page.get_by_role("option", name="configuration:").click()
        page.get_by_role("option", name="Broken").click()

        expect(field).to_be_focused()
        expect(field).to_have_value("configuration:Broken ")
        field.press("Enter")
        expect(page.locator(".joblist tbody .name")).to_have_text(["Broken"])


def test_a_bad_query_says_where(site: Site, project: Project, jobs: list[Job], alice: User) -> None:
    with site.page_of(alice) as page:
        open_jobs(page, project)
        field = page.get_by_role("combobox", name="Search jobs")
        field.fill("by:me statsu:error")
        field.press("Enter")

        expect(page.get_by_role("alert").filter(has_text="did you mean status? (character 7)")).to_be_visible()
        expect(page.locator("mark")).to_have_text("statsu")
        expect(field).to_have_value("by:me statsu:error")
        assert len(rows(page)) == 25
        expect(page.get_by_role("combobox", name="Search jobs")).to_be_focused()


def test_chips_help_and_paging(site: Site, project: Project, jobs: list[Job], alice: User) -> None:
    with site.page_of(alice) as page:
        open_jobs(page, project)
        page.get_by_role("link", name="My Jobs").click()
        expect(page.get_by_role("link", name="My Jobs")).to_have_attribute("aria-current", "true")
        expect(page.get_by_label("Search jobs")).to_have_count(2)
        first = rows(page)
        page.get_by_role("link", name="Older").click()
        page.get_by_role("link", name="Older").click()
        expect(page.get_by_role("link", name="Older")).to_have_count(0)
        assert len(rows(page)) == 10
        page.get_by_role("link", name="Newer").click()
        page.get_by_role("link", name="Newer").click()
        expect(page.get_by_role("link", name="Newer")).to_have_count(0)
        assert rows(page) == first
        page.get_by_role("link", name="Query help").click()
        page.get_by_role("dialog").get_by_role("link", name="status:error", exact=True).click()
        expect(page.locator(".joblist tbody .name")).to_have_text(["Broken"])
        page.get_by_role("link", name="Clear").click()
        expect(page.get_by_role("combobox", name="Search jobs")).to_have_value("")


def test_a_live_row_settles_without_a_reload(
    site: Site, cluster: RunningCluster, project: Project, alice: User, gate: Gate
) -> None:
    builders.launch(gate.configuration)

    with site.page_of(alice) as page:
        open_jobs(page, project, "?q=orders")
        expect(page.locator(".joblist").get_by_text("Processing")).to_be_visible()
        page.evaluate("window.wasHere = true")
        gate.open()

        expect(page.locator(".joblist").get_by_text("Success")).to_be_visible()
        expect(page.locator("[hx-trigger^=refresh]")).to_have_count(0)
        assert page.evaluate("window.wasHere") is True


def test_the_log_is_searched_read_back_and_downloaded(
    site: Site, project: Project, jobs: list[Job], alice: User
) -> None:
    job = jobs[-1]
    for sequence in range(12):
        build_log(job, *(f"{'E ' if n == 50 else ''}Row {sequence * 100 + n}" for n in range(100)), sequence=sequence)

    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/jobs/{job.pk}/")
        log = page.get_by_role("list", name="Log")
        expect(log.get_by_role("listitem")).to_have_count(500)
        page.get_by_label("Level").select_option("Errors")
        expect(log.get_by_role("listitem")).to_have_count(12)
        page.get_by_label("Find in the log").fill("row 3")
        page.get_by_role("button", name="Find").click()
        expect(log.get_by_role("listitem")).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.path().read_text().count("\n") == 1200
        page.goto(f"/projects/{project.pk}/jobs/{job.pk}/")
        page.get_by_role("link", name="Earlier lines").click()
        page.get_by_role("link", name="Earlier lines").click()
        page.get_by_role("link", name="Earlier lines").click()
        expect(page.get_by_text("Row 0", exact=True)).to_be_visible()


def test_all_of_it_works_without_scripts(site: Site, project: Project, jobs: list[Job], alice: User) -> None:
    with site.page_of(alice, java_script_enabled=False) as page:
        open_jobs(page, project)
        page.get_by_role("combobox", name="Search jobs").fill("status:error")
        page.get_by_role("button", name="Search").click()
        assert rows(page) == ["Broken"]
        page.get_by_role("link", name="Query help").click()
        expect(page.get_by_role("heading", name="Query help", level=1)).to_be_visible()
        page.get_by_role("link", name="by:me", exact=True).click()
        page.get_by_role("link", name="Older").click()
        expect(page.get_by_role("link", name="Newer")).to_be_visible()
        page.locator(".joblist tbody .name").first.click()
        page.get_by_label("Find in the log").fill("nothing")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_label("Find in the log")).to_have_value("nothing")
