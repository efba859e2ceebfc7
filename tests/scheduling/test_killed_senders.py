"""Real senders, killed while a receiver has a message: that comes twice as the same one, each other once (R21)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs.models import Cause, Delivery, DeliveryStatus
from jobs.notifying import leasing
from jobs.states import JobStatus
from orchestrations import subscribing
from orchestrations.models import Configuration
from orchestrations.subscribing import Wanted
from scheduling.models import Chore as Row
from tests import builders, clusters
from tests.clusters import wait_for
from tests.jobs.notifying.smtp import Postbox, listening
from tests.jobs.notifying.test_routing import own_token
from tests.jobs.notifying.test_webhooks import Receiver, receiving
from tests.scheduling import machinery

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LIST = [f"{name}@example.org" for name in ("first", "held", "third", "fourth")]
HELD = "held@example.org"


@contextmanager
def sender(settings: Any, port: int = 0) -> Iterator[machinery.RunningScheduler]:
    server = f"smtp://127.0.0.1:{port}" if port else ""
    environment = {"TUTTI_ALLOW_PRIVATE_ADDRESSES": "yes", "TUTTI_SMTP_URL": server}
    with machinery.running(Path(settings.DATA_DIR), clusters.database_url(), 1, **environment) as (scheduler,):
        yield scheduler


def fail_unattended(orchestration: Configuration, channel: str, addresses: list[str]) -> None:
    """A run that nobody started by hand, and whoever is subscribed to that."""
    for address in addresses:
        wanted = Wanted(event="job-failed", channel=channel, address=address)
        actor = builders.admin_of(orchestration.project)
        subscribing.subscribe(orchestration.project, orchestration, wanted, actor=actor, now=timezone.now())
    builders.launch(orchestration, actor=own_token(orchestration), cause=Cause.SCHEDULE)
    builders.drain(builders.build_cluster(), {"Nightly task": JobStatus.ERROR})


def all_but_the_held_are_sent() -> bool:
    return Delivery.objects.filter(status=DeliveryStatus.SENT).count() == len(LIST) - 1


def all_are_sent() -> bool:
    return Delivery.objects.filter(status=DeliveryStatus.SENT).count() == len(LIST)


def let_the_leases_run_out() -> None:
    """Of whoever was killed: what they hold is free now, as it would be some minutes later."""
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(lease_until__isnull=False).update(lease_until=past)
    Row.objects.exclude(owner="").update(due_at=past)


def log_of_the_held(**which: str) -> list[tuple[bool, str]]:
    return list(Delivery.objects.get(**which).tries.values_list("was_accepted", "answer"))


@contextmanager
def nothing_is_committed() -> Iterator[None]:
    """Whoever wants to write what became of the held message waits."""
    with transaction.atomic():
        Delivery.objects.select_for_update().get(address=HELD)
        Delivery.objects.filter(address=HELD).update(text="locked")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def orchestration(project: Any) -> Configuration:
    one = builders.build_configuration(project, name="Nightly task")
    return builders.build_orchestration(project, [builders.task(one)], name="Nightly")


def wait_until_it_alone_is_left(postbox: Postbox) -> None:
    wait_for(lambda: postbox.holding, what="the server has it")
    wait_for(all_but_the_held_are_sent, what="the others are sent meanwhile")


def check_each_once_but_the_held_twice(postbox: Postbox) -> None:
    assert postbox.addresses() == sorted([*LIST, HELD])
    ids = {str(mail["Message-ID"]) for mail in postbox.mails}
    assert ids == {f"<{each}>" for each in Delivery.objects.values_list("message_id", flat=True)}
    assert log_of_the_held(address=HELD) == [(False, leasing.CUT_OFF), (True, "Accepted by the mail server.")]
    assert not Delivery.objects.exclude(address=HELD).exclude(attempts=1).exists()


def test_killed_while_the_server_has_it_and_has_not_answered(orchestration: Configuration, settings: Any) -> None:
    fail_unattended(orchestration, "email", LIST)
    postbox = Postbox(held=[HELD])
    with listening(postbox) as port:
        with sender(settings, port) as first:
            wait_until_it_alone_is_left(postbox)
            first.kill()
        postbox.may_accept.set()
        let_the_leases_run_out()
        with sender(settings, port):
            wait_for(all_are_sent, what="the other sender sends it")

    check_each_once_but_the_held_twice(postbox)


def test_killed_between_the_acceptance_and_the_commit(orchestration: Configuration, settings: Any) -> None:
    fail_unattended(orchestration, "email", LIST)
    postbox = Postbox(held=[HELD])
    with listening(postbox) as port:
        with sender(settings, port) as first:
            wait_until_it_alone_is_left(postbox)
            postbox.is_left.clear()
            with nothing_is_committed():
                postbox.may_accept.set()
                assert postbox.is_left.wait(30), "the sender has read that it was accepted"
                first.kill()
        assert Delivery.objects.get(address=HELD).status == DeliveryStatus.WAITING
        let_the_leases_run_out()
        with sender(settings, port):
            wait_for(all_are_sent, what="the other sender sends it")

    check_each_once_but_the_held_twice(postbox)


def test_killed_before_the_server_has_it(orchestration: Configuration, settings: Any) -> None:
    fail_unattended(orchestration, "email", [HELD])
    postbox = Postbox()
    postbox.may_answer.clear()
    with listening(postbox) as port:
        with sender(settings, port) as first:
            assert postbox.is_asked.wait(30)
            first.kill()
        postbox.may_answer.set()
        let_the_leases_run_out()
        with sender(settings, port):
            wait_for(lambda: Delivery.objects.get().status == DeliveryStatus.SENT, what="the other sender sends it")

    assert postbox.addresses() == [HELD]
    assert log_of_the_held() == [(False, leasing.CUT_OFF), (True, "Accepted by the mail server.")]


def test_killed_while_the_receiver_of_a_webhook_has_it(orchestration: Configuration, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    stalling = Receiver()
    stalling.may_answer.clear()
    with receiving(stalling) as held, receiving(Receiver()) as other:
        others = [f"{other.url}&number={number}" for number in range(len(LIST) - 1)]
        fail_unattended(orchestration, "webhook", [held.url, *others])
        with sender(settings) as first:
            wait_for(lambda: held.requests, what="the receiver has it")
            wait_for(all_but_the_held_are_sent, what="the others are sent meanwhile")
            first.kill()
        held.may_answer.set()
        let_the_leases_run_out()
        with sender(settings):
            wait_for(all_are_sent, what="the other sender sends it")

    sent = Delivery.objects.get(address=held.url)
    assert [headers["webhook-id"] for headers, _ in held.requests] == [sent.message_id] * 2
    assert held.requests[0][1] == held.requests[1][1]
    ids = sorted(headers["webhook-id"] for headers, _ in other.requests)
    assert ids == sorted(Delivery.objects.exclude(pk=sent.pk).values_list("message_id", flat=True))
    assert log_of_the_held(address=held.url) == [(False, leasing.CUT_OFF), (True, "204")]


def test_a_stop_ends_the_messages_at_hand_and_begins_no_other(orchestration: Configuration, settings: Any) -> None:
    fail_unattended(orchestration, "email", LIST)
    lanes = 2
    postbox = Postbox(held=LIST)
    with listening(postbox) as port:
        with sender(settings, port) as first:
            wait_for(lambda: len(postbox.holding) == lanes, what="each lane has handed one over")
            threads = first.threads()
            first.process.terminate()
            wait_for(lambda: first.threads() < threads, what="the stop is heard: idle lanes end")
            postbox.may_accept.set()
            assert first.process.wait(30) == 0

        done = Delivery.objects.filter(status=DeliveryStatus.SENT)
        assert postbox.addresses() == sorted(done.values_list("address", flat=True))
        assert done.count() == lanes
        left = Delivery.objects.filter(status=DeliveryStatus.WAITING, lease_until=None, attempts=0)
        assert left.count() == len(LIST) - lanes


def test_a_stop_waits_for_no_server_that_keeps_its_answer(orchestration: Configuration, settings: Any) -> None:
    """… for minutes: the message stays, and goes out again like that of a sender who was killed."""
    fail_unattended(orchestration, "email", [HELD])
    postbox = Postbox(held=[HELD])
    with listening(postbox) as port:
        with sender(settings, port) as first:
            wait_for(lambda: postbox.holding, what="the server has it")
            assert first.stop() == 0
        assert not postbox.may_accept.is_set()
        postbox.may_accept.set()
        let_the_leases_run_out()
        with sender(settings, port):
            wait_for(lambda: Delivery.objects.get().status == DeliveryStatus.SENT, what="the other sender sends it")

    assert postbox.addresses() == [HELD, HELD]
    assert log_of_the_held() == [(False, leasing.CUT_OFF), (True, "Accepted by the mail server.")]
