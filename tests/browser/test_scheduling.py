"""Both schedule dialogs as two people use them who live in different zones: each sees their own times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from jobs.models import Job
from orchestrations.models import Configuration, Project, Role, User
from scheduling.models import Evaluation, EventTrigger, Schedule, Verdict
from tests import builders
from tests.browser.conftest import PATIENCE_MS, Site, wait_until_settled
from tests.builders import task

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=PATIENCE_MS)

PRAGUE, CHATHAM = ZoneInfo("Europe/Prague"), ZoneInfo("Pacific/Chatham")


@pytest.fixture
def people(project: Project, alice: User) -> dict[ZoneInfo, User]:
    """Alice in Prague, and Dana on the Chatham Islands, whose clock differs by an odd number of minutes."""
    dana = builders.build_member(project, "dana@example.org", Role.EDITOR)
    people = {PRAGUE: alice, CHATHAM: dana}
    for zone, person in people.items():
        User.objects.filter(pk=person.pk).update(time_zone=zone)
    return people


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    return builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily")


def address(name: str, of: Configuration) -> str:
    return reverse(name, args=[of.project_id, of.pk])


def clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def starts_in(dialog: Locator) -> list[tuple[datetime, str]]:
    """Of the preview: each moment, and what stands beside it as the viewer's own time."""
    rows = dialog.locator(".preview tbody tr").all()
    return [
        (
            datetime.fromisoformat(row.locator("time").get_attribute("datetime") or ""),
            row.locator("td").nth(1).inner_text(),
        )
        for row in rows
    ]


def expect_own_times(dialog: Locator, zone: ZoneInfo) -> list[datetime]:
    expect(dialog.get_by_role("columnheader", name=f"My time, {zone.key}")).to_be_visible()
    starts = starts_in(dialog)
    assert len(starts) == 5
    assert [words[-5:] for _, words in starts] == [clock(moment, zone) for moment, _ in starts]
    return [moment.astimezone(UTC) for moment, _ in starts]


def expect_own_time(element: Locator, moment: datetime, zone: ZoneInfo) -> None:
    """A moment is shown, and named whole in its title, in the zone of who looks."""
    there = moment.astimezone(zone)
    expect(element).to_have_attribute("title", re.compile(rf"^{there:%Y-%m-%d %H:%M:%S} .*{zone.key}"))


def test_a_schedule_in_utc_is_seen_by_each_in_their_own_time(
    site: Site, orchestration: Configuration, people: dict[ZoneInfo, User]
) -> None:
    page: Page
    with site.page_of(people[PRAGUE]) as page:
        page.goto(address("orchestration", orchestration))
        page.get_by_role("link", name="Set up a schedule").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Once a day").click()
        expect(dialog.get_by_text("Every day at 00:00", exact=True)).to_be_visible()
        dialog.get_by_label("Hour").select_option("13")
        expect(dialog.get_by_text("Every day at 13:00", exact=True)).to_be_visible()
        dialog.get_by_label("Minute").select_option("15")
        expect(dialog.get_by_text("Every day at 13:15", exact=True)).to_be_visible()
        by_alice = expect_own_times(dialog, PRAGUE)
        dialog.get_by_role("button", name="Set Up Schedule").click()
        expect(page.locator("#schedules")).to_contain_text("Every day at 13:15")
        made = Schedule.objects.get()
        assert (made.expression, str(made.zone), made.next_run_at) == ("15 13 * * *", "UTC", by_alice[0])
        expect(page.locator("#schedule-card")).to_contain_text(clock(by_alice[0], PRAGUE))
        expect_own_time(page.locator("#schedule-card time").last, by_alice[0], PRAGUE)

    with site.page_of(people[CHATHAM]) as page:
        page.goto(address("orchestration", orchestration))
        expect(page.locator("#schedule-card")).to_contain_text(clock(by_alice[0], CHATHAM))
        expect_own_time(page.locator("#schedule-card time").last, by_alice[0], CHATHAM)
        page.get_by_role("link", name="Edit Every day at 13:15").click()
        by_dana = expect_own_times(page.get_by_role("dialog"), CHATHAM)

    assert [(each.hour, each.minute) for each in by_alice] == [(13, 15)] * 5
    assert by_dana == by_alice
    assert clock(by_alice[0], PRAGUE) != clock(by_alice[0], CHATHAM)


