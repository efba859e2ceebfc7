"""Running an orchestration by hand and watching it, as a person does it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Gate, Site
from tests.builders import task
from tests.clusters import RunningCluster, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)


def test_a_run_with_a_selection_is_watched_until_it_has_settled(
    site: Site, cluster: RunningCluster, project: Project, alice: User, gate: Gate
) -> None:
    other = builders.build_configuration(project, name="Publish")
    left_out = builders.build_configuration(project, name="Mail")
    builders.build_orchestration(project, [task(gate.configuration)], [task(other), task(left_out)], name="Daily")

    with site.page_of(alice) as page:
        page.get_by_role("link", name="Daily", exact=True).click()
        page.get_by_role("link", name="Run Orchestration").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Mail").uncheck()
        expect(dialog.get_by_text("2 of 3 tasks")).to_be_visible()
        dialog.get_by_role("button", name="Run").click()

        toast = page.get_by_role("status").filter(has_text="Orchestrator job has been scheduled")
        expect(page.locator("#runs").get_by_text("Orders is running")).to_be_visible()
        toast.get_by_role("link").click()
        expect(badge(page)).to_have_text("Processing")
        page.evaluate("window.wasHere = true")
        expect(page.locator("#log").get_by_text("Orders waits")).to_be_visible()
        gate.open()
        expect(badge(page)).to_have_text("Success")

        expect(page.locator("#log").get_by_text("Orders goes on")).to_have_count(1)
        expect(page.get_by_text("Ended in success.")).to_be_visible()
        expect(page.get_by_text("PARTIAL")).to_be_visible()
        expect(page.locator("[hx-trigger^=refresh]")).to_have_count(0)
        assert page.evaluate("window.wasHere") is True
    run = Job.objects.get(is_run=True)
    assert sorted(run.children.values_list("name", flat=True)) == ["Orders", "Publish"]


def test_a_run_is_terminated_from_its_page(
    site: Site, cluster: RunningCluster, project: Project, alice: User, gate: Gate
) -> None:
    orchestration = builders.build_orchestration(project, [task(gate.configuration)], name="Daily")
    run = builders.launch(orchestration)

    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/jobs/{run.pk}/")
        expect(page.locator("#log").get_by_text("Orders waits")).to_be_visible()
        page.get_by_role("link", name="Terminate").click()
        page.get_by_role("dialog").get_by_role("button", name="Terminate").click()

        expect(badge(page)).to_have_text("Terminated")
        expect(page.get_by_text("Terminated by Alice.").first).to_be_visible()
        expect(page.get_by_role("link", name="Job Retry")).to_be_visible()


def test_what_failed_is_retried_and_only_that(
    site: Site, cluster: RunningCluster, project: Project, alice: User, tmp_path: Path
) -> None:
    mended = tmp_path / "mended"
    fine = builders.build_configuration(project, name="Fine")
    script = f'[ -e "{mended}" ] || {{ echo "No such table." >&2; exit 1; }}'
    broken = builders.build_configuration(project, name="Broken", command=["sh", "-c", script])
    last = builders.build_configuration(project, name="Publish")
    orchestration = builders.build_orchestration(project, [task(fine), task(broken)], [task(last)], name="Daily")
    run = builders.launch(orchestration)
    wait_for(lambda: Job.objects.filter(pk=run.pk, status=JobStatus.ERROR).exists())
    mended.touch()

    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/jobs/{run.pk}/")
        expect(page.locator(".timeline").get_by_text("No such table.")).to_be_visible()
        page.get_by_role("link", name="Job Retry").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Fine")).not_to_be_checked()
        expect(dialog.get_by_label("Broken")).to_be_checked()
        expect(dialog.get_by_label("Publish")).to_be_checked()
        dialog.get_by_role("link", name="As it was").click()
        expect(dialog.get_by_role("link", name="As it was")).to_be_focused()
        expect(dialog.get_by_role("link", name="As it was")).to_have_accessible_description(
            re.compile("^2 of 3 tasks, ")
        )
        dialog.get_by_role("button", name="Run again").click()

        expect(badge(page)).to_have_text("Success")
        page.get_by_role("link", name=f"job {run.pk}", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Job {run.pk}")
        expect(page.get_by_text("Retried by")).to_be_visible()


def test_nothing_chosen_is_refused_in_the_dialog(site: Site, project: Project, alice: User, gate: Gate) -> None:
    builders.build_orchestration(project, [task(gate.configuration)], name="Daily")

    with site.page_of(alice) as page:
        page.get_by_role("link", name="Run Daily").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Select All").uncheck()
        dialog.get_by_role("button", name="Run").click()

        expect(dialog.get_by_role("alert")).to_contain_text("choose at least one")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert not Job.objects.exists()


def test_what_fails_is_told(site: Site, project: Project, alice: User, gate: Gate) -> None:
    orchestration = builders.build_orchestration(project, [task(gate.configuration)], name="Daily")

    with site.page_of(alice) as page:
        failure = page.get_by_role("alert").filter(has_text="That did not work.")
        page.get_by_role("link", name="Daily", exact=True).click()
        page.get_by_role("link", name="Run Orchestration").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Run").wait_for()
        project.memberships.update(role="viewer")
        dialog.get_by_role("button", name="Run").click()

        expect(failure).to_be_visible()
        expect(dialog).to_have_count(0)

        page.get_by_role("link", name="Run Orchestration").first.click()
        expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    assert not orchestration.jobs.exists()
    site.complaints[:] = [each for each in site.complaints if "403" not in each]


def test_an_orchestration_is_switched_off_without_leaving_the_list(
    site: Site, project: Project, alice: User, gate: Gate
) -> None:
    builders.build_orchestration(project, [task(gate.configuration)], name="Daily")

    with site.page_of(alice) as page:
        switch = page.get_by_role("switch", name="Daily: enabled")
        expect(switch).to_have_attribute("aria-checked", "true")
        switch.click()

        expect(switch).to_have_attribute("aria-checked", "false")
        expect(page.get_by_text("Disabled: only by hand")).to_be_visible()
        page.reload()
        expect(switch).to_have_attribute("aria-checked", "false")


def test_everything_works_without_javascript(
    site: Site, cluster: RunningCluster, project: Project, alice: User, gate: Gate
) -> None:
    other = builders.build_configuration(project, name="Publish")
    builders.build_orchestration(project, [task(gate.configuration)], [task(other)], name="Daily")

    with site.page_of(alice, java_script_enabled=False) as page:
        page.get_by_role("link", name="Run Daily").click()
        page.get_by_label("Publish").uncheck()
        page.get_by_role("button", name="Run").click()
        page.get_by_role("link", name="Job", exact=False).filter(has_text="Job ").last.click()
        gate.open()
        wait_for(lambda: reloaded(page) == "Success")
        expect(page.locator("#log").get_by_text("Orders goes on")).to_be_visible()
        page.get_by_label("Level").select_option("Errors")
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#log").get_by_text("Orders goes on")).to_have_count(0)
        page.get_by_role("link", name="Orders", exact=True).click()
        expect(page.locator("tr.detail").get_by_text("Orders goes on")).to_be_visible()
        page.get_by_role("link", name="Job Retry").click()
        page.get_by_role("link", name="As it was").click()
        page.get_by_label("Publish").check()
        page.get_by_role("button", name="Run again").click()
        wait_for(lambda: reloaded(page) == "Success")
        page.get_by_role("link", name="Orchestrations").first.click()
        page.get_by_role("switch", name="Daily: enabled").click()
        expect(page.get_by_role("switch", name="Daily: enabled")).to_have_attribute("aria-checked", "false")
    retry = Job.objects.filter(is_run=True).latest("pk")
    assert [child.name for child in retry.children.all()] == ["Publish"]


def badge(page: Page):  # type: ignore[no-untyped-def]
    return page.locator(".title .status__word")


def reloaded(page: Page) -> str:
    page.reload()
    return badge(page).inner_text()
