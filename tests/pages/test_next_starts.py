"""Next 24 hours and 7 days: a picture, and beside it the same in words and rows."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from scheduling import planning
from scheduling.models import Schedule
from tests import builders
from tests.builders import NOW, task
from tests.pages.rows import build_job
from tests.pages.world import World

pytestmark = pytest.mark.django_db


def page_of(client: Client, project: Project, **query: str) -> str:
    return client.get(reverse("next-starts", args=[project.pk]), query).text


def build_daily(project: Project, name: str, expression: str, *tasks: Configuration, minutes: int) -> Configuration:
    """It has run once, for so long."""
    made = builders.build_orchestration(project, [task(each) for each in tasks], name=name)
    begun = NOW - timedelta(days=1)
    build_job(made, created_at=begun, started_at=begun, finished_at=begun + timedelta(minutes=minutes))
    builders.build_schedule(made, expression)
    return made


@time_machine.travel(NOW, tick=False)
def test_every_start_stands_in_the_picture_and_in_a_row(project: Project, as_alice: Client) -> None:
    User.objects.update(time_zone="Asia/Tokyo")
    build_daily(project, "Load", "0 15,16 * * *", builders.build_configuration(project), minutes=90)

    page = page_of(as_alice, project)
    bars = re.findall(r'<rect class="(waits|bar)[^"]*" x="([^"]+)%" width="([^"]+)%"', page)
    rows = [
        (datetime.fromisoformat(at), " ".join(re.sub(r"<[^>]+>", " ", rest).split()))
        for at, rest in re.findall(r'<tr><td class="nowrap"><time[^>]* datetime="([^"]+)"[^>]*>(.*?)</tr>', page)
    ]

    assert [kind for kind, _, _ in bars] == ["bar", "waits", "bar"]
    places = [round(float(number) / 100 * 24, 1) for _, *both in bars for number in both]
    assert places == [3, 1.5, 4, 0.5, 4.5, 1.5], "hours from now, and for so long"
    assert [at for at, _ in rows] == [NOW + timedelta(hours=3), NOW + timedelta(hours=4)]
    assert [words.split()[1] for _, words in rows] == ["00:00", "01:00"], "in Tokyo"
    assert all("usually 1 h 30 min" in words for _, words in rows)
    assert "waits about 30 min for the run before" in rows[1][1]


@time_machine.travel(NOW, tick=False)
def test_it_says_when_more_would_run_than_the_project_may_and_what_piles_up(project: Project, as_alice: Client) -> None:
    Project.objects.filter(pk=project.pk).update(parallel_jobs=2)
    many = [builders.build_configuration(project, name=f"Part {number}") for number in range(3)]
    build_daily(project, "Wide", "0 13 * * *", *many, minutes=30)
    build_daily(project, "Often", "*/30 * * * *", builders.build_configuration(project), minutes=58)

    page = page_of(as_alice, project)

    assert "13:00 to 13:30: up to 4 jobs want to run at once, the project&#x27;s limit is 2." in page
    assert "Usually takes 58 min and would start every 30 min: jobs will pile up" in page


@time_machine.travel(NOW, tick=False)
def test_of_very_many_collisions_some_are_named_and_all_are_counted(project: Project, as_alice: Client) -> None:
    shared = builders.build_configuration(project, name="Orders")
    for name in ("One", "Other"):
        build_daily(project, name, "0 * * * *", shared, minutes=10)

    page = page_of(as_alice, project)

    assert page.count("both run Orders; one waits for the other.") == 10
    assert "… and 13 more such times." in page


def test_the_next_24_hours_are_drawn_in_the_viewers_zone(world: World, alice: User, as_alice: Client) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="America/New_York")
    other = builders.build_orchestration(world.project, [builders.task(world.extractor)], name="Collides")
    for orchestration in (world.orchestration, other):
        start = timezone.now() - timedelta(days=1)
        done = builders.launch(orchestration)
        Job.objects.filter(pk=done.pk).update(
            status=JobStatus.SUCCESS, started_at=start, finished_at=start + timedelta(hours=1)
        )
    planning.add(
        other,
        planning.Wanted(expression="45 6 * * *", zone="Europe/Prague"),
        actor=builders.admin_of(world.project),
        now=timezone.now(),
    )

    page = as_alice.get(reverse("next-starts", args=[world.project.pk])).content.decode()

    assert "Times in America/New_York" in page
    assert "both run Orders; one waits for the other." in page
    planned = Schedule.objects.get(pk=world.schedule.pk).next_run_at
    assert planned is not None
    assert f"{planned.astimezone(ZoneInfo('America/New_York')):%H:%M}" in page
    week = as_alice.get(reverse("next-starts", args=[world.project.pk]), {"span": "week"}).content.decode()
    assert week.count(">Collides</a>") == 8  # seven starts and its line
    assert as_alice.get(reverse("next-starts", args=[world.project.pk]), {"span": "year"}).status_code == 404
