"""Every page fits a phone, in light and dark, and is silent on the console (the fixture ``site`` sees to that)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from orchestrations.models import Project, User
from tests.browser.conftest import Site
from tests.pages.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LIGHT_CANVAS, DARK_CANVAS = 200, 60
"""The grounds of the two themes are lighter and darker than these (of 255)."""


@pytest.fixture
def world(project: Project, alice: User) -> World:
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])
    return build_world(project, alice)


def addresses(world: World) -> list[str]:
    project = f"/projects/{world.project.pk}"
    return [
        f"{project}/orchestrations/",
        f"{project}/orchestrations/{world.orchestration.pk}/",
        f"{project}/orchestrations/{world.orchestration.pk}/run/",
        f"{project}/orchestrations/{world.orchestration.pk}/tasks/",
        f"{project}/jobs/",
        f"{project}/jobs/{world.failed_run.pk}/?open=orders&open=broken",
        f"{project}/jobs/{world.waiting_run.pk}/",
        f"{project}/jobs/{world.child.pk}/",
        f"{project}/jobs/{world.waiting_run.pk}/termination/",
        f"{project}/jobs/{world.failed_run.pk}/retry/",
        f"{project}/jobs/0/",
        "/styleguide/",
    ]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_scrolls_sideways(width: int, site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, width=width) as page:
        wide = [address for address in addresses(world) if width_of(page, address) > width]

    assert wide == []
    forgive_the_missing_page(site)


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_pages_follow_the_theme_of_the_system(
    scheme: str, is_dark: bool, site: Site, world: World, alice: User
) -> None:
    with site.page_of(alice, color_scheme=scheme) as page:
        wrong = []
        for address in addresses(world):
            page.goto(address)
            if (brightness(page) < DARK_CANVAS) is not is_dark or (brightness(page) > LIGHT_CANVAS) is is_dark:
                wrong.append(address)

    assert wrong == []
    forgive_the_missing_page(site)


def test_a_person_may_choose_the_theme(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, color_scheme="light") as page:
        page.get_by_label("your menu").click()
        page.get_by_role("button", name="Dark").click()

        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert brightness(page) < DARK_CANVAS
        page.get_by_label("your menu").click()
        page.get_by_role("button", name="Auto").click()
        expect(page.locator("html[data-theme]")).to_have_count(0)
        assert brightness(page) > LIGHT_CANVAS


def test_a_dialog_is_worked_by_the_keyboard(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice) as page:
        run = page.get_by_role("link", name="Run Daily Sales Refresh")
        run.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Run")).to_be_focused()
        page.keyboard.press("Escape")

        expect(dialog).to_have_count(0)
        expect(run).to_be_focused()


def width_of(page: Page, address: str) -> int:
    page.goto(address)
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def brightness(page: Page) -> float:
    """Of the ground of the page, 0 to 255."""
    colours = page.evaluate(
        """() => {
            const context = document.createElement("canvas").getContext("2d");
            context.fillStyle = getComputedStyle(document.body).backgroundColor;
            context.fillRect(0, 0, 1, 1);
            return [...context.getImageData(0, 0, 1, 1).data];
        }"""
    )
    return float(sum(colours[:3]) / 3)


def forgive_the_missing_page(site: Site) -> None:
    """One of the addresses is that of the page "Not found"; the browser reports its status."""
    site.complaints = [said for said in site.complaints if "status of 404" not in said]
