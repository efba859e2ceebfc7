"""Django's mail backend with the patience of RFC 5321, 4.5.3.2, for the one answer that must not be missed.

A server that has the whole message may take minutes before it says so. Whoever does not wait sends it again, and the
server has it twice. All other answers come at once or not at all.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail.backends import smtp

from orchestrations.lib.outbound import Deadline

GO_AHEAD = 354
GOODBYE_SECONDS = 2.0


class Unanswered(smtplib.SMTPServerDisconnected):
    """The server has the whole message and said nothing: it may have taken it. The text says how it said nothing."""


class _Silent(smtplib.SMTPServerDisconnected):
    """The time for an answer is over."""


class Backend(smtp.EmailBackend):
    """``before_data`` is called before a message is handed over; what it raises keeps the message here."""

    def __init__(self, *args: Any, before_data: Callable[[], None] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._before_data = before_data

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SecureConnection if self.use_ssl else _Connection

    def open(self) -> bool | None:
        is_new = super().open()
        if isinstance(self.connection, _Patient):
            self.connection.before_data = self._before_data
        return is_new

    def _close_connection(self, connection: smtplib.SMTP) -> None:
        """However the server takes leave: what it has accepted stays accepted."""
        if connection.sock is not None:
            connection.sock.settimeout(GOODBYE_SECONDS)
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


class _Patient(smtplib.SMTP):
    before_data: Callable[[], None] | None = None

    def data(self, msg: Any) -> tuple[int, bytes]:
        """As in the standard library, but for how long the answer to the final dot is waited for."""
        if self.before_data is not None:
            self.before_data()
        code, answer = self.docmd("data")
        if code != GO_AHEAD:
            raise smtplib.SMTPDataError(code, answer)
        self.send(_with_its_end(msg))
        assert self.sock is not None
        self.sock.settimeout(settings.EMAIL_ANSWER_SECONDS)
        try:
            code, answer = self.getreply()
        except _Silent as error:
            raise Unanswered(f"did not answer within {settings.EMAIL_ANSWER_SECONDS:g} seconds") from error
        except smtplib.SMTPServerDisconnected as error:
            raise Unanswered("closed the connection without an answer") from error
        self.sock.settimeout(self.timeout)
        return code, answer

    def getreply(self) -> tuple[int, bytes]:
        """Within the timeout as a whole, in however many lines and drops it comes."""
        assert self.sock is not None
        seconds = self.sock.gettimeout()
        assert seconds is not None
        with Deadline(seconds) as deadline:
            deadline.watch(self.sock)
            try:
                answer = super().getreply()
            except smtplib.SMTPServerDisconnected:
                if not deadline.is_over:
                    raise
            else:
                # The beginning of a line, which was cut, would look like a whole one.
                if not deadline.is_over:
                    return answer
        self.close()
        raise _Silent(f"not within {seconds:g} seconds")


class _Connection(_Patient):
    """In plain text, or by STARTTLS."""


class _SecureConnection(_Patient, smtplib.SMTP_SSL):
    """By TLS from the first byte."""


def _with_its_end(message: bytes) -> bytes:
    """Dots that begin a line are doubled, so that the one that ends it is alone (RFC 5321, 4.5.2)."""
    end = b"" if message.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message) + end + b".\r\n"
