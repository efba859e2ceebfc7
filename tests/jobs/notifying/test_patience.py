"""A mail server that has a message may take minutes to accept it: nobody sends it again meanwhile (R21)."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Delivery, DeliveryStatus
from jobs.notifying import delivering, expanding, leasing
from jobs.notifying.channels import smtp
from jobs.notifying.delivering import WAITS
from orchestrations.models import AccountMail, Channel, User
from scheduling import chores
from tests.clusters import wait_for
from tests.jobs.notifying.smtp import Postbox, running

pytestmark = pytest.mark.django_db(transaction=True)
SENT, WAITING = DeliveryStatus.SENT, DeliveryStatus.WAITING


@pytest.fixture
def mail(alice: User) -> Delivery:
    now = timezone.now()
    AccountMail.objects.create(user=alice, subject="Invitation", text="Come in.\n.\n..dots", created_at=now)
    expanding.expand(now=now)
    return Delivery.objects.get()


def deliver(later: timedelta = timedelta(0)) -> int:
    return delivering.deliver(Channel.EMAIL, clock=lambda: timezone.now() + later)


@contextmanager
def delivering_beside() -> Iterator[threading.Thread]:
    def work() -> None:
        try:
            deliver()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)


def fate(mail: Delivery) -> tuple[str, list[bool]]:
    mail.refresh_from_db()
    return mail.status, [each.was_accepted for each in mail.tries.all()]


def test_a_server_that_takes_its_time_to_accept_gets_it_once(mail: Delivery, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 2
    with running(settings, Postbox(seconds=2.5)) as postbox:
        assert deliver() == 1
        assert deliver(WAITS[0]) == 0

    assert len(postbox.mails) == 1
    assert fate(mail) == (SENT, [True])
    assert postbox.mails[0].get_content().splitlines() == ["Come in.", ".", "..dots"]


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of a server whose certificate is trusted here."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    words += ["/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


@pytest.mark.parametrize(("setting", "option"), [("USE_SSL", "ssl_context"), ("USE_TLS", "tls_context")])
def test_the_same_over_tls(mail: Delivery, settings: Any, encrypted: ssl.SSLContext, setting: str, option: str) -> None:
    settings.EMAIL_TIMEOUT = 2
    setattr(settings, f"EMAIL_{setting}", True)
    with running(settings, Postbox(seconds=2.5), **{option: encrypted}) as postbox:
        assert deliver() == 1

    assert len(postbox.mails) == 1
    assert fate(mail) == (SENT, [True])


def test_nobody_else_has_it_while_the_answer_is_waited_for(mail: Delivery, settings: Any) -> None:
    with running(settings, Postbox(held=[mail.address])) as postbox, delivering_beside():
        wait_for(lambda: postbox.holding, what="the server has it")

        mail.refresh_from_db()
        assert mail.lease_until is not None
        assert mail.lease_until - timezone.now() > timedelta(seconds=settings.EMAIL_ANSWER_SECONDS)
        assert deliver(timedelta(minutes=9)) == 0

        postbox.may_accept.set()

    assert len(postbox.mails) == 1
    assert fate(mail) == (SENT, [True])


def test_while_one_mail_is_not_accepted_yet_another_lane_sends_the_others(mail: Delivery) -> None:
    lanes = [name for name, channel in chores.DELIVERY_LANES.items() if channel == Channel.EMAIL]

    assert len(lanes) == 2
    assert {chore.lane for chore in chores.CHORES if chore.name in [f"deliveries by {lane}" for lane in lanes]} == set(
        lanes
    )


def test_who_has_lost_the_lease_hands_it_over_only_after_taking_it_anew(mail: Delivery, settings: Any) -> None:
    postbox = Postbox()
    postbox.may_answer.clear()
    with running(settings, postbox), delivering_beside():
        assert postbox.is_asked.wait(30)
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        postbox.may_answer.set()

    # The same sender, which takes it anew.
    assert len(postbox.mails) == 1
    assert fate(mail) == (SENT, [False, True])


def test_a_server_that_is_too_slow_to_be_handed_anything_is_asked_again_later(
    mail: Delivery, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    postbox = Postbox()
    postbox.may_answer.clear()
    begun = timezone.now()
    with running(settings, postbox):
        with monkeypatch.context() as patched:
            patched.setattr(leasing, "LEASE", timedelta(seconds=0.2))
            with delivering_beside():
                wait_for(lambda: Delivery.objects.filter(lease_until__lt=Now()).exists(), what="the lease runs out")
                postbox.may_answer.set()
        assert fate(mail) == (WAITING, [False])
        assert mail.last_answer == "Its sender had to wait for too long, and did not hand it over."
        assert mail.next_attempt_at >= begun + WAITS[0]

        assert deliver(WAITS[0]) == 1

    assert len(postbox.mails) == 1
    assert fate(mail) == (SENT, [False, True])


def test_a_server_that_never_says_whether_it_took_it_gets_the_same_message_again(mail: Delivery, settings: Any) -> None:
    settings.EMAIL_ANSWER_SECONDS = 0.3
    with running(settings, Postbox(held=[mail.address])) as postbox:
        assert deliver() == 1
        assert fate(mail) == (WAITING, [False])
        assert mail.last_answer == (
            "The mail server has the whole message, but did not answer within 0.3 seconds. It may have arrived."
        )

        postbox.may_accept.set()
        assert deliver(WAITS[0]) == 1

    assert [each["Message-ID"] for each in postbox.mails] == [f"<{mail.message_id}>"] * 2
    assert fate(mail) == (SENT, [False, True])


def test_a_server_that_hangs_up_on_the_whole_message_gets_the_same_one_again(mail: Delivery, settings: Any) -> None:
    with running(settings, Postbox()) as postbox:
        postbox.hangs_up = True
        assert deliver() == 1
        assert fate(mail) == (WAITING, [False])
        assert mail.last_answer == (
            "The mail server has the whole message, but closed the connection without an answer. It may have arrived."
        )

        postbox.hangs_up = False
        assert deliver(WAITS[0]) == 1

    assert [each["Message-ID"] for each in postbox.mails] == [f"<{mail.message_id}>"] * 2
    assert fate(mail) == (SENT, [False, True])


def test_what_is_accepted_stays_so_however_the_server_takes_leave(
    mail: Delivery, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "GOODBYE_SECONDS", 0.1)
    postbox = Postbox()
    postbox.may_take_leave.clear()
    with running(settings, postbox):
        assert deliver() == 1
        assert postbox.is_left.is_set()

    assert fate(mail) == (SENT, [True])


def test_what_is_accepted_is_written_down_when_the_database_is_back(
    mail: Delivery, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = [OperationalError("gone"), OperationalError("gone still")]
    write = delivering._write_once

    def write_if_there(*args: Any, **fields: Any) -> None:
        if outage:
            raise outage.pop()
        write(*args, **fields)

    monkeypatch.setattr(delivering, "_write_once", write_if_there)
    monkeypatch.setattr(delivering, "AGAIN_SECONDS", 0.01)
    with running(settings, Postbox()) as postbox:
        assert deliver() == 1
        assert deliver(leasing.LEASE) == 0

    assert len(postbox.mails) == 1
    assert fate(mail) == (SENT, [True])
