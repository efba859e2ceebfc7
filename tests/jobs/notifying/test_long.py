"""Longer than usual is noticed while the job runs, once for each bound that somebody asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Cause, Job, Notice
from jobs.notifying import expanding, noticing
from jobs.states import JobStatus
from orchestrations import subscribing
from orchestrations.access import Actor
from orchestrations.models import Configuration, EventType, Project, User
from orchestrations.subscribing import Wanted
from tests import builders
from tests.builders import NOW, task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    """It has run once, and took 100 seconds."""
    found = builders.build_orchestration(project, [task(builders.build_configuration(project, name="Only"))])
    first = builders.launch(found)
    builders.drain(builders.build_cluster())
    Job.objects.filter(pk=first.pk).update(started_at=NOW, finished_at=NOW + timedelta(seconds=100))
    Notice.objects.all().delete()
    return found


def test_each_bound_is_noticed_once(orchestration: Configuration) -> None:
    for percent in (20, 50):
        subscribe(orchestration, percent)
    run = builders.launch(orchestration, actor=Actor(token=orchestration.own_tokens.get()), cause=Cause.SCHEDULE)
    run.refresh_from_db()
    start = run.started_at
    assert start is not None

    found = [noticing.notice_long(now=start + timedelta(seconds=seconds)) for seconds in (119, 121, 140, 151, 160)]

    assert found == [0, 1, 0, 1, 0]
    expanding.expand(now=timezone.now())
    rows = Notice.objects.order_by("pk").values_list("overtime_percent", "usual_seconds", "deliveries__address")
    assert list(rows) == [(20, 100.0, "at-20@example.org"), (50, 100.0, "at-50@example.org")]


def test_a_person_is_told_of_their_own_run(orchestration: Configuration, alice: User) -> None:
    subscribe(orchestration, 50)
    run = builders.launch(orchestration, actor=Actor(user=alice))
    run.refresh_from_db()
    assert run.started_at is not None

    assert noticing.notice_long(now=run.started_at + timedelta(seconds=160)) == 1
    expanding.expand(now=timezone.now())

    assert list(Notice.objects.values_list("deliveries__address", flat=True)) == [alice.email]


def test_before_the_first_there_is_no_usual(orchestration: Configuration, alice: User) -> None:
    Job.objects.update(status=JobStatus.ERROR)
    run = builders.launch(orchestration, actor=Actor(user=alice))
    run.refresh_from_db()
    assert run.started_at is not None

    assert noticing.notice_long(now=run.started_at + timedelta(days=1)) == 0


def subscribe(orchestration: Configuration, percent: int) -> None:
    subscribing.subscribe(
        orchestration.project,
        orchestration,
        Wanted(event=EventType.LONG, channel="email", address=f"at-{percent}@example.org", overtime_percent=percent),
        actor=builders.admin_of(orchestration.project),
        now=NOW,
    )
