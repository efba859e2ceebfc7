"""Making a configuration by its form, running it, and automating it, as a person does it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, expect

from jobs.models import Job
from orchestrations import editing
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site
from tests.builders import NOW
from tests.clusters import RunningCluster

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)
SECRET = "hush-hush-hush"


@pytest.fixture
def export(project: Project) -> Configuration:
    parameters = {
        "command": ["sh", "-c", "echo one\necho two"],
        "environment": {"REGION": "eu", "#TOKEN": SECRET},
        "timeout_seconds": 60,
    }
    return builders.build_configuration(project, name="Export", document={"parameters": parameters})


def test_a_configuration_is_made_by_its_form_and_run(
    site: Site, cluster: RunningCluster, project: Project, alice: User
) -> None:
    with site.page_of(alice) as page:
        page.get_by_role("link", name="Components").click()
        page.get_by_role("link", name="Command").click()
        page.get_by_role("link", name="New configuration").first.click()
        page.get_by_label("Name", exact=True).fill("Greeting")
        page.get_by_label("Command 1", exact=True).fill("sh")
        for place, word in enumerate(["-c", 'echo "$GREETING ${#TOKEN}"'], 2):
            page.get_by_role("button", name="Add word").click()
            expect(page.get_by_label(f"Command {place}", exact=True)).to_be_focused()
            page.get_by_label(f"Command {place}", exact=True).fill(word)
        page.get_by_role("button", name="Add variable").click()
        page.get_by_label("Name 1", exact=True).fill("GREETING")
        page.get_by_label("Value 1", exact=True).fill("good evening")
        page.get_by_role("button", name="Add variable").click()
        page.get_by_label("Name 2", exact=True).fill("#TOKEN")
        page.get_by_label("Value 2", exact=True).fill(SECRET)
        expect(page.get_by_label("Value 2", exact=True)).to_have_attribute("type", "password")
        page.get_by_role("button", name="Create Configuration").click()

        page.get_by_text("Set, not shown").wait_for()
        assert SECRET not in page.content()
        page.get_by_role("link", name="Run Component").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Run").click()
        row = page.locator("#configuration-jobs tbody tr")
        expect(row.get_by_text("Success")).to_be_visible()
        row.get_by_role("link").click()
        expect(page.locator("#log").get_by_text(f"good evening {len(SECRET)}")).to_be_visible()
        assert SECRET not in page.content()


def test_a_refused_form_loses_nothing_and_leads_to_the_field(site: Site, alice: User, export: Configuration) -> None:
    with site.page_of(alice) as page:
        page.goto(f"{address(export)}edit/")
        page.get_by_label("Value of REGION").fill("us")
        page.get_by_label("Value of #TOKEN").fill("another-secret")
        page.get_by_label("Time limit").fill("soon")
        page.get_by_role("button", name="Save", exact=True).click()

        limit = page.get_by_label("Time limit")
        expect(limit).to_be_focused()
        expect(limit).to_have_accessible_description(
            "The program is stopped after this many seconds and the job ends in error. Expected a number."
        )
        expect(page.get_by_label("Value of REGION")).to_have_value("us")
        assert "another-secret" not in page.content()
        limit.fill("5")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    assert Configuration.objects.get(pk=export.pk).document["parameters"]["timeout_seconds"] == 5


def test_what_was_typed_is_not_lost_by_leaving(site: Site, alice: User, export: Configuration) -> None:
    with site.page_of(alice) as page:
        asked: list[str] = []

        def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        page.on("dialog", stay)
        page.goto(f"{address(export)}edit/")
        page.get_by_label("Time limit").fill("5")
        page.get_by_role("button", name="Add word").click()
        expect(page.get_by_label("Command 4", exact=True)).to_be_focused()
        page.get_by_role("link", name="Raw JSON").click(no_wait_after=True)

        expect(page.get_by_label("Time limit")).to_have_value("5")
        assert asked == ["beforeunload"]
        page.get_by_role("link", name="Cancel").click()
        expect(page.get_by_role("heading", name="Export", exact=True, level=1)).to_be_visible()
        assert asked == ["beforeunload"]


def test_raw_json_with_an_error_says_where_it_is(site: Site, alice: User, export: Configuration) -> None:
    with site.page_of(alice) as page:
        page.goto(f"{address(export)}edit/")
        page.get_by_role("link", name="Raw JSON").click()
        box = page.get_by_label("The whole configuration as JSON")
        good = box.input_value()
        box.fill(good.replace('"REGION": "eu",', '"REGION" "eu",'))
        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.locator("#document-error")).to_contain_text("Invalid JSON in line 9, column 16")
        expect(box).to_be_focused()
        box.fill(good.replace('"eu"', '"us"'))
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved as version 2.")).to_be_visible()
        assert "*****" in good and SECRET not in good
    saved = Configuration.objects.get(pk=export.pk).document["parameters"]["environment"]
    assert saved["REGION"] == "us" and saved["#TOKEN"].startswith("tutti:v1:")


def test_everything_works_without_javascript(site: Site, project: Project, alice: User, export: Configuration) -> None:
    with site.page_of(alice, java_script_enabled=False) as page:
        page.goto(f"{address(export)}edit/")
        page.get_by_role("button", name="Add word").click()
        page.get_by_label("Command 4", exact=True).fill("last")
        page.get_by_role("button", name="Move Command 4 up").click()
        page.get_by_role("button", name="Remove REGION").click()
        page.get_by_role("textbox", name="Description").fill("Every night.")
        page.get_by_label("Time limit").press("Enter")
        expect(page.get_by_text("Saved as version 2.")).to_be_visible()
        page.get_by_role("link", name="Automate").click()
        page.get_by_label("Orchestration name").fill("Nightly")
        page.get_by_role("button", name="Create Orchestration").click()
        expect(page.get_by_role("heading", name="Nightly", level=1)).to_be_visible()
        page.goto(address(export))
        expect(page.get_by_role("link", name="Nightly")).to_be_visible()
        page.get_by_role("switch").click()
        expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
        page.get_by_role("link", name="Run Component").first.click()
        page.get_by_role("button", name="Run").click()
        expect(page.locator("#configuration-jobs").get_by_text("Waiting")).to_be_visible()
        page.get_by_role("link", name="Components").first.click()
        page.get_by_label("Search component").fill("python")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("link", name="Command")).to_have_count(0)
    saved = Configuration.objects.get(pk=export.pk)
    assert saved.document["parameters"]["command"] == ["sh", "-c", "last", "echo one\necho two"]
    assert list(saved.document["parameters"]["environment"]) == ["#TOKEN"]
    assert (saved.description, Job.objects.count()) == ("Every night.", 1)
    assert Configuration.objects.get(name="Nightly").component_id == ORCHESTRATOR


def test_it_is_automated_in_a_dialog_by_the_keyboard(site: Site, alice: User, export: Configuration) -> None:
    with site.page_of(alice) as page:
        page.goto(address(export))
        link = page.get_by_role("link", name="Automate")
        link.focus()
        page.keyboard.press("Enter")
        name = page.get_by_label("Orchestration name")
        expect(name).to_be_focused()
        page.keyboard.press("Escape")
        expect(link).to_be_focused()
        page.keyboard.press("Enter")
        expect(name).to_be_focused()
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="Automated Export", level=1)).to_be_visible()


def test_items_are_moved_by_the_keyboard_and_the_focus_stays_with_them(
    site: Site, alice: User, export: Configuration
) -> None:
    with site.page_of(alice) as page:
        page.goto(f"{address(export)}edit/")
        down = page.get_by_role("button", name="Move Command 1 down")
        down.focus()
        page.keyboard.press("Enter")

        expect(page.get_by_label("Command 2", exact=True)).to_have_value("sh")
        expect(page.get_by_label("Command 2", exact=True)).to_be_focused()
        page.get_by_role("button", name="Remove Command 1").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Command 1", exact=True)).to_have_value("sh")
        expect(page.get_by_label("Command 1", exact=True)).to_be_focused()


def test_the_catalogue_is_searched_while_one_types(site: Site, project: Project, alice: User) -> None:
    with site.page_of(alice) as page:
        page.goto(f"/projects/{project.pk}/components/")
        page.get_by_label("Search component").press_sequentially("python")

        expect(page.get_by_role("link", name="Command")).to_have_count(0)
        expect(page.get_by_label("Search component")).to_be_focused()
        assert page.url.endswith("?q=python")
        page.get_by_label("Search component").fill("zzz")
        page.get_by_role("link", name="Clear").click()
        expect(page.get_by_role("link", name="Command")).to_be_visible()


def test_a_stale_save_leads_to_what_was_saved_meanwhile(site: Site, alice: User, export: Configuration) -> None:
    with site.page_of(alice) as page:
        page.goto(f"{address(export)}edit/")
        page.get_by_label("Time limit").fill("5")
        theirs = Content(document={"parameters": {"command": ["theirs"]}})
        editing.update(export, theirs, actor=builders.admin_of(export.project), now=NOW)
        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.get_by_role("alert").filter(has_text="Somebody saved meanwhile")).to_be_focused()
        expect(page.get_by_label("Version 2 as JSON")).to_contain_text("theirs")
        expect(page.get_by_label("Time limit")).to_have_value("5")
        page.get_by_role("button", name="Save mine over version 2").click()
        expect(page.get_by_text("Saved as version 3.")).to_be_visible()


def address(configuration: Configuration) -> str:
    return f"/projects/{configuration.project_id}/configurations/{configuration.pk}/"
