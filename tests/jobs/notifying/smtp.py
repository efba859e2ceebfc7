"""A real SMTP server on loopback that accepts, refuses, stalls or is gone."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Postbox:
    """``answer`` is what it says to a whole message, ``refused`` are addresses that it does not take.

    It answers nothing while it may not: whoever waits for that finds ``is_asked``. To the messages for ``held`` it
    says nothing while it may not accept them, though it has them: those are ``holding``. ``is_left``: somebody took
    leave, and has read every answer before. ``seconds``: what it takes over every message; ``hangs_up`` on each.
    """

    def __init__(self, *, held: Collection[str] = (), seconds: float = 0.0) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.refused: dict[str, str] = {}
        self.held, self.seconds = held, seconds
        self.hangs_up = False
        self.may_answer, self.is_asked = threading.Event(), threading.Event()
        self.may_accept = threading.Event()
        self.holding: list[str] = []
        self.may_take_leave, self.is_left = threading.Event(), threading.Event()
        self.may_answer.set()
        self.may_take_leave.set()

    def let_go(self) -> None:
        for event in (self.may_answer, self.may_accept, self.may_take_leave):
            event.set()

    def addresses(self) -> list[str]:
        return sorted(str(mail["To"]) for mail in self.mails)

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
        self.is_left.set()
        await asyncio.to_thread(self.may_take_leave.wait, 30)
        return "221 Bye"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.is_asked.set()
        await asyncio.to_thread(self.may_answer.wait, 30)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if self.hangs_up:
            server.transport.abort()
        await asyncio.sleep(self.seconds)
        if set(self.held) & set(envelope.rcpt_tos):
            self.holding += envelope.rcpt_tos
            await asyncio.to_thread(self.may_accept.wait, 30)
        return self.answer


class _Controller(Controller):
    """On whatever port is free: the base class would ask for one by its number."""

    def __init__(self, postbox: Postbox, **options: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(postbox, hostname="127.0.0.1", port=self.listener.getsockname()[1], **options)

    def _create_server(self) -> Coroutine[Any, Any, asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self.listener, ssl=self.ssl_context)


@contextmanager
def listening(postbox: Postbox, *, user: str = "", password: str = "", **more: Any) -> Iterator[int]:
    """Its port; closed afterwards. With a user, nobody else may send. ``more`` is for the server (aiosmtpd)."""

    def authenticate(_server: Any, _session: Any, _envelope: Any, _way: str, given: Any) -> AuthResult:
        return AuthResult(success=given == LoginPassword(user.encode(), password.encode()))

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    controller = _Controller(postbox, **(options if user else {}), **more)
    controller.start()
    try:
        yield controller.port
    finally:
        postbox.let_go()
        controller.stop()


@contextmanager
def running(settings: Any, postbox: Postbox, **more: Any) -> Iterator[Postbox]:
    """The site sends to it while this is open; afterwards its port is closed. ``more`` is for the server."""
    with listening(postbox, **more) as port:
        settings.EMAIL_BACKEND = "jobs.notifying.channels.smtp.Backend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = port
        yield postbox


def text_of(mail: EmailMessage) -> str:
    """Its headers and its parts, decoded."""
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *map(str, parts)])
