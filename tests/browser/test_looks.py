"""Light and dark, and dialogs by the keyboard. That every page fits and is accessible is seen in test_axe.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from jobs.models import Delivery, DeliveryAttempt, DeliveryStatus, Job
from jobs.states import JobStatus
from orchestrations.models import Project, User
from tests import builders
from tests.browser.conftest import Site
from tests.browser.judge import overflow_of, violations_of
from tests.builders import NOW
from tests.pages.rows import build_child, build_job
from tests.pages.world import World, build_world

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LIGHT_CANVAS, DARK_CANVAS = 200, 60
"""The grounds of the two themes are lighter and darker than these (of 255)."""
LEAST_OF_A_MARK = 3
OWN = ["", "tasks/", "run/", "schedules/new/", "notifications/", "edit/"]
REST = [
    "",
    "orchestrations/",
    "jobs/",
    "jobs/{run}/",
    "jobs/{child}/",
    "jobs/{run}/retry/",
    "components/",
    "configurations/{component}/versions/",
]
MOST_OF_A_PHONE, ROOM_OF_A_SCHEDULE = 250, 150
CONTRASTS = """cells => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const light = (...colours) => {
        for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
        const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255);
        const [red, green, blue] = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = element => getComputedStyle(element).backgroundColor;
    const under = element => element ? [...under(element.parentElement), ground(element)] : [];
    return cells.map(cell => {
        const grounds = under(cell);
        const [less, more] = [light(...grounds), light(...grounds, getComputedStyle(cell).color)].sort((a, b) => a - b);
        return [cell.dataset.status, (more + 0.05) / (less + 0.05)];
    });
}"""
"""Of the mark and its ground, each colour laid over what is below it."""


@pytest.fixture
def world(project: Project, alice: User) -> World:
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])
    return build_world(project, alice)


def test_pages_follow_the_theme_of_the_system(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, color_scheme="light") as page:
        light = brightness(page)
        page.emulate_media(color_scheme="dark")

        assert light > LIGHT_CANVAS
        assert brightness(page) < DARK_CANVAS


def test_a_page_that_is_not_there_looks_like_the_others(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, width=360) as page:
        page.goto(f"/projects/{world.project.pk}/jobs/0/")

        assert [*violations_of(page), *overflow_of(page)] == []
    site.complaints = [said for said in site.complaints if "status of 404" not in said]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_long_answers_and_addresses_fit(width: int, site: Site, world: World, alice: User) -> None:
    tell_at_length(world, alice)
    found = []
    with site.page_of(alice, width=width) as page:
        for address in (f"/projects/{world.project.pk}/notifications/", "/notifications/", "/outbox/"):
            page.goto(address)
            for tries in page.locator("details.peek > summary").all():
                tries.click()
            found += [f"{address}: {each}" for each in (*violations_of(page), *overflow_of(page))]
            words = page.get_by_text("warehouse.example.org").or_(page.get_by_text("too busy")).first
            expect(words).to_be_visible()

    assert found == []


def test_what_was_sent_to_me_is_found_on_a_phone(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, width=360) as page:
        page.goto(f"/projects/{world.project.pk}/")
        page.get_by_label("your menu").click()
        page.get_by_role("link", name="Sent to me").click()

        expect(page.get_by_role("heading", name="Sent to me")).to_be_visible()


def tell_at_length(world: World, alice: User) -> None:
    """Messages of every fate to a long address, with what a talkative server said of them."""
    alice.is_superuser = True
    alice.save(update_fields=["is_superuser"])
    world.subscription.address = f"{'some.long.name' * 4}@warehouse.example.org"
    world.subscription.save(update_fields=["address"])
    answer = "451 4.7.1 " + "This server is too busy to take your message and says so at length. " * 8
    for number, status in enumerate(DeliveryStatus.values):
        delivery = Delivery.objects.create(
            project=world.project,
            subscription=world.subscription,
            user=alice,
            channel="email",
            address=world.subscription.address,
            subject="Failed: Daily",
            text="Failed.",
            status=status,
            message_id=f"long-{number}",
            attempts=1,
            last_answer=answer,
            created_at=NOW,
            next_attempt_at=NOW,
            finished_at=NOW if status in ("sent", "failed") else None,
        )
        DeliveryAttempt.objects.create(delivery=delivery, at=NOW, was_accepted=False, answer=answer)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_mark_of_a_cell_is_seen_on_it(theme: str, site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, color_scheme=theme) as page:
        page.goto("/styleguide/")
        contrasts = page.eval_on_selector_all(".legend .score__cell:has(svg)", CONTRASTS)

    assert len(contrasts) > 3
    assert {status: found for status, found in contrasts if found < LEAST_OF_A_MARK} == {}


def test_the_picture_of_the_next_starts_is_as_wide_as_a_phone(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, width=360) as page:
        page.goto(f"/projects/{world.project.pk}/next-starts/")
        box = page.get_by_role("img", name="listed below").first.bounding_box()

    assert box is not None
    assert box["width"] > MOST_OF_A_PHONE


def test_on_a_tablet_the_overview_has_room_for_schedules(site: Site, world: World, alice: User) -> None:
    with site.page_of(alice, width=768) as page:
        box = page.locator("td.c-starts").first.bounding_box()

    assert box is not None
    assert box["width"] > ROOM_OF_A_SCHEDULE


@pytest.mark.parametrize("width", [1280, 1024, 768, 360])
def test_a_long_note_leaves_the_names_of_jobs_readable(width: int, site: Site, world: World, alice: User) -> None:
    long = "The connection was closed by the server while rows were read, and all attempts are used up. " * 3
    Job.objects.filter(pk=world.failed_run.pk).update(message=long)
    with site.page_of(alice, width=width) as page:
        page.goto(f"/projects/{world.project.pk}/jobs/?q=is%3Arun")
        name = page.locator(f"#job-{world.failed_run.pk}-link")
        is_whole = name.evaluate(
            "name => name.scrollWidth <= name.clientWidth || getComputedStyle(name).display === 'inline'"
        )

        assert name.inner_text() == "Daily Sales Refresh"
        assert is_whole
        assert overflow_of(page) == []


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


@pytest.mark.parametrize("width", [1280, 1440])
def test_the_filters_of_the_overview_take_one_row(site: Site, world: World, alice: User, width: int) -> None:
    with site.page_of(alice, width=width) as page:
        middles = page.locator("#overview-filters :is(input[type=search], .chip, select)").evaluate_all(
            "parts => parts.map(part => part.getBoundingClientRect()).map(box => Math.round(box.top + box.height / 2))"
        )

        assert len(middles) == 11
        assert max(middles) - min(middles) <= 1


@pytest.mark.parametrize("width", [360, 1024, 1280])
def test_a_name_without_spaces_fits(site: Site, project: Project, alice: User, width: int) -> None:
    component = builders.build_configuration(project, name="N" * 250)
    orchestration = builders.build_orchestration(project, [builders.task(component, key="orders")], name="W" * 250)
    run = build_job(orchestration, JobStatus.ERROR)
    build_child(run, component, "orders", JobStatus.ERROR)
    own = f"/projects/{project.pk}/orchestrations/{orchestration.pk}/"

    with site.page_of(alice, width=width) as page:
        for address in [*(own + each for each in OWN), *(f"/projects/{project.pk}/{each}" for each in REST)]:
            answer = page.goto(address.format(run=run.pk, child=run.children.get().pk, component=component.pk))
            assert answer is not None
            assert (address, answer.status, overflow_of(page)) == (address, 200, [])
