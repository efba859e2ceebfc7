"""Mails through a real SMTP server that accepts, refuses, is gone and comes back; nothing lost, nothing twice."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.models import Delivery, DeliveryStatus, Job
from jobs.notifying import delivering, expanding, leasing
from jobs.notifying.delivering import WAITS
from orchestrations.access import Actor
from orchestrations.models import AccountMail, Channel, Project, User
from tests import builders
from tests.builders import task
from tests.jobs.notifying.smtp import Postbox, running
from tests.pages.conftest import log_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failed(project: Project, alice: User) -> Delivery:
    """The mail about a run of Alice's that has failed."""
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Prague")
    one = builders.build_configuration(project, name="Load <orders>")
    run = builders.launch(builders.build_orchestration(project, [task(one)], name="Daily"), actor=Actor(user=alice))
    claimed = builders.claim(builders.build_cluster())
    builders.end(claimed[0], "error", message="No such table: orders")  # type: ignore[arg-type]
    run.refresh_from_db()
    expanding.expand(now=timezone.now())
    return Delivery.objects.get()


def test_a_mail_says_what_happened_in_the_recipients_zone(failed: Delivery, alice: User, settings: Any) -> None:
    with running(settings, Postbox()) as postbox:
        assert deliver() == 1

    mail = postbox.mails[0]
    failed.refresh_from_db()
    assert failed.status == DeliveryStatus.SENT
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Failed: Daily")
    assert mail["Message-ID"] == f"<{failed.message_id}>"
    text, html = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    for body in (text, html):
        assert "No such table: orders" in body
        assert "(Europe/Prague)" in body
        assert f"/projects/{failed.project_id}/jobs/{Job.objects.get(is_run=True).pk}/" in body
        (link,) = set(re.findall(r"/projects/[0-9]+/jobs/[0-9]+/", body))
        assert log_in(alice).get(link).status_code == 200
    assert "Load <orders>" in text
    assert "Load &lt;orders&gt;" in html


