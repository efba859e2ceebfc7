"""Versions, the trash, files and the search, as a person with a mouse, or without JavaScript, meets them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.browser.conftest import Site
from tests.builders import NOW, task
from tests.pages.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(project: Project, alice: User) -> World:
    return build_world(project, alice)


def switch_a_task_off(orchestration: Configuration, alice: User) -> None:
    orchestration.refresh_from_db()
    document = {**orchestration.document}
    document["tasks"] = [{**document["tasks"][0], "enabled": False}, *document["tasks"][1:]]
    editing.update(orchestration, Content(document=document), actor=Actor(user=alice), now=NOW)


def open_page(page: Page, world: World, rest: str) -> None:
    page.goto(f"/projects/{world.project.pk}/{rest}")


def test_two_versions_are_compared_and_the_old_one_restored(site: Site, world: World, alice: User) -> None:
    switch_a_task_off(world.orchestration, alice)
    editing.update(world.orchestration, Content(name="Nightly"), actor=Actor(user=alice), now=NOW)
    with site.page_of(alice) as page:
        open_page(page, world, f"configurations/{world.orchestration.pk}/versions/")
        page.get_by_label("Compare from version 1").check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What changed from #1 to #3")
        expect(page.get_by_text("Task “Orders” was switched off.")).to_be_visible()

        page.get_by_role("link", name="Restore #1").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Task “Orders” was switched on.")).to_be_visible()
        dialog.get_by_role("button", name="Restore").click()

        expect(page.get_by_text("Version 1 restored as version 4.")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("Daily Sales Refresh")


def test_a_refused_copy_keeps_its_dialog(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice) as page:
        open_page(page, world, f"configurations/{world.orchestration.pk}/versions/")
        copy = page.get_by_role("link", name="Copy version 1 as new")
        copy.click()
        name = page.get_by_role("dialog").get_by_label("Name")
        expect(name).to_be_focused()
        name.fill("   ")
        page.get_by_role("dialog").get_by_role("button", name="Copy").click()
        expect(page.get_by_role("dialog").get_by_text("The name is missing.")).to_be_visible()

        page.get_by_role("dialog").get_by_label("Name").fill("Second")
        page.get_by_role("dialog").get_by_role("button", name="Copy").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Second")


@pytest.mark.parametrize("with_script", [True, False], ids=["script", "no-script"])
def test_into_the_trash_out_of_it_and_gone(with_script: bool, site: Site, world: World, alice: User) -> None:
    unused = builders.build_orchestration(world.project, [task(world.extractor)], name="Old nightly")
    with site.page_of(alice, java_script_enabled=with_script) as page:
        open_page(page, world, f"configurations/{unused.pk}/trashing/")
        page.get_by_role("button", name="Move to trash").click()
        expect(page.get_by_text("Moved to trash.")).to_be_visible()
        page.get_by_role("status").get_by_role("link", name="Trash").click()
        page.get_by_role("button", name="Restore Old nightly").click()
        expect(page.get_by_text("Old nightly is back from the trash.")).to_be_visible()

        open_page(page, world, f"configurations/{unused.pk}/trashing/")
        page.get_by_role("button", name="Move to trash").click()
        open_page(page, world, "trash/")
        page.get_by_role("link", name="Remove Old nightly for good").click()
        page.get_by_role("button", name="Remove for good").click()

        expect(page.get_by_text("Old nightly is removed for good.")).to_be_visible()
        expect(page.get_by_role("row", name="Old nightly")).to_have_count(0)


def test_the_overview_is_searched_while_typing(site: Site, world: World, alice: User) -> None:
    builders.build_orchestration(world.project, [task(world.extractor)], name="Exchange rates")
    with site.page_of(alice) as page:
        search = page.get_by_label("Search orchestrations")
        search.press_sequentially("exch")

        expect(page.get_by_role("link", name="Exchange rates", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Daily Sales Refresh", exact=True)).to_have_count(0)
        expect(page).to_have_url(re.compile(r"\?q=exch$"))
        expect(search).to_be_focused()
        page.locator("label", has_text="Not run yet").click()
        expect(page).to_have_url(re.compile(r"\?q=exch&last=never$"))
        page.reload()
        expect(search).to_have_value("exch")
        expect(page.get_by_role("radio", name="Not run yet")).to_be_checked()
        search.press_sequentially("xx")
        page.get_by_role("link", name="Clear").click()
        expect(page.get_by_role("link", name="Daily Sales Refresh", exact=True)).to_be_visible()


def test_the_overview_is_searched_without_script(site: Site, world: World, alice: User) -> None:
    builders.build_orchestration(world.project, [task(world.extractor)], name="Exchange rates")
    with site.page_of(alice, java_script_enabled=False) as page:
        page.get_by_label("Search orchestrations").fill("exch")
        page.get_by_role("button", name="Search").click()

        expect(page.get_by_role("link", name="Exchange rates", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Daily Sales Refresh", exact=True)).to_have_count(0)


def test_a_new_one_is_made_in_the_dialog(site: Site, project: Project, alice: User) -> None:
    with site.page_of(alice) as page:
        page.get_by_role("link", name="New Orchestration").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("Daily")
        dialog.get_by_role("button", name="Create Orchestration").click()

        expect(page.get_by_text("Daily created.")).to_be_visible()


def test_an_export_is_imported(site: Site, world: World, alice: User, tmp_path: Path) -> None:
    file = tmp_path / "daily.json"
    with site.page_of(alice) as page:
        exported = page.request.get(f"/projects/{world.project.pk}/orchestrations/{world.orchestration.pk}/export/")
        file.write_bytes(exported.body())
        open_page(page, world, "orchestrations/import/")
        page.get_by_label("File").set_input_files(file)
        page.get_by_label("Name").fill("Brought in")
        page.get_by_role("button", name="Import").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Brought in")
        expect(page.get_by_text("4 tasks in 3 phases")).to_be_visible()
