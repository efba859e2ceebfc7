""" "Automate": from one configuration to an orchestration of its own that starts by itself."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, User
from tests.builders import NOW
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def address(name: str, configuration: Configuration) -> str:
    return reverse(name, args=[configuration.project_id, configuration.pk])


@pytest.mark.parametrize(("typed", "name"), [("", "Automated Publish"), (" Nightly ", "Nightly")])
def test_automating_makes_an_orchestration_of_one_task(typed: str, name: str, world: World, as_alice: Client) -> None:
    response = as_alice.post(address("configuration-automate", world.writer), {"name": typed})

    made = Configuration.objects.get(name=name, component_id=ORCHESTRATOR)
    assert response["Location"] == address("orchestration", made)
    assert [each.configuration for each in made.tasks.all()] == [world.writer]
    assert [str(each) for each in get_messages(response.wsgi_request)] == [f"{name} created."]


SCHEDULED = {"starts": "schedule", "mode": "daily", "hour": "6", "minute": "30", "zone": "Europe/Prague"}


def test_automating_sets_up_its_schedule(world: World, as_alice: Client) -> None:
    response = as_alice.post(address("configuration-automate", world.writer), {**SCHEDULED, "name": "Nightly"})

    made = Configuration.objects.get(name="Nightly")
    assert response["Location"] == address("orchestration", made)
    assert [each.words for each in made.schedules.all()] == ["Every day at 06:30, Europe/Prague"]


def test_the_dialog_shows_the_next_starts_before_anything_is_made(world: World, as_alice: Client) -> None:
    url = address("configuration-automate", world.writer)

    drawn = as_alice.post(url, {**SCHEDULED, "action": "draw", "name": "Nightly"}, headers=HTMX)
    preset = as_alice.post(url, {**SCHEDULED, "preset": "quarter", "name": "Nightly"}, headers=HTMX)

    assert "Every day at 06:30, Europe/Prague" in drawn.text and 'value="Nightly"' in drawn.text
    assert "Every 15 minutes, Europe/Prague" in preset.text
    assert not Configuration.objects.filter(name="Nightly").exists()


def next_schedules(page: str) -> list[tuple[str, str, str]]:
    """What "Next Schedules" shows: the moment, and how it is written in the first column and in the second."""
    section = page.split("Next Schedules (in your local time)</h3>")[1].split("</section>")[0]
    cells = r'<tr><td><time datetime="([^"]+)">([^<]+)</time></td>(?:<td>([^<]+)</td>)?</tr>'
    return re.findall(cells, section)


@time_machine.travel(NOW, tick=False)
def test_the_next_schedules_are_in_the_viewers_local_time(world: World, alice: User, as_alice: Client) -> None:
    """… whatever the schedule's zone is: there it is the next day already."""
    new_york = ZoneInfo("America/New_York")
    User.objects.filter(pk=alice.pk).update(time_zone=new_york)
    chosen = {**SCHEDULED, "action": "draw", "zone": "Asia/Tokyo", "name": "Nightly"}

    page = as_alice.post(address("configuration-automate", world.writer), chosen, headers=HTMX).text
    found = next_schedules(page)

    assert [(here, there) for _, here, there in found] == [
        (f"{day} {number} Nov, 16:30", f"{next_day} {number + 1} Nov, 06:30")
        for day, number, next_day in [
            ("Mon", 23, "Tue"), ("Tue", 24, "Wed"), ("Wed", 25, "Thu"), ("Thu", 26, "Fri"), ("Fri", 27, "Sat")
        ]
    ]  # fmt: skip
    for at, here, _ in found:
        assert f"{datetime.fromisoformat(at).astimezone(new_york):%H:%M}" == here[-5:]
    assert re.findall(r'scope="col">([^<]+)<', page) == ["My time, America/New_York", "Asia/Tokyo"]


@time_machine.travel(NOW, tick=False)
def test_the_next_schedules_follow_the_schedule_that_is_chosen(world: World, alice: User, as_alice: Client) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Prague")
    url = address("configuration-automate", world.writer)

    first = next_schedules(as_alice.get(url, headers=HTMX).text)
    daily = next_schedules(as_alice.post(url, {**SCHEDULED, "action": "draw"}, headers=HTMX).text)
    weekly = {**SCHEDULED, "mode": "weekly", "weekday": "5", "action": "draw"}
    fridays = next_schedules(as_alice.post(url, weekly, headers=HTMX).text)

    assert [here[-5:] for _, here, _ in first] == ["01:00"] * 5, "every day at midnight of UTC is offered"
    assert daily[0][1] == "Tue 24 Nov, 06:30"
    assert [here for _, here, _ in fridays][:2] == ["Fri 27 Nov, 06:30", "Fri 4 Dec, 06:30"]
    assert {there for _, _, there in daily} == {""}, "one column when both zones are one"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mode": "custom", "expression": "61 * * * *"}, "Minute"),
        ({"mode": "custom", "expression": "0 0 30 2 *"}, "never"),
        ({"zone": "Europe/Nowhere"}, "Europe/Nowhere"),
    ],
)
def test_without_its_schedule_it_is_not_made(
    wrong: dict[str, str], sentence: str, world: World, as_alice: Client
) -> None:
    answer = as_alice.post(address("configuration-automate", world.writer), {**SCHEDULED, **wrong, "name": "Nightly"})

    assert answer.status_code == 422
    assert sentence.casefold() in answer.text.split('id="automate-form"')[1].casefold()
    assert not Configuration.objects.filter(name="Nightly").exists()


def test_a_name_that_is_too_long_is_refused(world: World, as_alice: Client) -> None:
    response = as_alice.post(address("configuration-automate", world.writer), {"name": "x" * 256}, headers=HTMX)

    assert response.status_code == 422
    assert "Must have at most 255 characters" in response.text
    assert "x" * 256 in response.text