def test_a_trigger_is_set_by_one_and_read_by_another_in_their_own_time(
    site: Site, project: Project, orchestration: Configuration, people: dict[ZoneInfo, User]
) -> None:
    table = builders.build_table(project, "in.c-sales.orders")
    builders.build_import(table)
    imported = timezone.now() - timedelta(hours=7)
    type(table).objects.filter(pk=table.pk).update(updated_at=imported)

    with site.page_of(people[PRAGUE]) as page:
        page.goto(address("orchestration", orchestration))
        page.get_by_role("link", name="Set up a schedule").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("link", name="Triggered").click()
        dialog.get_by_label("Add a table").fill("in.c-sales.orders")
        dialog.get_by_role("button", name="Add", exact=True).last.click()
        expect_own_time(dialog.locator("tbody time"), imported, PRAGUE)
        dialog.get_by_label("Run max once per").fill("50")
        dialog.get_by_role("button", name="Set Up Schedule").click()
        expect(page.locator("#event-trigger")).to_be_visible()

    trigger = EventTrigger.objects.get()
    assert (trigger.cool_down_minutes, trigger.orchestration_id) == (50, orchestration.pk)
    looked = timezone.now() - timedelta(hours=5)
    ends_at = looked + timedelta(seconds=1)
    sentence = f"Not fired: cool-down until {ends_at:%Y-%m-%d %H:%M:%S} UTC."
    Evaluation.objects.create(trigger=trigger, at=looked, verdict=Verdict.COOLING_DOWN, sentence=sentence)

    for zone, person in people.items():
        with site.page_of(person) as page:
            page.goto(address("orchestration", orchestration))
            page.get_by_role("link", name="Inspect").click()
            dialog = page.get_by_role("dialog")
            expect(dialog.get_by_role("heading", name="Trigger inspector")).to_be_visible()
            expect_own_time(dialog.get_by_role("table", name="Tables of the trigger").locator("time"), imported, zone)
            evaluations = dialog.get_by_role("table", name="Evaluations")
            expect_own_time(evaluations.locator("time"), looked, zone)
            expect(evaluations).to_contain_text(re.compile(rf"cool-down until .*{clock(ends_at, zone)}\."))


def test_the_next_schedules_of_a_configuration_are_in_the_local_time_of_each(
    site: Site, project: Project, people: dict[ZoneInfo, User]
) -> None:
    load = builders.build_configuration(project, name="Load")

    for zone, person in people.items():
        with site.page_of(person) as page:
            page.goto(reverse("configuration", args=[project.pk, load.pk]))
            page.get_by_role("link", name="Automate").click()
            section = page.get_by_role("dialog").get_by_role("region", name="Next Schedules (in your local time)")
            expect(section.get_by_role("columnheader").first).to_have_text(f"My time, {zone.key}")
            page.get_by_role("button", name="Every hour").click()
            expect(section).to_contain_text("Every hour")
            hourly = local_starts_in(section, zone)
            page.get_by_label("Run", exact=True).select_option("daily")
            expect(page.get_by_label("Hour")).to_be_visible()
            page.get_by_label("Hour").select_option("13")
            expect(section).to_contain_text("Every day at 13:00, UTC")
            daily = local_starts_in(section, zone)

        assert {later - earlier for earlier, later in pairwise(hourly)} == {timedelta(hours=1)}
        assert [(each.hour, each.minute) for each in daily] == [(13, 0)] * 5


def local_starts_in(section: Locator, zone: ZoneInfo) -> list[datetime]:
    """The moments, each of them written in the viewer's zone."""
    times = section.locator("tbody time").all()
    moments = [datetime.fromisoformat(each.get_attribute("datetime") or "").astimezone(UTC) for each in times]
    assert [each.inner_text()[-5:] for each in times] == [clock(moment, zone) for moment in moments]
    assert len(moments) == 5
    return moments


