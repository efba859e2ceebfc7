"""Receivers that stall: they delay neither the messages to others, nor jobs, nor schedules; nothing is lost (R21)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Delivery, DeliveryStatus, Job
from jobs.notifying import delivering, expanding, leasing
from jobs.notifying.channels import webhooks
from jobs.notifying.delivering import WAITS
from jobs.states import JobStatus
from orchestrations.models import AccountMail, Channel, Configuration, Project, User
from scheduling import chores
from scheduling.models import Firing
from scheduling.processes import housekeeping
from tests import builders
from tests.builders import NOW
from tests.clusters import wait_for
from tests.jobs.notifying.smtp import Postbox, running
from tests.jobs.notifying.test_webhooks import Receiver, receiving
from tests.scheduling.test_processes import run_at

pytestmark = pytest.mark.django_db(transaction=True)


MAILING = ("notices", f"deliveries by {Channel.EMAIL}")


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    one = builders.build_configuration(project, name="Only")
    return builders.build_orchestration(project, [builders.task(one)], name="Daily")


@pytest.fixture(autouse=True)
def loopback(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.3)


@contextmanager
def stalling() -> Iterator[Receiver]:
    """A receiver that takes requests and answers none until it may."""
    with receiving(Receiver()) as receiver:
        receiver.may_answer.clear()
        try:
            yield receiver
        finally:
            receiver.may_answer.set()


def build_delivery(address: str, number: int, **fields: Any) -> Delivery:
    now = timezone.now()
    given = {"channel": Channel.WEBHOOK, **fields}
    return Delivery.objects.create(
        address=address, message_id=f"{number}", next_attempt_at=now, created_at=now, **given
    )


def deliver(now: datetime) -> int:
    return delivering.deliver(Channel.WEBHOOK, clock=lambda: now)


def test_a_receiver_that_stalls_is_asked_once_and_what_else_it_should_get_waits(project: Project) -> None:
    with stalling() as dead, receiving(Receiver()) as other:
        waiting = [build_delivery(dead.url, number) for number in range(4)]
        sent = build_delivery(other.url, 5)
        now = timezone.now()

        assert deliver(now) == 2

        assert (len(dead.requests), len(other.requests)) == (1, 1)
        assert Delivery.objects.get(pk=sent.pk).status == DeliveryStatus.SENT
        rows = Delivery.objects.filter(pk__in=[each.pk for each in waiting])
        assert {row.next_attempt_at for row in rows} == {now + WAITS[0]}
        assert sorted(row.attempts for row in rows) == [0, 0, 0, 1]

        dead.may_answer.set()
        assert deliver(now + WAITS[0]) == 4
        assert {row.status for row in rows.all()} == {DeliveryStatus.SENT}


def test_one_receiver_gets_one_message_at_a_time(project: Project) -> None:
    first, second = build_delivery("https://a.example.org", 1), build_delivery("https://a.example.org", 2)
    other = build_delivery("https://b.example.org", 3)
    now = timezone.now()

    claimed = [leasing.claim(Channel.WEBHOOK, now=now) for _ in range(3)]

    assert [each and each.pk for each in claimed] == [first.pk, other.pk, None]
    over = {"status": DeliveryStatus.SENT, "finished_at": now, "lease_until": now - timedelta(seconds=1)}
    Delivery.objects.filter(pk=first.pk).update(**over)
    found = leasing.claim(Channel.WEBHOOK, now=now)
    assert found is not None and found.pk == second.pk


def test_a_message_whose_receiver_is_forgotten_waits_for_no_other(project: Project) -> None:
    """Nor do others wait for it: no two of them are known to have the same."""
    chats = [build_delivery("slack://…", number, subscription=None, channel=Channel.CHAT) for number in (1, 2)]
    now = timezone.now()

    claimed = [leasing.claim(Channel.CHAT, now=now) for _ in range(3)]

    assert [each and each.pk for each in claimed] == [chats[0].pk, chats[1].pk, None]


def test_while_one_receiver_stalls_another_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 30)
    stop = Stop()
    keeping = housekeeping.Housekeeping("test", stop, [each for each in chores.CHORES if "webhook" in each.name])
    with stalling() as dead, receiving(Receiver()) as other:
        build_delivery(dead.url, 1)
        keeping.start()
        try:
            wait_for(lambda: dead.requests, what="the one that stalls is asked")
            build_delivery(other.url, 2)

            wait_for(lambda: Delivery.objects.filter(status=DeliveryStatus.SENT).exists(), what="the other is told")

            assert not dead.may_answer.is_set()
            assert Delivery.objects.get(address=dead.url).status == DeliveryStatus.WAITING
        finally:
            stop.event.set()
            dead.may_answer.set()
            keeping.join(30)


def test_a_mail_server_that_stalls_delays_no_job_and_no_schedule(
    orchestration: Configuration, alice: User, settings: Any
) -> None:
    postbox, stop = Postbox(), Stop()
    postbox.may_answer.clear()
    keeping = housekeeping.Housekeeping("test", stop, [each for each in chores.CHORES if each.name in MAILING])
    builders.build_schedule(orchestration, "* * * * *", next_run_at=NOW)
    with running(settings, postbox):
        AccountMail.objects.create(user=alice, subject="Invitation", text="Come in.", created_at=NOW)
        keeping.start()
        try:
            assert postbox.is_asked.wait(30)

            run = builders.launch(orchestration)
            builders.drain(builders.build_cluster(), {"Only": JobStatus.ERROR})
            run_at(NOW)

            assert Firing.objects.count() == 1
            assert Job.objects.get(pk=run.pk).status == JobStatus.ERROR
            assert postbox.mails == []
            postbox.may_answer.set()
            wait_for(lambda: Delivery.objects.filter(status=DeliveryStatus.SENT).exists(), what="the mail is sent")
        finally:
            stop.event.set()
            postbox.may_answer.set()
            keeping.join(30)

    assert [mail["Subject"] for mail in postbox.mails] == ["Invitation"]


def test_a_mail_server_that_stalls_too_long_gets_the_mail_when_it_is_back(alice: User, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    postbox, now = Postbox(), timezone.now()
    postbox.may_answer.clear()
    AccountMail.objects.create(user=alice, subject="Invitation", text="Come in.", created_at=now)
    expanding.expand(now=now)
    with running(settings, postbox):
        assert delivering.deliver(Channel.EMAIL, clock=lambda: now) == 1
        delivery = Delivery.objects.get()
        assert (delivery.status, postbox.mails) == (DeliveryStatus.WAITING, [])

        postbox.may_answer.set()
        assert delivering.deliver(Channel.EMAIL, clock=lambda: now + WAITS[0]) == 1

    assert [mail["Message-ID"] for mail in postbox.mails] == [f"<{delivery.message_id}>"]
    assert [each.was_accepted for each in delivery.tries.all()] == [False, True]


class Stop:
    def __init__(self) -> None:
        self.event = threading.Event()
