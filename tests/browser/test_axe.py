"""Every page that there is, judged by axe-core in light and dark, at the width of a desk and of a phone.

No violation of WCAG 2.2 A and AA, nothing to scroll sideways, nothing on the console (the fixture ``site`` sees to
that). A new page cannot escape: they are those of the sweep in tests/pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from jobs.models import Cluster
from jobs.states import JobStatus
from orchestrations import invitations
from orchestrations.access import Actor
from orchestrations.models import Project, User
from tests import builders
from tests.browser.conftest import Site
from tests.pages.rows import build_job
from tests.pages.test_everybody import PAGES, arguments
from tests.pages.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
NO_PAGES = {"job-log", "job-log-download", "orchestration-export"}
"""Downloads."""
LINKED = "links => links.map(link => link.getAttribute('href'))"
LOOKS = [("light", 1280), ("dark", 1280), ("light", 360)]


@pytest.fixture
def world(project: Project, alice: User) -> World:
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])
    now = timezone.now()
    Cluster.objects.create(owner="here", host="here", workers=4, started_at=now, heartbeat_at=now + timedelta(hours=1))
    Cluster.objects.create(
        owner="there", host="there", workers=2, started_at=now, heartbeat_at=now - timedelta(hours=1)
    )
    world = build_world(project, alice)
    build_job(world.writer, JobStatus.PROCESSING, created_by=alice)
    return world


def pages_of(world: World) -> Iterator[tuple[str, str]]:
    for name, page in PAGES.items():
        if "GET" in page.methods and name not in NO_PAGES:
            yield name, reverse(name, args=arguments(name, world))
    project = f"/projects/{world.project.pk}"
    empty = builders.build_project(builders.admin_of(world.project).user or User(), "Empty")
    yield "a run with its tasks open", f"{project}/jobs/{world.failed_run.pk}/?open=orders&open=broken"
    yield "a search", f"{project}/search/?q=or"
    yield "a search for nothing there", f"{project}/search/?q=zzz"
    yield "an empty dashboard", f"/projects/{empty.pk}/"
    yield "an empty list of orchestrations", f"/projects/{empty.pk}/orchestrations/"
    yield "an empty list of jobs", f"/projects/{empty.pk}/jobs/"
    yield from [(name, reverse(name)) for name in ("profile", "project-new", "styleguide")]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_accessible_and_fits(scheme: str, width: int, site: Site, world: World, alice: User) -> None:
    found = []
    with site.page_of(alice, color_scheme=scheme, width=width) as page:
        for name, address in pages_of(world):
            page.goto(address)
            found += [f"{name}: {each}" for each in [*violations_of(page), *overflow_of(page, width)]]

    assert found == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_for_people_who_have_not_signed_in(
    scheme: str, width: int, site: Site, world: World, alice: User
) -> None:
    secret = invitations.renew(world.member, actor=Actor(user=alice))
    found = []
    with site.page(color_scheme=scheme, width=width) as page:
        for address in ["/login/", reverse("invitation", args=[world.member.user_id, secret]), "/invitation/1/used/"]:
            page.goto(address)
            found += [f"{address}: {each}" for each in [*violations_of(page), *overflow_of(page, width)]]

    assert found == []
    site.complaints = [said for said in site.complaints if "status of 404" not in said]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_dialog_is_accessible(scheme: str, site: Site, world: World, alice: User) -> None:
    found: list[str] = []
    seen: set[str] = set()
    with site.page_of(alice, color_scheme=scheme) as page:
        for name, address in pages_of(world):
            page.goto(address)
            for path in set(page.eval_on_selector_all("a[data-dialog]", LINKED)) - seen:
                seen.add(path)
                page.goto(address)
                page.locator(f'a[data-dialog][href="{path}"]').first.dispatch_event("click")
                expect(page.get_by_role("dialog")).to_be_visible()
                found += [f"{name}, dialog {path}: {each}" for each in violations_of(page)]

    assert found == []
    assert seen


def test_open_menus_are_accessible(site: Site, world: World, alice: User) -> None:
    found = []
    with site.page_of(alice) as page:
        page.locator("details[data-menu] > summary").evaluate_all(
            "all => all.forEach(each => { each.parentElement.open = true; })"
        )
        found += violations_of(page)
        page.get_by_label("Search the project").fill("or")
        page.locator("#finder .menu__item").first.wait_for()
        found += violations_of(page)

    assert found == []


def test_the_judge_sees_a_fault(site: Site, project: Project, alice: User) -> None:
    with site.page_of(alice) as page:
        page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<button></button>')")

        assert [each.split(" ")[0] for each in violations_of(page)] == ["button-name"]


def violations_of(page: Page) -> list[str]:
    results: Any = Axe().run(page, options=WCAG).response
    return [
        f"{violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


def overflow_of(page: Page, width: int) -> list[str]:
    found = page.evaluate("document.documentElement.scrollWidth")
    return [f"is {found} px wide of {width}"] if found > width else []