def test_switching_on_again_opens_the_dialog_of_what_was_missed(
    site: Site, orchestration: Configuration, alice: User
) -> None:
    now = timezone.now()
    Configuration.objects.filter(pk=orchestration.pk).update(is_disabled=True)
    next_run_at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    schedule = builders.build_schedule(
        orchestration, "0 * * * *", next_run_at=next_run_at, ignored_since=now - timedelta(minutes=150)
    )

    with site.page_of(alice) as page:
        page.goto(address("orchestration", orchestration))
        switch = page.locator(f"#switch-{orchestration.pk}-button")
        switch.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Missed starts")).to_be_visible()
        expect(switch).to_have_attribute("aria-checked", "true")
        page.keyboard.press("Escape")
        expect(switch).to_be_focused()
        assert not Job.objects.exists()
        switch.press("Enter")
        expect(switch).to_have_attribute("aria-checked", "false")
        wait_until_settled(page)
        switch.press("Enter")
        dialog.get_by_role("checkbox").first.check()
        dialog.get_by_role("button", name="Start what is checked").click()
        expect(page.get_by_text("1 run started.")).to_be_visible()

    firing = schedule.firings.get()
    assert firing.due_at == next_run_at - timedelta(hours=1)
    assert firing.job == Job.objects.roots().get()


def test_a_zone_is_found_by_typing_and_the_preview_follows(
    site: Site, orchestration: Configuration, people: dict[ZoneInfo, User]
) -> None:
    with site.page_of(people[PRAGUE]) as page:
        page.goto(address("orchestration", orchestration))
        page.get_by_role("link", name="Set up a schedule").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Schedule Preview (in UTC Time Zone)")).to_be_visible()
        dialog.get_by_label("Search a time zone").fill("kath")
        zone = dialog.get_by_label("Orchestration Time Zone")
        expect(zone.locator("option")).to_have_text([re.compile("Asia/Kathmandu, .*UTC")])
        dialog.get_by_label("Search a time zone").press("Tab")
        expect(dialog.get_by_role("heading", name="Schedule Preview (in Asia/Kathmandu Time Zone)")).to_be_visible()
        starts = expect_own_times(dialog, PRAGUE)
        dialog.get_by_role("button", name="Set Up Schedule").click()
        expect(page.locator("#schedules")).to_contain_text("Asia/Kathmandu")

    schedule = Schedule.objects.get()
    assert (str(schedule.zone), schedule.next_run_at) == ("Asia/Kathmandu", starts[0])


TYPES = """(field) => {
  const region = document.querySelector("dialog[open] > [data-announcer]");
  window.spoken = [];
  new MutationObserver(() => spoken.push(region.textContent)).observe(region, { childList: true });
  for (const text of ["k", "ka", "kat", "kath"]) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""


def test_how_many_zones_are_found_is_spoken_once(
    site: Site, orchestration: Configuration, people: dict[ZoneInfo, User]
) -> None:
    with site.page_of(people[PRAGUE]) as page:
        page.goto(address("orchestration", orchestration))
        page.get_by_role("link", name="Set up a schedule").click()
        page.get_by_role("dialog").get_by_label("Search a time zone").evaluate(TYPES)
        page.wait_for_function("() => window.spoken.length > 0")
        assert page.evaluate("() => window.spoken") == ["1 found"]


def test_the_preview_of_a_long_zone_fits_a_small_screen(
    site: Site, orchestration: Configuration, people: dict[ZoneInfo, User]
) -> None:
    schedule = builders.build_schedule(orchestration, "30 2 * * *", zone="America/Argentina/ComodRivadavia")

    with site.page_of(people[PRAGUE]) as page:
        page.set_viewport_size({"width": 360, "height": 700})
        page.goto(reverse("schedule", args=[orchestration.project_id, schedule.pk]))
        edges = page.evaluate(
            """() => {
              const aside = document.querySelector(".schedule__preview");
              const right = (element) => element.getBoundingClientRect().right;
              const inside = (selector) => right(aside.querySelector(selector));
              return {
                aside: right(aside), table: inside("table"), title: inside("h3"), close: inside("[data-close]"),
                closeEnd: aside.querySelector("[data-close]").getBoundingClientRect().bottom,
                top: aside.getBoundingClientRect().top,
              };
            }"""
        )

    assert edges["table"] < edges["aside"] - 8
    assert edges["title"] < edges["close"] - 16
    assert edges["closeEnd"] < edges["top"], "Close stands at the top of the dialog, not amidst it."
