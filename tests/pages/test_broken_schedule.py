"""A schedule that cannot be read any more: a zone that is gone, an expression that no cron knows. It hides no other."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scheduling import ticking
from scheduling.models import Schedule
from tests import builders
from tests.pages.world import World

pytestmark = pytest.mark.django_db

BROKEN = {
    "zone": ("Mars/Olympus", "Time zone: &#x27;Mars/Olympus&#x27; is not known."),
    "expression": ("61 * * * *", "Minutes: 61 is not between 0 and 59."),
}


@pytest.fixture(params=BROKEN)
def sentence(request: pytest.FixtureRequest, world: World) -> str:
    """Breaks the schedule; why it cannot be read."""
    value, sentence = BROKEN[request.param]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE scheduling_schedule SET {request.param} = %s", [value])
    return sentence


def test_pages_show_the_others_and_why(sentence: str, world: World, as_alice: Client) -> None:
    builders.build_schedule(world.orchestration, "7 * * * *", next_run_at=timezone.now())
    project, orchestration = [world.project.pk], [world.project.pk, world.orchestration.pk]

    pages = {
        name: as_alice.get(reverse(name, args=args)).text
        for name, args in [
            ("orchestration", orchestration),
            ("orchestrations", project),
            ("dashboard", project),
            ("next-starts", project),
            ("schedule-new", orchestration),
            ("schedule-missed", orchestration),
        ]
    }

    assert sentence in pages["orchestration"]
    for name in ("orchestration", "next-starts"):
        assert "At minute 7 of every hour" in pages[name]
    assert "2 schedules" in pages["orchestrations"]
    assert world.orchestration.name in pages["dashboard"]


def test_it_is_switched_off_and_put_right_but_not_on(sentence: str, world: World, as_alice: Client) -> None:
    address = [world.project.pk, world.schedule.pk]
    dialog, switch = reverse("schedule", args=address), reverse("schedule-switch", args=address)

    as_alice.post(switch, {"enabled": "0"})
    refused = as_alice.post(switch, {"enabled": "1"}, follow=True)
    assert sentence in refused.text and "Edit the schedule first." in refused.text
    assert Schedule.objects.get().is_enabled is False
    assert as_alice.get(dialog).status_code == 200
    as_alice.post(dialog, {"mode": "hourly", "minute": "7", "zone": "UTC", "action": "save"})
    as_alice.post(switch, {"enabled": "1"})

    schedule = Schedule.objects.get()
    assert (schedule.words, schedule.is_enabled) == ("At minute 7 of every hour, UTC", True)


def test_a_pause_is_refused_with_the_reason(sentence: str, world: World, as_alice: Client) -> None:
    url = reverse("schedule-pause", args=[world.project.pk, world.schedule.pk])

    answer = as_alice.post(url, {"until": f"{timezone.now().year + 1}-01-01T08:00"})

    assert (answer.status_code, sentence in answer.text) == (422, True)


def test_a_scheduler_writes_the_reason_down(sentence: str, world: World, as_alice: Client) -> None:
    now = timezone.now()
    Schedule.objects.update(next_run_at=now)
    other = builders.build_schedule(world.orchestration, "7 * * * *", next_run_at=now)

    assert len(ticking.tick(now=now).run_ids) == 1

    (error,) = Schedule.objects.exclude(pk=other.pk).values_list("last_error", flat=True)
    assert sentence.replace("&#x27;", "'") in error
