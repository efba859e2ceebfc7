"""Requests to addresses that people type in: only public ones, checked on the address that is really connected to."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from orchestrations.lib.addresses import Permissions

ANSWER_BYTES = 2_000
LEAST_SECONDS = 0.001


class Refused(Exception):
    """The address may not be asked at all; the sentence names it."""


class NoAnswer(Exception):
    """Nobody answered in time."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    """The beginning of the body."""


Allowed = bool | Sequence[str]
"""Which private addresses may be asked: all, none, or those of these hosts and networks."""


def check_host(host: str, port: int = 443, *, allowed: Allowed = False) -> None:
    """Raises Refused when the name leads to a private address that is not allowed, NoAnswer when it leads nowhere."""
    if allowed is not True:
        for address in _addresses(host, port):
            _check(host, address, allowed)


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, allowed: Allowed = False) -> Answer:
    """One POST without redirects, answered within ``seconds`` in all. Raises Refused, NoAnswer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"{url} is not an http or https address.")
    # Before anything is sent: whether a port of ours is open must not be told apart.
    check_host(parts.hostname, parts.port or 443, allowed=allowed)
    with Deadline(seconds) as deadline:
        try:
            return _ask(_pool(parts, allowed, deadline), parts, body, headers, deadline)
        except _PrivateAddress as error:
            raise Refused(str(error.refusal)) from error
        except (HTTPError, OSError) as error:
            why = f"not within {seconds:g} s" if deadline.is_over else _plain(error)
            raise NoAnswer(f"{parts.hostname} did not answer: {why}") from error


def _ask(
    pool: urllib3.HTTPConnectionPool, parts: SplitResult, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> Answer:
    try:
        response = pool.urlopen(
            "POST",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            body=body,
            headers=dict(headers),
            timeout=urllib3.Timeout(total=max(deadline.left, LEAST_SECONDS)),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        if deadline.is_over:
            # What is cut among its headers may look like an answer that has none.
            raise TimeoutError
        return Answer(response.status, _beginning(response))
    finally:
        pool.close()


class Deadline:
    """Cuts the connections that are made under it when the time is up.

    The timeout of a socket counts anew with every byte: whoever sends one now and then would be waited for for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._connections: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        for each in self._connections:
            each.close()

    @property
    def is_over(self) -> bool:
        return self.left <= 0

    @property
    def left(self) -> float:
        return self._ends_at - time.monotonic()

    def watch(self, connection: socket.socket) -> None:
        # A descriptor of our own: TLS takes over the one that it is given, and its sockets have no ``dup``.
        self._connections.append(socket.socket(fileno=os.dup(connection.fileno())))
        if self.is_over:
            self._cut()

    def _cut(self) -> None:
        for each in self._connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _beginning(response: urllib3.BaseHTTPResponse) -> str:
    """Of what has come by the deadline; the status counts, whatever becomes of the rest."""
    received = b""
    try:
        while len(received) < ANSWER_BYTES:
            part = response.read1(ANSWER_BYTES) if hasattr(response, "read1") else response.read(ANSWER_BYTES)
            if not part:
                break
            received += part
    except (HTTPError, OSError):
        pass  # the status has come, and that is what counts
    finally:
        response.close()
    return received[:ANSWER_BYTES].decode(errors="replace")


def _plain(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error
    return str(inner).rsplit(": ", 1)[-1][:300]


# --- Connections that look where they go -------------------------------------------------------


class _PrivateAddress(NewConnectionError):
    def __init__(self, connection: HTTPConnection, refusal: Refused) -> None:
        super().__init__(connection, str(refusal))
        self.refusal = refusal


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAnswer(f"The name {host} leads nowhere.") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _check(host: str, address: str, allowed: Allowed) -> None:
    if not Permissions.of_setting(allowed).allow(host, address):
        raise Refused(f"{host} leads to the private address {address}, which this site does not allow.")


class _Checked:
    """Connects to the very address that was checked: a name that leads elsewhere a moment later gains nothing."""

    allowed: Allowed = False
    deadline: Deadline
    timeout: Any
    _dns_host: str
    port: int

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        addresses = self._checked_addresses(name)
        try:
            for address in addresses[:-1]:
                self._dns_host = address
                with suppress(HTTPError):
                    return self._connected()
            self._dns_host = addresses[-1]
            return self._connected()
        finally:
            # It is what the server is called by, too.
            self._dns_host = name

    def _connected(self) -> socket.socket:
        self.timeout = max(self.deadline.left, LEAST_SECONDS)
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.deadline.watch(connected)
        return connected

    def _checked_addresses(self, name: str) -> list[str]:
        """Nothing is connected to before: whether a port of ours is open must not be told apart."""
        host = name.strip("[]")
        found = _addresses(host, self.port)
        try:
            for address in found if self.allowed is not True else ():
                _check(host, address, self.allowed)
        except Refused as error:
            raise _PrivateAddress(self, error) from error  # type: ignore[arg-type]
        return found


class _CheckedHTTP(_Checked, HTTPConnection):
    pass


class _CheckedHTTPS(_Checked, HTTPSConnection):
    pass


def _pool(parts: SplitResult, allowed: Allowed, deadline: Deadline) -> urllib3.HTTPConnectionPool:
    """Whose connections know what is allowed, and for how long."""
    base: type[HTTPConnection] = _CheckedHTTPS if parts.scheme == "https" else _CheckedHTTP
    kind = urllib3.HTTPSConnectionPool if parts.scheme == "https" else urllib3.HTTPConnectionPool
    pool = kind(parts.hostname or "", parts.port, maxsize=1)
    pool.ConnectionCls = type(base.__name__, (base,), {"allowed": allowed, "deadline": deadline})
    return pool
