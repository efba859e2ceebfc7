"""A real SMTP server on loopback that accepts, refuses, stalls or is gone."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Postbox:
    """``answer`` is what it says to a whole message, ``refused`` are addresses that it does not take.

    It answers nothing while it may not: whoever waits for that finds ``is_asked``.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.refused: dict[str, str] = {}
        self.may_answer, self.is_asked = threading.Event(), threading.Event()
        self.may_answer.set()

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
        return self.answer


class _Controller(Controller):
    """On whatever port is free: the base class would ask for one by its number."""

    def __init__(self, postbox: Postbox, **options: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(postbox, hostname="127.0.0.1", port=self.listener.getsockname()[1], **options)

    def _create_server(self) -> Coroutine[Any, Any, asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self.listener)


@contextmanager
def listening(postbox: Postbox, *, user: str = "", password: str = "") -> Iterator[int]:
    """Its port; closed afterwards. With a user, nobody else may send."""

    def authenticate(_server: Any, _session: Any, _envelope: Any, _way: str, given: Any) -> AuthResult:
        return AuthResult(success=given == LoginPassword(user.encode(), password.encode()))

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    controller = _Controller(postbox, **(options if user else {}))
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def running(settings: Any, postbox: Postbox) -> Iterator[Postbox]:
    """The site sends to it while this is open; afterwards its port is closed."""
    with listening(postbox) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = port
        yield postbox


def text_of(mail: EmailMessage) -> str:
    """Its headers and its parts, decoded."""
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *map(str, parts)])
