"""Every page that there is, judged by axe-core in light and dark, at the width of a desk and of a phone.

No violation of WCAG 2.2 A and AA, nothing to scroll sideways, nothing on the console (the fixture ``site`` sees to
that). A new page cannot escape: they are those of the sweep in tests/pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, expect

from jobs.models import Cluster
from jobs.states import JobStatus
from orchestrations import invitations
from orchestrations.access import Actor
from orchestrations.models import Project, User
from tests import builders
from tests.browser.conftest import Site
from tests.browser.furnished import declare_every_kind, furnish
from tests.browser.judge import COLORS, overflow_of, violations_of
from tests.pages.rows import build_job
from tests.pages.test_everybody import PAGES, arguments
from tests.pages.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NO_PAGES = {"job-log-download", "orchestration-export", "table-file", "jobs-suggestions"}
"""Downloads, and a list that is only ever seen under its field (test_suggestions_are_accessible)."""
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=800)
TABLET = ViewportSize(width=768, height=800)
DIALOG = "dialog[open]"
LINKED = "links => links.map(link => link.getAttribute('href'))"
PARTS = 3
"""So many processes may share the sweep."""


@pytest.fixture
def world(project: Project, alice: User, settings: Any, tmp_path: Path) -> World:
    declare_every_kind(tmp_path / "own" / "database")
    settings.COMPONENTS_DIR = tmp_path / "own"
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
    yield from furnish(world).items()
    yield from [(name, reverse(name)) for name in ("profile", "project-new", "styleguide")]


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_and_its_dialogs_are_accessible_and_fit(part: int, site: Site, world: World, alice: User) -> None:
    found: list[str] = []
    seen: set[str] = set()
    with site.page_of(alice, reduced_motion="reduce") as page:
        for name, address in list(pages_of(world))[part::PARTS]:
            page.goto(address)
            found += [f"{name}: {each}" for each in faults_of(page)]
            for path in sorted(set(page.eval_on_selector_all("a[data-dialog]", LINKED)) - seen):
                seen.add(path)
                found += [f"{name}, dialog {path}: {each}" for each in faults_of_dialog(page, path)]

    assert found == []
    assert seen


def test_pages_for_people_who_have_not_signed_in(site: Site, world: World, alice: User) -> None:
    secret = invitations.renew(world.member, actor=Actor(user=alice))
    found = []
    with site.page(reduced_motion="reduce") as page:
        for address in ["/login/", reverse("invitation", args=[world.member.user_id, secret]), "/invitation/1/used/"]:
            page.goto(address)
            found += [f"{address}: {each}" for each in faults_of(page)]

    assert found == []
    site.complaints = [said for said in site.complaints if "status of 404" not in said]


def test_open_menus_are_accessible(site: Site, world: World, alice: User) -> None:
    found = []
    with site.page_of(alice) as page:
        for number, menu in enumerate(page.locator("details[data-menu]:visible").all()):
            menu.locator("summary").click()
            expect(menu.locator(".menu__list")).to_be_visible()
            menu.evaluate("(menu, number) => { menu.dataset.judged = number; }", number)
            found += violations_of(page, within=f"[data-judged='{number}']")
            page.keyboard.press("Escape")
        page.get_by_label("Search the project").fill("or")
        page.locator("#finder .menu__item").first.wait_for()
        found += violations_of(page, within=".topbar")

    assert found == []


@pytest.mark.parametrize("name", ["orchestrations", "orchestration-tasks"])
def test_open_menus_fit_on_a_phone(name: str, site: Site, world: World, alice: User) -> None:
    found = []
    with site.page_of(alice, width=PHONE["width"]) as page:
        page.goto(reverse(name, args=arguments(name, world)))
        for menu in page.locator("details[data-menu]:visible").all():
            menu.locator("summary").click()
            box = menu.locator(".menu__list").bounding_box()
            assert box is not None
            is_inside = box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
            found += [*overflow_of(page), *([] if is_inside else [f"{menu.inner_text()} stands at {box}"])]
            page.keyboard.press("Escape")

    assert found == []


def test_suggestions_are_accessible(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(f"/projects/{world.project.pk}/jobs/")
        page.get_by_role("combobox", name="Search jobs").press_sequentially("st")
        page.get_by_role("option").first.wait_for()

        assert violations_of(page, within=".filters--query") == []


def test_the_judge_sees_a_fault(site: Site, project: Project, alice: User) -> None:
    with site.page_of(alice) as page:
        page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<button></button>')")

        assert [each.split(" ")[0] for each in violations_of(page)] == ["button-name"]


def faults_of(page: Page) -> list[str]:
    """Of one visit in every look: the dark changes nothing but colors; a phone has controls of its own."""
    desk = [*violations_of(page), *overflow_of(page)]
    dark = violations_in_the_dark(page)
    page.set_viewport_size(TABLET)
    desk += [f"on a tablet: {each}" for each in overflow_of(page)]
    page.set_viewport_size(PHONE)
    phone = [*violations_of(page), *overflow_of(page)]
    page.set_viewport_size(DESK)
    return [*desk, *dark, *[f"on a phone: {each}" for each in phone]]


def faults_of_dialog(page: Page, path: str) -> list[str]:
    dialog = page.locator(DIALOG)
    page.locator(f'a[data-dialog][href="{path}"]').first.dispatch_event("click")
    expect(dialog).to_be_visible()
    found = [*violations_of(page, within=DIALOG), *violations_in_the_dark(page, DIALOG)]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    return found


def violations_in_the_dark(page: Page, within: str = "") -> list[str]:
    page.emulate_media(color_scheme="dark")
    found = violations_of(page, COLORS, within=within)
    page.emulate_media(color_scheme="light")
    return [f"in the dark: {each}" for each in found]
