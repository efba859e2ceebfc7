"""R20 as a matrix, through a real mail server that refuses first and comes back: exactly who receives what, once.

What started it x how it ended x who has subscribed. The expectation is R20's own sentence, not the code's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import launching, terminating
from jobs.models import Cause, Delivery, DeliveryStatus, Job, Notice
from jobs.notifying import delivering, expanding, noticing
from jobs.notifying.delivering import WAITS
from jobs.states import JobStatus
from orchestrations import subscribing, tokens
from orchestrations.access import Actor
from orchestrations.models import Channel, Configuration, EventType, Project, User
from orchestrations.subscribing import Wanted
from tests import builders
from tests.builders import NOW, task
from tests.jobs.notifying.smtp import Postbox, running

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "list@example.org"
LONG = "long"
SUBJECTS = {
    JobStatus.SUCCESS: "Succeeded: ",
    JobStatus.WARNING: "Ended with a warning: ",
    JobStatus.ERROR: "Failed: ",
    LONG: "Takes longer than usual: ",
}
OUTCOMES = [*SUBJECTS, JobStatus.TERMINATED, JobStatus.CANCELLED]
SUBSCRIPTIONS = (
    # What is asked of the database is the same for none, one or two.
    *(pytest.param(each, marks=pytest.mark.one_database) for each in ("nobody", "a list")),
    "a list and the person",
)
Start = Callable[[Configuration, User], Job]


def by_page(run: Configuration, alice: User) -> Job:
    return builders.launch(run, actor=Actor(user=alice))


def by_api_with_a_token_of_a_person(run: Configuration, alice: User) -> Job:
    token, _ = tokens.create_personal(run.project, alice, description="Laptop", now=NOW)
    return builders.launch(run, actor=Actor(user=alice, token=token))


def by_api_with_a_trigger_token(run: Configuration, alice: User) -> Job:
    return builders.launch(run, actor=trigger_token(run, alice))


def by_schedule(run: Configuration, alice: User) -> Job:
    return builders.launch(run, actor=Actor(token=run.own_tokens.get()), cause=Cause.SCHEDULE)


def by_event_trigger(run: Configuration, alice: User) -> Job:
    return builders.launch(run, actor=Actor(token=run.own_tokens.get()), cause=Cause.TRIGGER)


def by_retry_of_a_person(run: Configuration, alice: User) -> Job:
    """Of a run that nobody watched."""
    return launching.retry(failed(run, Cause.SCHEDULE), actor=Actor(user=alice), now=timezone.now())


def by_retry_with_a_trigger_token(run: Configuration, alice: User) -> Job:
    """Of a run that a person had started."""
    return launching.retry(failed(run, Cause.PERSON), actor=trigger_token(run, alice), now=timezone.now())


STARTS: dict[Start, str] = {
    by_page: "person",
    by_api_with_a_token_of_a_person: "person",
    by_retry_of_a_person: "person",
    by_api_with_a_trigger_token: "lists",
    by_schedule: "lists",
    by_event_trigger: "lists",
    by_retry_with_a_trigger_token: "lists",
}

RETRIED: dict[Start, Start] = {by_retry_of_a_person: by_schedule, by_retry_with_a_trigger_token: by_page}
"""What a retry is of."""


@pytest.fixture
def daily(project: Project, alice: User) -> Configuration:
    """Alice wants to be told of everything."""
    User.objects.filter(pk=alice.pk).update(mail_on_success=True)
    found = builders.build_orchestration(project, [task(builders.build_configuration(project, name="Only"))])
    Configuration.objects.filter(pk=found.pk).update(name="Daily")
    found.refresh_from_db()
    return found


@pytest.mark.parametrize("subscribed", SUBSCRIPTIONS)
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.__name__)
def test_exactly_those_are_told(
    start: Start, outcome: str, subscribed: str, daily: Configuration, alice: User, settings: Any
) -> None:
    live_through(daily, alice, start, outcome)
    subscribe(daily, {"nobody": [], "a list": [LIST]}.get(subscribed, [LIST, alice.email]))

    assert come_to(outcome, daily, lambda: start(daily, alice)) == (outcome if outcome != LONG else "processing")

    subject = f"{SUBJECTS.get(outcome, '')}Daily"
    told = {
        "person": [alice.email],
        "lists": {"nobody": [], "a list": [LIST]}.get(subscribed, [LIST, alice.email]),
    }[STARTS[start]]
    assert received(settings) == Counter((subject, address) for address in (told if outcome in SUBJECTS else []))


@pytest.mark.parametrize("outcome", [JobStatus.SUCCESS, JobStatus.WARNING, JobStatus.ERROR])
@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.__name__)
def test_a_parent_hands_its_cause_down(
    start: Start, outcome: JobStatus, daily: Configuration, project: Project, alice: User, settings: Any
) -> None:
    """A run by hand mails for the root alone; one that nobody watches tells the lists of both."""
    outer = builders.build_orchestration(project, [task(daily, key="inner")], name="Outer")
    live_through(outer, alice, start, outcome)
    subscribe(daily, [LIST])
    subscribe(outer, ["outer@example.org"])

    # A nested run that ends in warning is not good: its parent fails over it (R2).
    above = JobStatus.ERROR if outcome == JobStatus.WARNING else outcome

    assert come_to(outcome, outer, lambda: start(outer, alice)) == above

    lists = {(f"{SUBJECTS[outcome]}Daily", LIST), (f"{SUBJECTS[above]}Outer", "outer@example.org")}
    person = {(f"{SUBJECTS[above]}Outer", alice.email)}
    assert received(settings) == Counter(person if STARTS[start] == "person" else lists)


# --- Private -----------------------------------------------------------------------------------


def trigger_token(run: Configuration, alice: User) -> Actor:
    token, _ = tokens.create_limited(run.project, description="Caller", component_access=[], created_by=alice, now=NOW)
    return Actor(token=token)


def failed(run: Configuration, cause: Cause) -> Job:
    return Job.objects.get(configuration=run, cause=cause, status=JobStatus.ERROR)


def live_through(run: Configuration, alice: User, start: Start, outcome: str) -> None:
    """What has to be before: that it usually takes 100 seconds, or has failed. Everybody knows of that."""
    if outcome == LONG:
        first = by_page(run, alice)
        builders.drain(builders.build_cluster())
        Job.objects.filter(pk=first.pk).update(started_at=NOW, finished_at=NOW + timedelta(seconds=100))
    if start in RETRIED:
        RETRIED[start](run, alice)
        builders.drain(builders.build_cluster(), {"Only": JobStatus.ERROR})
    Notice.objects.all().delete()


def subscribe(run: Configuration, addresses: list[str]) -> None:
    for address in addresses:
        for event in EventType:
            percent = 20 if event == EventType.LONG else None
            wanted = Wanted(event=event, channel="email", address=address, overtime_percent=percent)
            subscribing.subscribe(run.project, run, wanted, actor=builders.admin_of(run.project), now=NOW)


def come_to(outcome: str, run: Configuration, start: Callable[[], Job]) -> str:
    """Start a job and let it come to this; its status then."""
    if outcome == JobStatus.CANCELLED:
        builders.launch(run)  # … for which the other one waits
    job = start()
    if outcome in (JobStatus.TERMINATED, JobStatus.CANCELLED):
        terminating.terminate(job, actor=builders.admin_of(run.project), now=timezone.now())
    elif outcome == JobStatus.WARNING:
        Job.objects.filter(name="Only", parent__isnull=False).update(continue_on_failure=True)
    elif outcome == LONG:
        job.refresh_from_db()
        assert job.started_at is not None
        noticing.notice_long(now=job.started_at + timedelta(seconds=121))
    if outcome not in (JobStatus.CANCELLED, LONG):
        ends = {"Only": JobStatus.SUCCESS if outcome == JobStatus.SUCCESS else JobStatus.ERROR}
        builders.drain(builders.build_cluster(), ends)
    job.refresh_from_db()
    return job.status


def received(settings: Any) -> Counter[tuple[str, str]]:
    """What has arrived, once the server that turned everything away has come back."""
    now, postbox = timezone.now(), Postbox()
    expanding.expand(now=now)
    with running(settings, postbox):
        postbox.answer = "451 Try again later"
        delivering.deliver(Channel.EMAIL, clock=lambda: now)
        assert postbox.mails == []
        postbox.answer = "250 OK"
        delivering.deliver(Channel.EMAIL, clock=lambda: now + WAITS[0])
    assert not Delivery.objects.exclude(status=DeliveryStatus.SENT).exists()
    return Counter((str(mail["Subject"]), str(mail["To"])) for mail in postbox.mails)
