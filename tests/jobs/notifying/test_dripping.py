"""Receivers that answer drop by drop: each byte is in time, the whole never is. None holds up a sender (R21)."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.notifying.channels import smtp
from orchestrations.lib import outbound
from orchestrations.lib.outbound import NoAnswer

DROPS, DROP_SECONDS, SECONDS = 200, 0.05, 0.5
HEAD = b"HTTP/1.1 200 OK\r\n"


class Dripping:
    """Says ``at_once``, and then a drop now and then; ``was_cut``: it was hung up on before it was done.

    ``greets``: it speaks first, as mail servers do.
    """

    def __init__(self, at_once: bytes, *, greets: bool) -> None:
        self.at_once, self.greets = at_once, greets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.was_cut = False
        self._stop = threading.Event()

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            if not self.greets:
                connection.recv(65536)
            try:
                connection.sendall(self.at_once)
                for _ in range(DROPS):
                    connection.sendall(b"1")
                    if self._stop.wait(DROP_SECONDS):
                        return
            except OSError:
                self.was_cut = True


@contextmanager
def dripping(at_once: bytes, *, greets: bool = False) -> Iterator[Dripping]:
    receiver = Dripping(at_once, greets=greets)
    thread = threading.Thread(target=receiver.serve)
    thread.start()
    try:
        yield receiver
        thread.join(30)
    finally:
        receiver._stop.set()
        thread.join(30)
        receiver.listener.close()


def post(receiver: Dripping, scheme: str = "http") -> outbound.Answer:
    return outbound.post(f"{scheme}://127.0.0.1:{receiver.port}/", b"{}", {}, seconds=SECONDS, allowed=True)


@pytest.mark.parametrize("at_once", [b"HTTP/1.", HEAD + b"X-Drops: "], ids=["status", "headers"])
def test_an_answer_that_does_not_begin_in_time_is_none(at_once: bytes) -> None:
    with dripping(at_once) as receiver, pytest.raises(NoAnswer, match=r"did not answer: not within 0\.5 s"):
        post(receiver)

    assert receiver.was_cut


def test_of_an_answer_that_does_not_end_in_time_the_status_counts() -> None:
    with dripping(HEAD + b"Content-Length: 1000\r\n\r\n") as receiver:
        answer = post(receiver)

    assert receiver.was_cut
    assert answer.status == 200
    assert set(answer.text) <= {"1"}


def test_a_handshake_that_does_not_end_in_time_is_cut() -> None:
    record = bytes([22, 3, 3, 64, 0])  # TLS: a record of the handshake, of which 16 kB are to come

    with dripping(record) as receiver, pytest.raises(NoAnswer, match=r"did not answer: not within 0\.5 s"):
        post(receiver, "https")

    assert receiver.was_cut


@pytest.mark.parametrize("at_once", [b"22", b"220-Welcome\r\n220-"], ids=["code", "lines"])
def test_a_mail_server_whose_answer_does_not_end_in_time_is_cut(at_once: bytes) -> None:
    with dripping(at_once, greets=True) as server:
        backend = smtp.Backend(host="127.0.0.1", port=server.port, timeout=SECONDS)

        with pytest.raises(smtplib.SMTPServerDisconnected, match=r"not within 0\.5 seconds"):
            backend.open()

    assert server.was_cut
