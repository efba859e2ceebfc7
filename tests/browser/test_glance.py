"""The runs of an orchestration at a glance, and the dialogs that start them, as a person uses them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Gate, Site
from tests.builders import task
from tests.clusters import RunningCluster
from tests.pages.rows import build_child, build_job
from tests.pages.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def world(project: Project, alice: User) -> World:
    return build_world(project, alice)


def address_of(orchestration: Configuration) -> str:
    return f"/projects/{orchestration.project_id}/orchestrations/{orchestration.pk}/"


def test_a_bar_leads_to_its_job_by_the_keyboard(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(address_of(world.orchestration))
        bar = page.get_by_role("link", name=f"Run {world.failed_run.pk}, ")
        bar.focus()
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", level=1)).to_have_text(f"Job {world.failed_run.pk}")


def test_the_keyboard_stops_at_each_run_once_not_at_each_cell(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(address_of(world.orchestration))
        page.locator("#score-scroll").focus()
        stops = []
        for _ in range(3):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.id"))

    assert stops[:2] == [f"score-{world.failed_run.pk}", f"score-{world.waiting_run.pk}"]
    assert stops[2].startswith("run-")


def test_the_score_is_watched_until_the_run_has_settled(
    site: Site, cluster: RunningCluster, project: Project, alice: User, gate: Gate
) -> None:
    last = builders.build_configuration(project, name="Publish")
    orchestration = builders.build_orchestration(project, [task(gate.configuration)], [task(last)], name="Daily")
    run = builders.launch(orchestration)

    with site.page_of(alice) as page:
        page.goto(address_of(orchestration))
        page.evaluate("window.wasHere = true")
        bar = page.locator(f"#score-{run.pk}")
        expect(cell(page, "Orders")).to_have_attribute("data-status", "processing")
        expect(cell(page, "Publish")).to_have_attribute("data-status", "waiting")
        bar.focus()
        gate.open()
        expect(cell(page, "Orders")).to_have_attribute("data-status", "success")
        expect(cell(page, "Publish")).to_have_attribute("data-status", "success")
        expect(bar).to_have_attribute("title", re.compile("Success"))

        expect(bar).to_be_focused()
        expect(page.locator("[hx-trigger^=refresh]")).to_have_count(0)
        assert page.evaluate("window.wasHere") is True


def test_a_tick_leaves_the_reader_where_they_have_scrolled_to(
    site: Site, world: World, alice: User, project: Project
) -> None:
    for _ in range(28):
        build_job(world.orchestration, JobStatus.SUCCESS)

    with site.page_of(alice, width=360) as page:
        page.goto(address_of(world.orchestration))
        at_first = page.evaluate("document.getElementById('score-scroll').scrollLeft")
        page.evaluate("document.getElementById('score-scroll').scrollBy(-200, 0)")
        first = page.locator("#score").element_handle()
        added = build_job(world.orchestration, JobStatus.SUCCESS)
        page.locator(f"#score-{added.pk}").wait_for(state="attached")

        assert at_first == 0
        assert first is not None
        assert first.evaluate("element => element.isConnected")
        assert page.evaluate("document.getElementById('score-scroll').scrollLeft") == -200


def test_the_dialog_says_how_long_the_choice_takes(site: Site, project: Project, alice: User) -> None:
    slow, quick = (builders.build_configuration(project, name=name) for name in ("Slow", "Quick"))
    orchestration = builders.build_orchestration(project, [task(slow)], [task(quick)], name="Daily")
    build_job(slow)
    build_job(quick)

    with site.page_of(alice) as page:
        page.goto(address_of(orchestration))
        page.get_by_role("link", name="Run Orchestration").first.click()
        dialog = page.get_by_role("dialog")
        said = dialog.locator("#expectation")
        expect(said).to_have_text("2 of 2 tasks, usually 2 min")
        dialog.get_by_label("Slow").uncheck()
        expect(said).to_have_text("1 of 2 tasks, usually 1 min")
        dialog.get_by_label("Select All").check()
        expect(said).to_have_text("2 of 2 tasks, usually 2 min")
        dialog.get_by_role("link", name="Only this phase").click()
        expect(said).to_have_text("1 of 2 tasks, usually 1 min")
        dialog.get_by_label("Quick").uncheck()
        expect(said).to_have_text("0 of 2 tasks, choose at least one")


def test_an_opened_task_stays_open_and_in_the_address(site: Site, world: World, alice: User, project: Project) -> None:
    run = build_job(builders.build_orchestration(project, [task(world.extractor, key="orders")]), JobStatus.PROCESSING)
    build_child(run, world.extractor, "orders", JobStatus.PROCESSING)

    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/jobs/{run.pk}/")
        toggle = page.get_by_role("link", name="Orders", exact=True)
        toggle.focus()
        page.keyboard.press("Enter")
        expect(page.locator("tr.detail")).to_contain_text("Nothing logged yet.")
        expect(toggle).to_be_focused()
        assert page.url.endswith(f"/jobs/{run.pk}/?open=orders")
        with page.expect_response(lambda response: "after=" in response.url):
            pass
        expect(page.locator("tr.detail")).to_be_visible()
        Job.objects.filter(pk=run.pk).update(status=JobStatus.SUCCESS, finished_at=run.created_at)
        expect(page.locator("[hx-trigger^=refresh]")).to_have_count(0)

        expect(page.locator("tr.detail")).to_be_visible()


def cell(page: Page, task_name: str):  # type: ignore[no-untyped-def]
    return page.locator(".score tr", has=page.get_by_role("rowheader", name=task_name)).locator(".score__cell")
