"""R20 as a matrix: what started it x how it ended x who has subscribed, and exactly who receives what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from jobs import launching, terminating
from jobs.models import Cause, Job, Notice
from jobs.notifying import expanding
from jobs.states import JobStatus
from orchestrations import subscribing, tokens
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, EventType, Project, User
from orchestrations.subscribing import Wanted
from tests import builders
from tests.builders import NOW, task

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "list@example.org"
EVERYWHERE = "everywhere@example.org"
ENDS = {
    JobStatus.SUCCESS: EventType.SUCCEEDED,
    JobStatus.WARNING: EventType.WARNING,
    JobStatus.ERROR: EventType.FAILED,
}


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    """With a list for every event, and one for the whole project."""
    one = builders.build_configuration(project, name="Only")
    found = builders.build_orchestration(project, [task(one, key="only", continueOnFailure=False)], name="Daily")
    for event in (EventType.FAILED, EventType.WARNING, EventType.SUCCEEDED):
        subscribe(found, event, LIST)
        subscribing.subscribe(
            project,
            None,
            Wanted(event=event, channel="email", address=EVERYWHERE, component_id=ORCHESTRATOR),
            actor=builders.admin_of(project),
            now=NOW,
        )
    return found


def by_person(orchestration: Configuration, alice: User) -> Job:
    return builders.launch(orchestration, actor=Actor(user=alice))


def by_api_of_person(orchestration: Configuration, alice: User) -> Job:
    token, _ = tokens.create_personal(orchestration.project, alice, description="Laptop", now=NOW)
    return builders.launch(orchestration, actor=Actor(user=alice, token=token))


def by_trigger_token(orchestration: Configuration, alice: User) -> Job:
    token, _ = tokens.create_limited(
        orchestration.project, description="Caller", component_access=[], created_by=alice, now=NOW
    )
    return builders.launch(orchestration, actor=Actor(token=token))


def by_schedule(orchestration: Configuration, alice: User) -> Job:
    return builders.launch(orchestration, actor=own_token(orchestration), cause=Cause.SCHEDULE)


def by_event_trigger(orchestration: Configuration, alice: User) -> Job:
    return builders.launch(orchestration, actor=own_token(orchestration), cause=Cause.TRIGGER)


def by_retry(orchestration: Configuration, alice: User) -> Job:
    """By a person, of a run that nobody watched."""
    earlier = by_schedule(orchestration, alice)
    terminating.terminate(earlier, actor=Actor(user=alice), now=timezone.now())
    builders.drain(builders.build_cluster(), {"Only": JobStatus.TERMINATED})
    earlier.refresh_from_db()
    Notice.objects.all().delete()
    return launching.retry(earlier, actor=Actor(user=alice), now=timezone.now())


ATTENDED = (by_person, by_api_of_person, by_retry)
UNATTENDED = (by_trigger_token, by_schedule, by_event_trigger)


@pytest.mark.parametrize("start", ATTENDED, ids=lambda start: start.__name__)
@pytest.mark.parametrize("status", ENDS)
def test_a_run_by_hand_tells_its_person_alone(
    start: Callable[[Configuration, User], Job], status: JobStatus, orchestration: Configuration, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(mail_on_success=True)
    run = start(orchestration, alice)

    end_in(run, status)

    assert told() == {(ENDS[status], alice.email)}


@pytest.mark.parametrize("start", UNATTENDED, ids=lambda start: start.__name__)
@pytest.mark.parametrize("status", ENDS)
def test_an_unattended_run_tells_the_lists(
    start: Callable[[Configuration, User], Job], status: JobStatus, orchestration: Configuration, alice: User
) -> None:
    run = start(orchestration, alice)

    end_in(run, status)

    assert told() == {(ENDS[status], LIST), (ENDS[status], EVERYWHERE)}


@pytest.mark.parametrize(
    ("status", "wish"), [(JobStatus.SUCCESS, "mail_on_success"), (JobStatus.ERROR, "mail_on_error")]
)
def test_a_person_chooses_what_is_mailed(
    status: JobStatus, wish: str, orchestration: Configuration, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(**{wish: False})

    end_in(by_person(orchestration, alice), status)

    assert told() == set()


@pytest.mark.parametrize("start", [by_person, by_schedule], ids=lambda start: start.__name__)
def test_terminated_and_cancelled_tell_nobody(
    start: Callable[[Configuration, User], Job], orchestration: Configuration, alice: User
) -> None:
    first, second = start(orchestration, alice), start(orchestration, alice)

    for run in (second, first):
        terminating.terminate(run, actor=Actor(user=alice), now=timezone.now())
    builders.drain(builders.build_cluster())

    assert {run.status for run in Job.objects.filter(is_run=True)} == {JobStatus.TERMINATED, JobStatus.CANCELLED}
    assert told() == set()


def test_a_nested_run_has_its_roots_cause(orchestration: Configuration, project: Project, alice: User) -> None:
    outer = builders.build_orchestration(project, [task(orchestration, key="inner")], name="Outer")
    subscribe(outer, EventType.FAILED, "outer@example.org")

    end_in(by_person(outer, alice), JobStatus.ERROR)
    assert told() == {(EventType.FAILED, alice.email)}

    Notice.objects.all().delete()
    end_in(by_schedule(outer, alice), JobStatus.ERROR)
    assert told() == {
        (EventType.FAILED, LIST),
        (EventType.FAILED, EVERYWHERE),
        (EventType.FAILED, "outer@example.org"),
    }


def test_a_person_who_has_left_is_not_told(orchestration: Configuration, oscar: User) -> None:
    run = builders.launch(orchestration, actor=Actor(user=oscar))
    oscar.memberships.all().delete()

    end_in(run, JobStatus.ERROR)

    assert told() == set()


def test_an_address_is_told_once(orchestration: Configuration, alice: User) -> None:
    subscribe(orchestration, EventType.FAILED, EVERYWHERE)

    end_in(by_schedule(orchestration, alice), JobStatus.ERROR)

    assert sorted(addresses()) == [EVERYWHERE, LIST]


def test_an_expired_subscription_tells_nobody(orchestration: Configuration, alice: User) -> None:
    orchestration.subscriptions.update(expires_at=NOW)

    end_in(by_schedule(orchestration, alice), JobStatus.ERROR)

    assert addresses() == [EVERYWHERE]


# --- Private -----------------------------------------------------------------------------------


def subscribe(configuration: Configuration, event: str, address: str, **fields: Any) -> None:
    subscribing.subscribe(
        configuration.project,
        configuration,
        Wanted(event=event, channel="email", address=address, **fields),
        actor=builders.admin_of(configuration.project),
        now=NOW,
    )


def own_token(orchestration: Configuration) -> Actor:
    return Actor(token=orchestration.own_tokens.get())


def end_in(run: Job, status: JobStatus) -> None:
    """Let the run end so: it warns when its task may fail."""
    if status == JobStatus.WARNING:
        Job.objects.filter(root=run).update(continue_on_failure=True)
    builders.drain(
        builders.build_cluster(), {"Only": JobStatus.SUCCESS if status == JobStatus.SUCCESS else JobStatus.ERROR}
    )
    run.refresh_from_db()
    assert run.status == status


def told() -> set[tuple[str, str]]:
    expanding.expand(now=timezone.now())
    return set(Notice.objects.filter(deliveries__isnull=False).values_list("event", "deliveries__address"))


def addresses() -> list[str]:
    expanding.expand(now=timezone.now())
    found = Notice.objects.filter(deliveries__isnull=False).values_list("deliveries__address", flat=True)
    return sorted(found)
