"""Webhooks: what is sent, signed so that the receiver can tell, and never into the private network unasked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from jobs.models import Cause, Delivery, DeliveryStatus
from jobs.notifying import delivering, expanding, testing
from jobs.states import JobStatus
from orchestrations import subscribing
from orchestrations.access import Actor
from orchestrations.lib import outbound
from orchestrations.lib.addresses import is_public
from orchestrations.models import Channel, Configuration, EventType, Project, Subscription
from orchestrations.subscribing import InvalidSubscription, Wanted
from tests import builders
from tests.builders import NOW, task


class Receiver:
    """Keeps what it gets; ``status`` is what it answers, once ``may_answer``."""

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.url = ""


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            receiver.may_answer.wait(30)
            self.send_response(receiver.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?of=tutti"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    one = builders.build_configuration(project, name="Only")
    return builders.build_orchestration(project, [task(one, key="only")], name="Daily")


@pytest.mark.django_db(transaction=True)
def test_a_failed_run_is_sent_and_signed(orchestration: Configuration, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with receiving(Receiver()) as receiver:
        subscription = subscribe(orchestration, "webhook", receiver.url)
        fail_unattended(orchestration)
        assert delivering.deliver(Channel.WEBHOOK, clock=timezone.now) == 1

    headers, body = receiver.requests[0]
    # The receiver's own library takes it for ours, and for nobody else's.
    payload = Webhook(subscribing.secret_of(subscription)).verify(body, headers)
    assert payload == json.loads(body)
    assert payload["eventType"] == "job-failed"
    assert payload["uniqueId"] == headers["webhook-id"] == Delivery.objects.get().message_id
    assert payload["job"]["configuration"] == {"id": orchestration.key, "name": "Daily"}
    assert [each["status"] for each in payload["job"]["tasks"]] == ["error"]
    assert "Task Only ended in error" in payload["errorMessage"]
    assert Delivery.objects.get().status == DeliveryStatus.SENT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "left"), [(500, "waiting"), (404, "waiting"), (302, "waiting"), (410, "failed"), (200, "sent")]
)
def test_what_the_receiver_answers_decides(status: int, left: str, orchestration: Configuration, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with receiving(Receiver(status)) as receiver:
        subscribe(orchestration, "webhook", receiver.url)
        fail_unattended(orchestration)
        delivering.deliver(Channel.WEBHOOK, clock=timezone.now)

    assert len(receiver.requests) == 1
    assert Delivery.objects.get().status == left


@pytest.mark.parametrize("allowed", [["127.0.0.1"], ["10.0.0.0/8", "127.0.0.0/8"]])
def test_single_hosts_and_networks_can_be_allowed(allowed: list[str]) -> None:
    with receiving(Receiver(200)) as receiver:
        assert outbound.post(receiver.url, b"{}", {}, seconds=2, allowed=allowed).status == 200
        with pytest.raises(outbound.Refused):
            outbound.post(receiver.url, b"{}", {}, seconds=2, allowed=["example.org", "10.0.0.0/8"])


@pytest.mark.django_db(transaction=True)
def test_a_private_address_is_not_asked(orchestration: Configuration, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = False
    with receiving(Receiver()) as receiver:
        subscribe(orchestration, "webhook", receiver.url)
        fail_unattended(orchestration)
        delivering.deliver(Channel.WEBHOOK, clock=timezone.now)

    delivery = Delivery.objects.get()
    assert receiver.requests == []
    assert delivery.status == DeliveryStatus.FAILED
    assert "private address 127.0.0.1" in delivery.last_answer


@pytest.mark.django_db(transaction=True)
def test_a_chat_gets_the_sentences(orchestration: Configuration, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with receiving(Receiver(200)) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        subscription = subscribe(orchestration, "chat", f"mmost://127.0.0.1:{port}/3ccdd113474722377935511fc85d3dd4")
        fail_unattended(orchestration)
        delivering.deliver(Channel.CHAT, clock=timezone.now)

    assert b"The run of Daily ended in error." in receiver.requests[0][1]
    assert subscription.address == "mmost://127.0.0.1/…3dd4"
    assert Delivery.objects.get().status == DeliveryStatus.SENT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "address",
    [
        "workflows://localhost:{port}/643e01ac4c0d4a2a9b7b2e/9f2c4d/",
        "mmost://localhost:{port}/3ccdd113474722377935511f/",
    ],
)
def test_no_chat_is_led_into_the_private_network_by_a_name(
    address: str, orchestration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "check_host", lambda *given, **allowed: None)  # it was public when we looked
    with receiving(Receiver(200)) as receiver:
        deliver_to_chat(orchestration, address.format(port=receiver.url.split(":")[2].split("/")[0]))

    assert receiver.requests == []
    assert Delivery.objects.get().status == DeliveryStatus.FAILED
    assert "private address" in Delivery.objects.get().last_answer


@pytest.mark.django_db(transaction=True)
def test_an_address_of_a_chat_brings_no_other_service_behind_it(orchestration: Configuration, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ADDRESSES = True
    with receiving(Receiver(200)) as receiver:
        here = receiver.url.split("/")[2]
        deliver_to_chat(orchestration, f"mmost://{here}/3ccdd113474722377935511fc85d3dd4 json://{here}/")

    assert [headers for headers, body in receiver.requests if b"attachments" in body] == []


def deliver_to_chat(orchestration: Configuration, address: str) -> None:
    subscribe(orchestration, "chat", address)
    fail_unattended(orchestration)
    delivering.deliver(Channel.CHAT, clock=timezone.now)


def test_the_host_of_every_chat_that_names_one_is_looked_at() -> None:
    assert subscribing.own_host_of("workflows://127.0.0.1:8080/643e01ac/9f2c4d/") == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver()) as receiver:
        monkeypatch.setattr(outbound, "check_host", lambda host, port, allowed: None)  # it was public when we looked

        with pytest.raises(outbound.Refused, match="private address 127"):
            outbound.post(receiver.url, b"{}", {}, seconds=2)

    assert receiver.requests == []


def test_nothing_is_connected_to_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever owns a name could tell which ports here are open."""
    monkeypatch.setattr(outbound, "check_host", lambda host, port, allowed: None)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with pytest.raises(outbound.Refused):
            outbound.post(f"http://localhost:{listening.getsockname()[1]}/", b"{}", {}, seconds=2)

        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_closed_port_that_is_refused_looks_like_an_open_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "check_host", lambda host, port, allowed: None)

    with pytest.raises(outbound.Refused):
        outbound.post("http://localhost:1/", b"{}", {}, seconds=2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("event", {"event": "job-exploded"}),
        ("recipient.channel", {"channel": "pigeon"}),
        ("recipient.address", {"address": ""}),
        ("recipient.address", {"address": "nobody"}),
        ("recipient.address", {"channel": "webhook", "address": "ftp://example.org"}),
        ("recipient.address", {"channel": "chat", "address": "syslog://localhost"}),
        ("recipient.address", {"address": "x" * 501}),
        ("durationOvertimePercentage", {"event": EventType.LONG}),
        ("durationOvertimePercentage", {"event": EventType.LONG, "overtime_percent": -1}),
        ("expiresAt", {"expires_at": NOW}),
    ],
)
def test_what_is_wrong_is_named(field: str, wanted: dict[str, Any], orchestration: Configuration) -> None:
    given = {"event": EventType.FAILED, "channel": "email", "address": "a@example.org", **wanted}

    with pytest.raises(InvalidSubscription) as refused:
        subscribing.subscribe(
            orchestration.project,
            orchestration,
            Wanted(**given),
            actor=builders.admin_of(orchestration.project),
            now=NOW,
        )

    assert refused.value.field == field
    assert not Subscription.objects.exists()