def test_a_server_that_is_gone_is_asked_again_until_it_is_back(failed: Delivery, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_BACKEND = "jobs.notifying.channels.smtp.Backend"
    now = timezone.now()
    assert deliver(now) == 1
    assert deliver(now + WAITS[0] - timedelta(seconds=1)) == 0

    with running(settings, Postbox()) as postbox:
        assert deliver(now + WAITS[0] + timedelta(seconds=1)) == 1

    failed.refresh_from_db()
    assert [each.was_accepted for each in failed.tries.all()] == [False, True]
    assert len(postbox.mails) == 1


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(failed: Delivery, settings: Any) -> None:
    now = timezone.now()
    with running(settings, Postbox()) as postbox:
        postbox.answer = "451 Try again later"
        deliver(now)
        failed.refresh_from_db()
        assert (failed.status, failed.last_answer) == (DeliveryStatus.WAITING, "451 Try again later")

        postbox.refused["alice@example.org"] = "550 No such mailbox"
        deliver(now + timedelta(hours=1))

    failed.refresh_from_db()
    assert (failed.status, failed.last_answer) == (DeliveryStatus.FAILED, "550 No such mailbox")
    assert deliver(now + timedelta(days=9)) == 0


def test_it_is_given_up_after_the_last_wait(failed: Delivery, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_BACKEND = "jobs.notifying.channels.smtp.Backend"
    now = timezone.now()

    for _ in range(len(WAITS) + 3):
        now += timedelta(days=1)
        deliver(now)

    failed.refresh_from_db()
    assert failed.status == DeliveryStatus.FAILED
    assert failed.tries.count() == failed.attempts == len(WAITS) + 1


def test_without_a_server_it_is_kept_and_sent_when_there_is_one(failed: Delivery, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    deliver()
    failed.refresh_from_db()
    assert failed.status == DeliveryStatus.KEPT

    with running(settings, Postbox()) as postbox:
        assert delivering.release_kept(now=timezone.now()) == 1
        deliver()

    assert len(postbox.mails) == 1


def test_a_sender_that_was_killed_sends_again_with_the_same_message_id(failed: Delivery, settings: Any) -> None:
    now = timezone.now()
    with running(settings, Postbox()) as postbox:
        claimed = leasing.claim(Channel.EMAIL, now=now)
        assert claimed is not None
        delivering.SENDERS[Channel.EMAIL](claimed, now)  # … and killed before it could write that down
        assert deliver(now) == 0

        let_the_lease_run_out()
        assert deliver(now) == 1

    assert [mail["Message-ID"] for mail in postbox.mails] == [f"<{failed.message_id}>"] * 2


def test_a_message_whose_sender_is_killed_each_time_is_given_up(failed: Delivery, settings: Any) -> None:
    now = timezone.now()
    with running(settings, Postbox()) as postbox:
        for _ in range(len(delivering.WAITS) + 1):
            assert leasing.claim(Channel.EMAIL, now=now) is not None
            let_the_lease_run_out()

        assert deliver(now) == 1

    failed.refresh_from_db()
    assert (failed.status, failed.last_answer) == (DeliveryStatus.FAILED, delivering.GIVEN_UP)
    assert postbox.mails == []


def test_a_sender_whose_lease_was_taken_over_writes_nothing(failed: Delivery, settings: Any) -> None:
    now = timezone.now()
    slow = leasing.claim(Channel.EMAIL, now=now)
    assert slow is not None
    let_the_lease_run_out()
    second = leasing.claim(Channel.EMAIL, now=now)
    assert second is not None

    settings.EMAIL_HOST = ""
    delivering.hand_over(slow, clock=lambda: now)

    failed.refresh_from_db()
    assert (failed.status, [each.answer for each in failed.tries.all()]) == (DeliveryStatus.WAITING, [leasing.CUT_OFF])
    assert failed.lease_until == second.lease_until


def test_a_scheduler_whose_clock_is_ahead_leaves_alone_what_another_sends(failed: Delivery) -> None:
    now = timezone.now()
    assert leasing.claim(Channel.EMAIL, now=now) is not None

    assert leasing.claim(Channel.EMAIL, now=now + timedelta(hours=1)) is None


def test_what_was_tried_in_vain_delays_no_first_try(failed: Delivery) -> None:
    now = timezone.now()
    Delivery.objects.filter(pk=failed.pk).update(attempts=1, next_attempt_at=now - timedelta(hours=1))
    new = Delivery.objects.create(
        channel=Channel.EMAIL, address="new@example.org", message_id="new", next_attempt_at=now, created_at=now
    )

    claimed = [leasing.claim(Channel.EMAIL, now=now) for _ in range(2)]

    assert [each and each.pk for each in claimed] == [new.pk, failed.pk]


def let_the_lease_run_out() -> None:
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_two_senders_at_once_send_it_once(failed: Delivery, settings: Any) -> None:
    barrier = threading.Barrier(2)

    def send() -> None:
        barrier.wait()
        try:
            deliver()
        finally:
            connection.close()

    with running(settings, Postbox()) as postbox:
        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(postbox.mails) == 1


def test_a_message_that_cannot_be_written_hinders_no_other(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.notifying.messages.render_to_string", lambda *arguments: 1 / 0)
    builders.launch(builders.build_configuration(project), actor=Actor(user=alice))
    builders.end(builders.claim(builders.build_cluster())[0], "error")  # type: ignore[arg-type]

    assert expanding.expand(now=timezone.now()) == 1

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_answer) == (DeliveryStatus.FAILED, expanding.CANNOT_BE_WRITTEN)


def test_a_mail_about_an_account_goes_out_too(alice: User, settings: Any) -> None:
    AccountMail.objects.create(user=alice, subject="Invitation", text="Come in.", created_at=timezone.now())
    expanding.expand(now=timezone.now())

    with running(settings, Postbox()) as postbox:
        deliver()

    assert [(mail["To"], mail["Subject"]) for mail in postbox.mails] == [("alice@example.org", "Invitation")]


def deliver(now: datetime | None = None) -> int:
    return delivering.deliver(Channel.EMAIL, clock=lambda: now or timezone.now())
