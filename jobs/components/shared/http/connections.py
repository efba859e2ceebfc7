"""Connections of urllib3 that choose the address themselves, and answers that notice what comes after their end."""

from __future__ import annotations

import http.client
import socket
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from jobs.components.shared.errors import UserError
from jobs.components.shared.http.permissions import SETTING
from orchestrations.lib.addresses import Permissions

END_SECONDS = 0.5
"""How long the end of a connection is waited for that was asked to close after the answer."""


class AddressRefused(UserError):
    def __init__(self, host: str, address: str) -> None:
        where = host if host == address else f"{host} ({address})"
        super().__init__(
            f"{where} is a private address, where components may not connect to; "
            f"the administrator can allow it by {SETTING}."
        )


class Surplus(Exception):
    """More came than the server had declared: what was read may be cut off."""


class WatchedResponse(http.client.HTTPResponse):
    """The standard library stops reading at the declared length and never sees that there was more."""

    def _close_conn(self) -> None:
        reader: Any = self.fp
        try:
            declared = self.length == 0 and not self.chunked and self.getheader("Content-Length") is not None
            if declared and self.status not in (204, 304) and self._method != "HEAD" and _holds_more(reader):  # type: ignore[attr-defined]
                raise Surplus
        finally:
            super()._close_conn()  # type: ignore[misc]


def _holds_more(reader: Any) -> bool:
    try:
        reader.raw._sock.settimeout(END_SECONDS)
        return bool(reader.peek(1))
    except (OSError, ValueError, AttributeError):
        return False  # closed, or silent: nothing more


class _Guarded:
    """Connects to the address that was judged, so that a name cannot mean another one a moment later."""

    permissions: Permissions
    response_class: Any = WatchedResponse

    def __init__(self, *args: Any, permissions: Permissions, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.permissions = permissions

    def _new_conn(self: Any) -> socket.socket:
        host = self._dns_host.strip("[]")
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        allowed = [each for each in found if self.permissions.allow(host, _address(each))]
        if not allowed:
            raise AddressRefused(host, _address(found[0]))
        return _first_that_answers(self, allowed)


def _address(found: Any) -> str:
    """The address of one answer of getaddrinfo."""
    return str(found[4][0])


def _first_that_answers(connection: Any, addresses: list[Any]) -> socket.socket:
    problem: Exception | None = None
    for family, kind, protocol, _, address in addresses:
        stream = socket.socket(family, kind, protocol)
        try:
            stream.settimeout(connection.timeout)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.connect(address)
            return stream
        except TimeoutError:
            problem = ConnectTimeoutError(connection, "no answer in time")
        except OSError as error:
            problem = NewConnectionError(connection, error.strerror or str(error))
        stream.close()
    assert problem is not None
    raise problem


class GuardedHTTPConnection(_Guarded, HTTPConnection):
    pass


class GuardedHTTPSConnection(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


def pool(scheme: str, host: str, port: int | None, permissions: Permissions) -> HTTPConnectionPool:
    if scheme == "https":
        return _HTTPSPool(host, port, cert_reqs="CERT_REQUIRED", permissions=permissions)
    return _HTTPPool(host, port, permissions=permissions)
