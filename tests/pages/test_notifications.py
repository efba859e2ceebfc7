"""The pages of notifications: the form of an orchestration, who is told, the log, the bell and the outbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Delivery, DeliveryAttempt, Notice
from jobs.notifying import delivering, expanding, testing
from orchestrations.models import Configuration, EventType, Subscription, User
from scheduling.models import EventTrigger, Schedule
from tests import builders
from tests.builders import NOW
from tests.pages.world import World

pytestmark = pytest.mark.django_db


def form_url(world: World) -> str:
    return reverse("orchestration-notifications", args=[world.project.pk, world.orchestration.pk])


NOTE = "Nobody is notified when it fails"


def notes_about(world: World, client: Client) -> list[bool]:
    """Whether the overview, the page and the row after a switch say that nobody is notified."""
    address = [world.project.pk, world.orchestration.pk]
    headers = {"HX-Request": "true", "HX-Target": f"orchestration-{world.orchestration.pk}"}
    overview = client.get(reverse("orchestrations", args=address[:1])).text
    page = client.get(reverse("orchestration", args=address)).text
    enabled = "0" if world.orchestration.is_disabled else "1"
    row = client.post(reverse("orchestration-switch", args=address), {"enabled": enabled}, headers=headers).text
    return [NOTE in text for text in (overview, page, row)]


def test_what_starts_by_itself_and_tells_nobody_of_its_failures_has_a_note(world: World, as_alice: Client) -> None:
    told = notes_about(world, as_alice)
    world.subscription.event, world.subscription.address = EventType.SUCCEEDED, "team@example.org"
    world.subscription.save()

    assert told == [False] * 3
    assert notes_about(world, as_alice) == [True] * 3


@pytest.mark.parametrize(
    "listener",
    [
        {"configuration": None, "component_id": ""},
        {"configuration": None, "component_id": "keboola.orchestrator"},
    ],
    ids=["of the project", "of the component"],
)
def test_a_listener_of_everything_counts_for_each(listener: dict[str, Any], world: World, as_alice: Client) -> None:
    Subscription.objects.update(**listener)

    assert notes_about(world, as_alice) == [False] * 3


@pytest.mark.parametrize(
    "listener",
    [
        {"configuration": None, "component_id": "command"},
        {"expires_at": builders.NOW - timedelta(days=1)},
    ],
    ids=["of another component", "until yesterday"],
)
def test_a_listener_that_hears_nothing_of_it_does_not_count(
    listener: dict[str, Any], world: World, as_alice: Client
) -> None:
    Subscription.objects.update(**listener)

    assert notes_about(world, as_alice) == [True] * 3


def test_what_does_not_start_by_itself_has_no_note(world: World, as_alice: Client) -> None:
    Subscription.objects.all().delete()
    Schedule.objects.update(is_enabled=False, next_run_at=None)
    EventTrigger.objects.update(is_enabled=False)

    assert notes_about(world, as_alice) == [False] * 3


def test_what_is_disabled_has_no_note(world: World, as_alice: Client) -> None:
    Subscription.objects.all().delete()
    world.orchestration.is_disabled = True
    world.orchestration.save(update_fields=["is_disabled"])

    assert notes_about(world, as_alice) == [False] * 3


def test_what_is_typed_is_kept_until_it_is_saved(world: World, as_alice: Client) -> None:
    url = form_url(world)
    typed = {
        "percent": "50",
        "job-failed": ["team@example.org"],
        "new-job-failed": "Two@example.org, three@example.org",
    }

    drawn = as_alice.post(url, {**typed, "action": "add"}).content.decode()
    assert 'value="two@example.org"' in drawn
    assert Subscription.objects.count() == 1

    listed = {"job-failed": ["team@example.org", "two@example.org"], "percent": "50"}
    drawn = as_alice.post(url, {**listed, "remove": "job-failed team@example.org"}).content.decode()
    assert 'value="team@example.org"' not in drawn.replace('value="job-failed team@example.org"', "")

    saved = as_alice.post(
        url,
        {
            **listed,
            "job-failed": ["two@example.org"],
            "new-job-processing-long": "slack://TokenA/TokenB/TokenCdef",
            "new-job-succeeded": "https://example.org/hook",
            "action": "save",
        },
    )
    assert saved.status_code == 302
    rows = Subscription.objects.order_by("address").values_list("event", "channel", "address", "overtime_percent")
    assert list(rows) == [
        ("job-succeeded", "webhook", "https://example.org/hook", None),
        ("job-processing-long", "chat", "slack://…/…Cdef", 50),
        ("job-failed", "email", "two@example.org", None),
    ]

    page = as_alice.get(reverse("orchestration", args=[world.project.pk, world.orchestration.pk])).content.decode()
    assert "3 recipients" in page
    # A chat's address is never shown again, and saving what is shown keeps it.
    shown = {"job-processing-long": "slack://…/…Cdef", "percent": "50", "action": "save"}
    assert as_alice.post(url, shown).status_code == 302
    assert [each.address for each in Subscription.objects.all()] == ["slack://…/…Cdef"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"new-job-failed": "nobody"}, "is not an e-mail address"),
        ({"new-job-failed": "syslog://localhost"}, "the address of a chat service"),
        ({"percent": "many"}, "Expected a number from 0"),
    ],
)
def test_what_is_wrong_stays_in_the_form(typed: dict[str, Any], sentence: str, world: World, as_alice: Client) -> None:
    answer = as_alice.post(form_url(world), {"percent": "20", "action": "save", **typed})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Subscription.objects.count() == 1


def test_the_page_tells_whether_messages_arrive(world: World, as_alice: Client, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    url = reverse("notifications", args=[world.project.pk])
    assert "None yet" in as_alice.get(url).content.decode()

    test_url = reverse("notification-test", args=[world.project.pk, world.subscription.pk])
    assert as_alice.post(test_url).status_code == 302
    Delivery.objects.update(status="failed", finished_at=timezone.now(), last_answer="550 No such mailbox")

    page = as_alice.get(url).content.decode()
    assert "The last message was not accepted: 550 No such mailbox" in page
    assert "Test: Daily Sales Refresh" in page


def test_the_bell_shows_what_was_sent_to_me(world: World, as_alice: Client, as_bob: Client, alice: User) -> None:
    Notice.objects.create(job=world.failed_run, event="job-failed", at=timezone.now())
    expanding.expand(now=timezone.now())

    for client, is_told in ((as_alice, True), (as_bob, False)):
        page = client.get(reverse("my-notifications")).content.decode()
        assert ("Daily Sales Refresh failed" in page) is is_told


def test_behind_the_bell_stands_also_what_is_about_no_job(world: World, as_alice: Client, alice: User) -> None:
    testing.send_test(world.subscription, actor=builders.admin_of(world.project), now=timezone.now())
    Delivery.objects.update(user=alice)
    address = reverse("my-notifications")

    behind = as_alice.get(address, headers={"HX-Request": "true"}).text

    assert f'<a class="menu__item" href="{address}">' in behind
    assert "Test: Daily Sales Refresh" in behind


def test_the_outbox_is_for_administrators_of_the_site(world: World, as_alice: Client, alice: User) -> None:
    Notice.objects.create(job=world.failed_run, event="job-failed", at=timezone.now())
    expanding.expand(now=timezone.now())
    delivering.deliver("email", clock=timezone.now)
    assert as_alice.get(reverse("outbox")).status_code == 403

    User.objects.filter(pk=alice.pk).update(is_superuser=True)

    assert "Failed: Daily Sales Refresh" in as_alice.get(reverse("outbox")).content.decode()


def test_an_orchestration_that_tells_nobody_says_so(world: World, as_alice: Client) -> None:
    Subscription.objects.all().delete()

    page = as_alice.get(reverse("orchestration", args=[world.project.pk, world.orchestration.pk])).content.decode()

    assert "No unattended run tells anybody." in page


@pytest.mark.parametrize(
    ("change", "is_noted"),
    [
        ("nobody is told", True),
        ("somebody is told of success alone", True),
        ("that has expired", True),
        ("a list is told of the whole project", False),
        ("its list is told", False),
        ("it is disabled", False),
        ("nothing starts it", False),
    ],
)
def test_what_starts_by_itself_and_tells_nobody_of_failures_is_noted(
    change: str, is_noted: bool, world: World, as_alice: Client
) -> None:
    if change != "its list is told":
        Subscription.objects.all().delete()
    if change in SUBSCRIBED:
        event, more = SUBSCRIBED[change]
        Subscription.objects.create(
            **{"configuration": world.orchestration, "channel": "email", "address": "a@example.org", **more},
            project=world.project,
            event=event,
            created_at=NOW,
        )
    if change == "it is disabled":
        Configuration.objects.filter(pk=world.orchestration.pk).update(is_disabled=True)
    if change == "nothing starts it":
        Schedule.objects.all().update(is_enabled=False, next_run_at=None)
        EventTrigger.objects.all().update(is_enabled=False)

    page = as_alice.get(reverse("orchestration", args=[world.project.pk, world.orchestration.pk])).text
    overall = as_alice.get(reverse("notifications", args=[world.project.pk]))

    assert (NOTE in page) is is_noted
    assert [each["name"] for each in overall.context["untold"]] == ["Daily Sales Refresh"] * is_noted
    assert ("nobody is told when they fail" in overall.text) is is_noted


SUBSCRIBED: dict[str, Any] = {
    "somebody is told of success alone": (EventType.SUCCEEDED, {}),
    "that has expired": (EventType.FAILED, {"expires_at": NOW}),
    "a list is told of the whole project": (EventType.FAILED, {"configuration": None}),
}


def test_the_log_shows_every_try(world: World, as_alice: Client) -> None:
    now = timezone.now()
    Notice.objects.create(job=world.failed_run, event="job-failed", at=now)
    expanding.expand(now=now)
    delivery = Delivery.objects.get()
    for answer, was_accepted in (("451 Try again later", False), ("Accepted by the mail server.", True)):
        DeliveryAttempt.objects.create(delivery=delivery, at=now, answer=answer, was_accepted=was_accepted)

    page = as_alice.get(reverse("notifications", args=[world.project.pk])).text

    assert "2 tries" in page
    assert "not accepted. 451 Try again later" in page
    assert ": accepted. Accepted by the mail server." in page
