"""The dialogs of schedules and triggers, what was missed, and the next 24 hours."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Bucket, User
from scheduling import cron
from scheduling.models import EventTrigger, Schedule
from tests import builders
from tests.builders import NOW
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def new_url(world: World) -> str:
    return reverse("schedule-new", args=[world.project.pk, world.orchestration.pk])


def shown(page: str, name: str) -> str:
    """The value of a hidden or typed field."""
    return re.findall(rf'name="{name}"[^>]*value="([^"]*)"', page)[0]


@pytest.mark.parametrize(
    ("name", "of", "button"),
    [
        ("schedule-new", "orchestration", "Update the preview"),
        ("configuration-automate", "extractor", "Update the next schedules"),
    ],
)
def test_the_page_of_its_own_is_drawn_anew_by_a_button_and_the_dialog_by_itself(
    name: str, of: str, button: str, world: World, as_alice: Client
) -> None:
    address = reverse(name, args=[world.project.pk, getattr(world, of).pk])

    page = as_alice.get(address).text
    dialog = as_alice.get(address, headers={"HX-Request": "true"}).text

    assert button in page
    assert "<noscript>" not in page
    assert button not in dialog
    assert 'hx-trigger="change' in dialog


def test_choices_and_expression_follow_each_other(world: World, as_alice: Client) -> None:
    url = new_url(world)
    form: dict[str, Any] = {"mode": "custom", "shown_mode": "custom", "was": "0 0 * * *", "expression": "0 0 * * *"}

    chosen = as_alice.post(url, {**form, "minutes": ["0", "30"], "hours": ["0"]}).content.decode()
    assert shown(chosen, "expression") == "0,30 0 * * *"

    typed = as_alice.post(
        url, {**form, "expression": "15 8-10 * jan,jul mon-fri", "minutes": ["0"], "hours": ["0"]}
    ).content.decode()
    ticked = set(re.findall(r'id="(\w+-\d+)" value="\d+" checked', typed))
    assert shown(typed, "expression") == "15 8-10 * jan,jul mon-fri"
    assert ticked == {
        *("minutes-15", "hours-8", "hours-9", "hours-10", "months-1", "months-7"),
        *(f"weekdays-{day}" for day in range(1, 6)),
    }
    # What was not touched stays as it was written.
    kept = {"was": "15 8-10 * jan,jul mon-fri", "expression": "15 8-10 * jan,jul mon-fri"}
    touched = as_alice.post(
        url,
        {**form, **kept, "minutes": ["15", "45"], "hours": ["8", "9", "10"], "months": ["1", "7"]}
        | {"weekdays": ["1", "2", "3", "4", "5"]},
    ).content.decode()
    assert shown(touched, "expression") == "15,45 8-10 * jan,jul mon-fri"


@pytest.mark.parametrize(
    ("posted", "expression"),
    [
        ({"preset": "quarter"}, "*/15 * * * *"),
        ({"mode": "hourly", "minute": "5"}, "5 * * * *"),
        ({"mode": "daily", "hour": "6", "minute": "30"}, "30 6 * * *"),
        ({"mode": "weekly", "weekday": "0", "hour": "6", "minute": "0"}, "0 6 * * 0"),
        ({"mode": "daily", "hour": "99", "minute": "x"}, "0 0 * * *"),
    ],
)
def test_the_plain_modes_make_expressions(
    posted: dict[str, str], expression: str, world: World, as_alice: Client
) -> None:
    Schedule.objects.all().delete()

    as_alice.post(new_url(world), {"was": "0 0 * * *", "mode": "custom", **posted})
    as_alice.post(new_url(world), {"was": "0 0 * * *", "zone": "Europe/Prague", "action": "save", **posted})

    schedule = Schedule.objects.get()
    assert (schedule.expression, str(schedule.zone)) == (expression, "Europe/Prague")


def test_a_bad_expression_says_which_field(world: World, as_alice: Client) -> None:
    form = {"mode": "custom", "was": "0 0 * * *", "expression": "0 25 * * *", "action": "save"}

    answer = as_alice.post(new_url(world), form)

    assert answer.status_code == 422
    assert "Hours" in answer.content.decode()
    assert Schedule.objects.count() == 1


def test_the_preview_shows_two_zones_and_the_change_of_clocks(world: World, alice: User, as_alice: Client) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Tokyo")
    form = {"mode": "custom", "was": "x", "expression": "30 2 * * *", "zone": "Europe/Prague"}

    page = as_alice.post(new_url(world), form).content.decode()

    assert "Schedule Preview (in Europe/Prague Time Zone)" in page
    assert "My time, Asia/Tokyo" in page
    assert "Every day at 02:30" in page
    assert re.search(r"02:30 (does not exist|occurs twice) in Europe/Prague", page)


def test_the_dialog_says_beforehand_that_jobs_will_pile_up(world: World, as_alice: Client) -> None:
    Schedule.objects.all().delete()
    start = timezone.now() - timedelta(days=1)
    done = builders.launch(world.orchestration)
    Job.objects.filter(pk=done.pk).update(
        status=JobStatus.SUCCESS, started_at=start, finished_at=start + timedelta(hours=1)
    )

    page = as_alice.post(new_url(world), {"mode": "custom", "was": "x", "expression": "*/30 * * * *"}).content.decode()

    assert "Usually takes 1 h and would start every 30 min: jobs will pile up" in page
    assert "Usually takes 1 h (the last execution)." in page


def test_a_schedule_is_switched_paused_changed_and_removed(world: World, as_oscar: Client, as_alice: Client) -> None:
    address = [world.project.pk, world.schedule.pk]
    as_oscar.post(reverse("schedule-switch", args=address), {"enabled": "0"})
    world.schedule.refresh_from_db()
    assert (world.schedule.is_enabled, world.schedule.next_run_at) == (False, None)

    as_oscar.post(reverse("schedule-switch", args=address), {"enabled": "1"})
    until = timezone.now() + timedelta(days=30)
    as_oscar.post(reverse("schedule-pause", args=address), {"until": f"{until:%Y-%m-%dT%H:%M}"})
    world.schedule.refresh_from_db()
    assert world.schedule.next_run_at is not None
    assert world.schedule.next_run_at > until - timedelta(minutes=2)
    assert as_oscar.post(reverse("schedule-pause", args=address), {"until": "soon"}).status_code == 422

    as_alice.post(reverse("schedule", args=address), {"mode": "hourly", "minute": "7", "action": "save"})
    world.schedule.refresh_from_db()
    assert world.schedule.expression == "7 * * * *"

    as_alice.post(reverse("schedule-removal", args=address))
    assert not Schedule.objects.exists()


def test_several_schedules_each_have_their_own_settings_and_switch(world: World, as_alice: Client) -> None:
    Schedule.objects.all().delete()
    project = world.project.pk
    wanted = [("hourly", "none", "skip"), ("daily", "all", "wait")]
    for mode, catch_up, overlap in wanted:
        chosen = {"mode": mode, "minute": "5", "hour": "6", "catch_up": catch_up, "overlap": overlap}
        as_alice.post(new_url(world), {**chosen, "action": "save"})
    first, second = Schedule.objects.order_by("pk")

    as_alice.post(reverse("schedule-switch", args=[project, first.pk]), {"enabled": "0"})

    assert [(each.catch_up, each.overlap) for each in (first, second)] == [each[1:] for each in wanted]
    assert list(Schedule.objects.order_by("pk").values_list("is_enabled", flat=True)) == [False, True]
    page = as_alice.get(reverse("orchestration", args=[project, world.orchestration.pk])).text
    rows = {pk: page.split(f'id="schedule-{pk}"')[1].split("</li>")[0] for pk in (first.pk, second.pk)}
    assert ['aria-checked="true"' in rows[each.pk] for each in (first, second)] == [False, True]
    for each, (_, catch_up, overlap) in zip((first, second), wanted, strict=True):
        dialog = as_alice.get(reverse("schedule", args=[project, each.pk])).text
        assert {catch_up, overlap} <= set(re.findall(r'<option value="(\w+)" selected>', dialog))
        assert "Remove Schedule" in dialog


def test_a_trigger_is_set_inspected_and_removed(world: World, as_alice: Client, as_bob: Client) -> None:
    builders.build_table(world.project, "in.c-shop.customers")
    url = reverse("event-trigger", args=[world.project.pk, world.orchestration.pk])
    listed = {"table": ["in.c-shop.orders"], "cool_down": "50", "fires_when": "next_update"}

    drawn = as_alice.post(url, {**listed, "add": "in.c-shop.customers"}).content.decode()
    assert drawn.count('name="table"') == 2
    refused = as_alice.post(url, {**listed, "add": "in.c-shop.nothing", "action": "save"})
    assert refused.status_code == 422
    assert "there is no table in.c-shop.nothing" in refused.content.decode()

    both = {**listed, "table": ["in.c-shop.orders", "in.c-shop.customers"]}
    assert as_alice.post(url, {**both, "action": "save"}).status_code == 302
    assert EventTrigger.objects.get().cool_down_minutes == 50

    inspector = reverse("event-trigger-inspector", args=[world.project.pk, world.orchestration.pk])
    page = as_bob.get(inspector, {"updated": "in.c-shop.orders"}).content.decode()
    assert "Waits for 1 of 2 tables" in page
    assert "If <code>in.c-shop.orders</code> were updated now: " in page
    assert not EventTrigger.objects.get().evaluations.exists()

    as_alice.post(url, {"action": "remove"})
    assert not EventTrigger.objects.exists()


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_the_dialog_warns_of_a_table_that_it_writes_itself(levels: int, world: World, as_alice: Client) -> None:
    """… or that an orchestration does which it runs, at whatever level."""
    document = {
        "parameters": {"command": ["true"]},
        "storage": {"output": {"tables": [{"source": "orders.csv", "destination": "in.c-shop.orders"}]}},
    }
    orchestration = builders.build_configuration(world.project, document=document)
    for _ in range(levels + 1):
        orchestration = builders.build_orchestration(world.project, [builders.task(orchestration)])
    url = reverse("event-trigger", args=[world.project.pk, orchestration.pk])

    written, other = (
        as_alice.post(url, {"add": table, "cool_down": "5"}).text for table in ("in.c-shop.orders", "in.c-shop.other")
    )

    assert "its own runs would start the next one" in written
    assert "its own runs would start the next one" not in other


def test_what_was_missed_while_it_was_off_is_offered(world: World, as_alice: Client) -> None:
    now, schedule = timezone.now(), world.schedule
    Schedule.objects.filter(pk=schedule.pk).update(
        ignored_since=now - timedelta(days=2), next_run_at=cron.next_after(schedule.expression, schedule.zone, now)
    )
    page_url = reverse("orchestration", args=[world.project.pk, world.orchestration.pk])
    assert "missed while it was disabled" in as_alice.get(page_url).content.decode()
    url = reverse("schedule-missed", args=[world.project.pk, world.orchestration.pk])
    offered = re.findall(r'name="chosen" value="([^"]+)"', as_alice.get(url).content.decode())
    runs = Job.objects.count()

    as_alice.post(url, {"chosen": [offered[0]]})

    assert Job.objects.count() == runs + 1
    assert "missed while it was disabled" not in as_alice.get(page_url).content.decode()


@pytest.mark.parametrize("source", ["list", ""])
def test_switching_on_again_leads_to_the_dialog_of_what_was_missed(source: str, world: World, as_oscar: Client) -> None:
    address = [world.project.pk, world.orchestration.pk]
    switch, missed_url = reverse("orchestration-switch", args=address), reverse("schedule-missed", args=address)
    target = f"{'orchestration' if source else 'switch'}-{world.orchestration.pk}"
    by_htmx = {"HX-Request": "true", "HX-Target": target}
    posted = {"enabled": "1", "from": source}

    nothing_missed = as_oscar.post(switch, posted, headers=by_htmx)
    now, schedule = timezone.now(), world.schedule
    Schedule.objects.filter(pk=schedule.pk).update(
        ignored_since=now - timedelta(days=2), next_run_at=cron.next_after(schedule.expression, schedule.zone, now)
    )
    off = as_oscar.post(switch, {**posted, "enabled": "0"}, headers=by_htmx)
    on = as_oscar.post(switch, posted, headers=by_htmx)
    plain = as_oscar.post(switch, posted)

    assert json.loads(on["HX-Trigger"]) == {"dialog-offered": {"url": missed_url}}
    assert f'id="{target}"' in on.text
    assert not {"HX-Trigger"} & {*off.headers, *nothing_missed.headers}
    assert plain["Location"] == missed_url
    assert "Start what is checked" in as_oscar.get(missed_url).text


def test_a_pause_that_is_over_is_shown_no_more(world: World, as_oscar: Client) -> None:
    page_url = reverse("orchestration", args=[world.project.pk, world.orchestration.pk])
    pause_url = reverse("schedule-pause", args=[world.project.pk, world.schedule.pk])
    until = timezone.now() + timedelta(hours=2)
    as_oscar.post(pause_url, {"until": f"{until:%Y-%m-%dT%H:%M}"})
    paused = (as_oscar.get(page_url).text, as_oscar.get(pause_url).text)

    with time_machine.travel(until + timedelta(minutes=1), tick=False):
        over = (as_oscar.get(page_url).text, as_oscar.get(pause_url).text)

    assert ["aused until" in page for page in (*paused, *over)] == [True, True, False, False]
    assert "Go on<" in paused[0] and "Go on<" not in over[0]


@time_machine.travel(NOW, tick=False)
def test_the_zone_menu_begins_with_utc_and_ones_own_and_tells_every_clock(
    world: World, alice: User, as_alice: Client
) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Kathmandu")

    page = as_alice.get(new_url(world)).text
    options = re.findall(
        r'<option value="([^"]+)"( selected)?>([^<]+)</option>',
        page.split('id="schedule-zone"')[1].split("</select>")[0],
    )

    assert [(name, bool(chosen), words) for name, chosen, words in options[:2]] == [
        ("UTC", True, "UTC, 12:00 (UTC+00:00)"),
        ("Asia/Kathmandu", False, "My Time Zone (Asia/Kathmandu, 17:45 (UTC+05:45))"),
    ]
    names = {name: words for name, _, words in options}
    assert {"America/New_York", "Pacific/Chatham", "Europe/Prague", "Africa/Cairo"} <= names.keys()
    assert len(names) > 400
    assert all(re.search(r"\d\d:\d\d \(UTC[+-]\d\d:\d\d\)", words) for words in names.values())


def test_a_linked_bucket_s_tables_are_offered_with_their_owner(world: World, alice: User, as_alice: Client) -> None:
    other = builders.build_project(alice, "Finance")
    shared = builders.build_table(other, "out.c-ledger.bookings")
    Bucket.objects.create(
        project=world.project, stage="in", name="c-finance", source=shared.bucket, created_at=timezone.now()
    )
    url = reverse("event-trigger", args=[world.project.pk, world.orchestration.pk])

    page = as_alice.get(url).text
    added = as_alice.post(url, {"add": "in.c-finance.bookings", "cool_down": "5"}).text

    assert '<option value="in.c-finance.bookings">shared by Finance</option>' in page
    assert "shared by Finance" in added.split('value="in.c-finance.bookings"')[1]
