"""A live page asks once a tick, not at all in a hidden tab, and no more when the job has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Request, Response, Route, expect

from jobs.models import Job
from jobs.states import JobStatus
from jobs.views import ticks
from orchestrations.models import Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site
from tests.builders import task
from tests.pages.rows import build_child, build_job

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)

HIDE = """isHidden => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
WATCHED_MS = 4_000
MOST_BYTES = 20_000
PATHS = ["", "orchestrations/", "jobs/", "jobs/{run}/"]


@pytest.fixture
def run(project: Project, alice: User) -> Job:
    component = builders.build_configuration(project, name="Orders")
    orchestration = builders.build_orchestration(project, [task(component, key="orders")], name="Daily")
    run = build_job(orchestration, JobStatus.PROCESSING, created_by=alice)
    build_child(run, component, "orders", JobStatus.PROCESSING)
    return run


@contextmanager
def requests_of(page: Page) -> Iterator[list[Request]]:
    seen: list[Request] = []

    def note(request: Request) -> None:
        if "/static/" not in request.url:  # signs that a browser fetches when they are first drawn
            seen.append(request)

    page.on("request", note)
    yield seen
    page.remove_listener("request", note)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_at_most_once_a_second_and_little(
    path: str, site: Site, run: Job, project: Project, alice: User
) -> None:
    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/{path.format(run=run.pk)}")
        with requests_of(page) as seen:
            page.wait_for_timeout(WATCHED_MS)

        assert 1 <= len(seen) <= WATCHED_MS // 1000
        assert {request.resource_type for request in seen} == {"xhr"}
        sizes = [len(response.body()) for request in seen if (response := request.response())]
        assert max(sizes) < MOST_BYTES


@pytest.mark.parametrize("path", PATHS)
def test_a_tick_that_finds_nothing_new_brings_nothing(path: str, site: Site, run: Job, alice: User) -> None:
    def is_nothing(response: Response) -> bool:
        return response.status == 204 and ticks.HEADER.lower() in response.request.headers

    with site.page_of(alice) as page:
        page.goto(f"/projects/{run.project_id}/{path.format(run=run.pk)}")
        with page.expect_response(is_nothing):
            pass
        ended = {"status": JobStatus.ERROR, "message": "No such table.", "finished_at": run.created_at}
        run.children.update(**ended)
        Job.objects.filter(pk=run.pk).update(**ended)
        with page.expect_response(lambda response: response.status == 200):
            pass


@pytest.mark.parametrize("path", PATHS)
def test_a_hidden_page_asks_nothing_and_asks_again_when_it_is_seen(
    path: str, site: Site, run: Job, alice: User
) -> None:
    address = f"/projects/{run.project_id}/{path.format(run=run.pk)}"
    with site.page_of(alice) as page:
        page.goto(address)
        page.evaluate(HIDE, True)
        page.wait_for_load_state("networkidle")
        with requests_of(page) as hidden:
            page.wait_for_timeout(WATCHED_MS)
        with page.expect_request(lambda request: address in request.url):
            page.evaluate(HIDE, False)

        assert hidden == []


def test_a_page_asks_nothing_more_when_its_job_has_ended(site: Site, run: Job, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(f"/projects/{run.project_id}/jobs/{run.pk}/")
        page.wait_for_timeout(1_500)
        ended = {"status": JobStatus.SUCCESS, "finished_at": run.created_at, "started_at": run.created_at}
        run.children.update(**ended)
        Job.objects.filter(pk=run.pk).update(**ended)
        expect(page.locator(".title .status__word")).to_have_text("Success")
        page.wait_for_load_state("networkidle")
        with requests_of(page) as after:
            page.wait_for_timeout(WATCHED_MS)

        assert after == []


def test_a_page_says_when_its_job_is_gone_and_asks_nothing_more(site: Site, run: Job, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(f"/projects/{run.project_id}/jobs/{run.pk}/")
        run.children.all().delete()
        Job.objects.filter(pk=run.pk).delete()
        expect(page.get_by_text("This is no longer here")).to_be_visible()
        with requests_of(page) as after:
            page.wait_for_timeout(WATCHED_MS)

        assert after == []
        expect(page.get_by_text("No connection to the server")).to_be_hidden()
        expect(page.get_by_role("heading", name=f"Job {run.pk}")).to_be_visible()
    site.complaints = [said for said in site.complaints if "404" not in said]


def test_a_dialog_opens_while_the_list_behind_it_renews_itself(
    site: Site, run: Job, project: Project, alice: User
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with site.page_of(alice) as page:
        with page.expect_request(lambda request: request.headers.get("hx-target") == "orchestrations"):
            page.route("**/orchestrations/?*", hold)
            page.route("**/orchestrations/", hold)
        page.get_by_role("link", name="Run Daily").click()

        expect(page.get_by_role("dialog")).to_be_visible()
        for each in held:
            each.continue_()
