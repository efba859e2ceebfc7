"""Storage as a person uses it: a CSV by mouse into a table and out again, the tables of a configuration by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from jobs.carrying import program
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site
from tests.jobs.carrying.conftest import FAKE
from tests.jobs.performing import Performer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def performer(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Performer]:
    monkeypatch.setattr(program, "COMMAND", FAKE)
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


def test_a_csv_becomes_a_table_and_a_table_a_csv(
    site: Site, performer: Performer, project: Project, alice: User, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,name\n1,Jo\n2,Zoë\n")
    with site.page_of(alice) as page:
        page.get_by_role("link", name="Storage").click()
        page.get_by_role("link", name="New bucket").first.click()
        page.get_by_label("Name").fill("crm")
        page.get_by_role("button", name="Create bucket").click()
        page.get_by_role("link", name="Upload a CSV").first.click()
        page.get_by_label("CSV file").set_input_files(file)
        page.get_by_label("Primary key").fill("id")
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
        performer.perform()
        expect(page.get_by_text("2 rows, full load")).to_be_visible()
        page.get_by_role("link", name="Upload to in.c-crm.people").click()
        expect(page.get_by_role("cell", name="Zoë")).to_be_visible()

        page.get_by_role("button", name="Download as CSV").click()
        expect(page.get_by_role("heading", name="Download people")).to_be_visible()
        with page.expect_download() as begun:
            performer.perform()
        downloaded = begun.value.path().read_text()

    assert begun.value.suggested_filename == "people.csv"
    assert downloaded == file.read_text()


def test_the_tables_of_a_configuration_are_chosen_by_keyboard(site: Site, project: Project, alice: User) -> None:
    builders.build_table(project, "in.c-shop.orders", rows=1200)
    configuration = builders.build_configuration(project, name="Sums")
    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/configurations/{configuration.pk}/edit/")
        press = page.keyboard.press
        page.get_by_role("button", name="Add input table").focus()
        press("Enter")
        table = page.get_by_role("group", name="Input table 1")
        expect(table.get_by_label("Table", exact=True)).to_be_focused()
        page.keyboard.type("in.c-shop.orders")
        press("Tab")
        page.keyboard.type("orders.csv")
        for _ in range(3):  # past its movers, of which only "remove" can be reached, to what is folded
            press("Tab")
            if page.evaluate("document.activeElement.tagName") == "SUMMARY":
                break
        press("Enter")
        press("Tab")
        page.keyboard.type("id\namount")
        page.get_by_role("button", name="Save").last.press("Enter")
        page.get_by_text("as orders.csv, 2 columns").wait_for()

    stored = Configuration.objects.get(pk=configuration.pk).document["storage"]
    assert stored == {
        "input": {"tables": [{"source": "in.c-shop.orders", "destination": "orders.csv", "columns": ["id", "amount"]}]}
    }