@pytest.mark.django_db
def test_replacing_keeps_what_stays(orchestration: Configuration) -> None:
    actor = builders.admin_of(orchestration.project)
    kept = subscribe(orchestration, "webhook", "https://example.org/hook")
    subscribe(orchestration, "email", "old@example.org")
    same = Wanted(event=EventType.FAILED, channel="webhook", address="https://example.org/hook")
    new = Wanted(event=EventType.LONG, channel="email", address="New@Example.org", overtime_percent=20)

    for _ in range(2):
        subscribing.replace(orchestration, [same, new, new], actor=actor, now=NOW)

    rows = Subscription.objects.order_by("pk")
    assert [(row.event, row.address) for row in rows] == [
        (EventType.FAILED, "https://example.org/hook"),
        (EventType.LONG, "new@example.org"),
    ]
    assert rows[0].pk == kept.pk
    assert subscribing.secret_of(rows[0]) == subscribing.secret_of(kept)


# --- Private -----------------------------------------------------------------------------------


def subscribe(orchestration: Configuration, channel: str, address: str) -> Subscription:
    return subscribing.subscribe(
        orchestration.project,
        orchestration,
        Wanted(event=EventType.FAILED, channel=channel, address=address),
        actor=builders.admin_of(orchestration.project),
        now=NOW,
    )


def fail_unattended(orchestration: Configuration) -> None:
    builders.launch(orchestration, actor=Actor(token=orchestration.own_tokens.get()), cause=Cause.SCHEDULE)
    builders.drain(builders.build_cluster(), {"Only": JobStatus.ERROR})
    expanding.expand(now=timezone.now())


@pytest.mark.django_db
def test_a_name_of_several_lines_is_one_subject(project: Project) -> None:
    actor, name = builders.admin_of(project), "Daily\r\nBcc: everybody@example.org"
    orchestration = builders.build_orchestration(project, [], name=name)
    wanted = Wanted(event=EventType.FAILED, channel=Channel.EMAIL, address="a@example.org")
    subscription = subscribing.subscribe(project, orchestration, wanted, actor=actor, now=NOW)

    assert testing.send_test(subscription, actor=actor, now=NOW).subject == "Test: Daily Bcc: everybody@example.org"
