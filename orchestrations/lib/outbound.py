"""Requests to addresses that people type in: only public ones, checked on the address that is really connected to."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from orchestrations.lib.addresses import Permissions

ANSWER_BYTES = 2_000


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
    pool = _pool(parts.scheme, parts.hostname, parts.port, allowed)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    deadline = time.monotonic() + seconds
    try:
        response = pool.urlopen(
            "POST",
            target,
            body=body,
            headers=dict(headers),
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        return Answer(response.status, _beginning(response, deadline))
    except _PrivateAddress as error:
        raise Refused(str(error.refusal)) from error
    except (HTTPError, OSError) as error:
        raise NoAnswer(f"{parts.hostname} did not answer: {_plain(error)}") from error
    finally:
        pool.close()


def _beginning(response: urllib3.BaseHTTPResponse, deadline: float) -> str:
    """A receiver that answers drop by drop must not hold us: what has come by the deadline is enough."""
    received = b""
    try:
        while len(received) < ANSWER_BYTES and time.monotonic() < deadline:
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
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
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


def _pool(scheme: str, host: str, port: int | None, allowed: Allowed) -> urllib3.HTTPConnectionPool:
    """Whose connections know what is allowed."""
    base: type[HTTPConnection] = _CheckedHTTPS if scheme == "https" else _CheckedHTTP
    kind = urllib3.HTTPSConnectionPool if scheme == "https" else urllib3.HTTPConnectionPool
    pool = kind(host, port, maxsize=1)
    pool.ConnectionCls = type(base.__name__, (base,), {"allowed": allowed})
    return pool
