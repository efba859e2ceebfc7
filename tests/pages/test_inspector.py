"""The trigger inspector: why it fired or did not, and what an update would do, on the wall of who reads it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from jobs.models import Job, TableUpdate, UpdateSource, WatchedTable
from orchestrations.models import Configuration, Project, Table, User
from scheduling import setting_triggers, triggering
from scheduling.models import EventTrigger
from tests import builders
from tests.builders import NOW, task

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    return builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily load")


@pytest.fixture
def orders(project: Project) -> Table:
    return builders.build_table(project, "in.c-sales.orders")


@pytest.fixture
def trigger(orchestration: Configuration, orders: Table, project: Project) -> EventTrigger:
    """On two tables, at most once in 50 minutes."""
    accounts = builders.build_table(project, "in.c-sales.accounts")
    return builders.build_trigger(orchestration, orders, accounts, cool_down_minutes=50)


def update(table: Table) -> None:
    table.revision += 1
    table.save(update_fields=["revision"])
    TableUpdate.objects.create(table=table, revision=table.revision, source=UpdateSource.IMPORT, at=NOW)


def inspected(client: Client, orchestration: Configuration, updated: str = "") -> str:
    """The words of the page."""
    url = reverse("event-trigger-inspector", args=[orchestration.project_id, orchestration.pk])
    page = client.get(url, {"updated": updated} if updated else {}).text
    return " ".join(re.sub(r"<[^>]+>", " ", page.split('id="main"')[-1]).split())


@time_machine.travel(NOW, tick=False)
def test_the_cool_down_ends_on_the_wall_of_who_reads(
    orchestration: Configuration, orders: Table, trigger: EventTrigger, alice: User, bob: User,
    as_alice: Client, as_bob: Client,
) -> None:  # fmt: skip
    """It began at 11:58 UTC: until 12:48, which is 13:48 in Prague and 21:48 in Tokyo."""
    WatchedTable.objects.update(baseline_at=NOW - 2 * MINUTE)
    update(orders)
    triggering.evaluate_updates(now=NOW)
    for person, zone, clock in ((alice, "Europe/Prague", "13:48"), (bob, "Asia/Tokyo", "21:48")):
        User.objects.filter(pk=person.pk).update(time_zone=zone)
        client = as_alice if person == alice else as_bob

        page, simulated = (inspected(client, orchestration, table) for table in ("", "in.c-sales.accounts"))

        assert f"Waits for 1 of 2 tables; cool-down until {clock}." in page
        assert f"Not fired: cool-down until {clock}; the next update after it is looked at." in page
        assert simulated.count(f"cool-down until {clock}; the next update after it is looked at.") == 2
        assert f"Times in {zone}." in page
        assert " UTC" not in page + simulated


@time_machine.travel(NOW, tick=False)
def test_it_says_what_is_awaited_and_which_job_it_started(
    orchestration: Configuration, orders: Table, trigger: EventTrigger, as_bob: Client
) -> None:
    update(orders)
    triggering.evaluate_updates(now=NOW)
    update(Table.objects.get(name="accounts"))
    triggering.evaluate_updates(now=NOW)

    page = inspected(as_bob, orchestration)

    assert "Not fired: in.c-sales.accounts still awaited." in page
    assert f"Fired: all tables were updated since the last execution. Job {Job.objects.get().pk}" in page


def test_a_simulated_update_says_what_would_happen_and_changes_nothing(
    orchestration: Configuration, orders: Table, trigger: EventTrigger, as_bob: Client
) -> None:
    awaited = inspected(as_bob, orchestration, "in.c-sales.orders")
    update(orders)
    fires = inspected(as_bob, orchestration, "in.c-sales.accounts")
    other = inspected(as_bob, orchestration, "in.c-sales.nothing")

    assert "If in.c-sales.orders were updated now: Not fired: in.c-sales.accounts still awaited." in awaited
    assert "If in.c-sales.accounts were updated now: it would fire" in fires
    assert "the trigger does not watch it" in other
    assert not trigger.evaluations.exists() and not Job.objects.exists()


def test_a_simulated_update_starts_nothing_of_what_cannot_start(
    orchestration: Configuration, orders: Table, trigger: EventTrigger, as_bob: Client
) -> None:
    """… a table that is gone, and a trigger that is switched off."""
    update(orders)
    label = "in.c-sales.accounts"
    Table.objects.get(name="accounts").delete()
    gone = inspected(as_bob, orchestration, label)
    setting_triggers.set_enabled(trigger, False, actor=builders.admin_of(orchestration.project), now=NOW)
    off = inspected(as_bob, orchestration, label)

    assert f"{label} cannot be read any more" in gone
    assert "No such table" in gone
    assert "Not fired: the trigger is switched off." in off
    assert "it would fire" not in gone + off
