"""A request and its answer: redirects followed with care, failures tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url, parse_url

from jobs.components.shared.clock import Clock
from jobs.components.shared.errors import UserError
from jobs.components.shared.http import connections, failures
from jobs.components.shared.http.failures import Failure, shown
from orchestrations.lib.addresses import Permissions

MOST_REDIRECTS = 10
LONGEST_WAIT_SECONDS = 600
LONGEST_BACKOFF_SECONDS = 60
CONNECT_SECONDS = 15
USER_AGENT = "Tutti"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_EVERY_ORIGIN = frozenset({"accept", "accept-encoding", "if-modified-since", "if-none-match", "user-agent"})
"""What may be said to any server; all other headers may hold a key."""

_OF_THE_NETWORK = (HTTPError, connections.Surplus, ConnectionError, TimeoutError)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def may_be_repeated(self) -> bool:
        """Whether doing it twice is the same as once."""
        return self.method not in ("POST", "PATCH")


@dataclass(frozen=True)
class Client:
    """``timeout_seconds``: how long nothing may come; ``retries``: tries after the first."""

    permissions: Permissions
    clock: Clock
    timeout_seconds: float = 60
    retries: int = 5
    say: Callable[[str], None] = print

    def fetch(self, call: Call, read: Callable[[BaseHTTPResponse, str], Result]) -> Result:
        """What ``read`` makes of the answer and its URL. It judges the status: `refused` is what to raise.

        A try is the request and the reading, so that what breaks off in the middle is asked for again from its
        beginning. Raises UserError.
        """
        for number in range(self.retries + 1):
            try:
                with self._answer(call) as (answer, url):
                    return read(answer, url)
            except Failure as failure:
                wait = self._wait(failure, call, number)
                if wait is None:
                    raise
                self.say(f"{failure} Trying again in {wait:.0f} s.")
                self.clock.wait(wait)
        raise AssertionError("the last try returns or raises")

    @staticmethod
    def refused(answer: BaseHTTPResponse, url: str) -> Failure:
        return failures.of_answer(url, answer, time.time())

    def _wait(self, failure: Failure, call: Call, number: int) -> float | None:
        """Seconds until the next try; None: there is none."""
        if not failure.may_pass:
            return None
        if not (call.may_be_repeated or failure.did_nothing):
            raise UserError(f"{failure} It is not known what a {call.method} did there, so it is not tried again.")
        if number >= self.retries:
            raise UserError(f"{failure} That was try {number + 1}, the last one." if number else str(failure))
        if failure.wait_seconds is not None:
            if failure.wait_seconds > LONGEST_WAIT_SECONDS:
                raise UserError(f"{failure} It asks to come back in {failure.wait_seconds:.0f} s, which is too long.")
            return failure.wait_seconds
        # Not all at the same moment, when many jobs lost the same server.
        return min(2.0**number, LONGEST_BACKOFF_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311

    @contextmanager
    def _answer(self, call: Call) -> Iterator[tuple[BaseHTTPResponse, str]]:
        """The answer that is no redirect, and the address that gave it."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(call)
            try:
                location = answer.headers.get("Location")
                if answer.status not in _REDIRECTS or not location:
                    yield answer, call.url
                    return
                call = _redirected(call, answer.status, location)
            except _OF_THE_NETWORK as error:
                raise failures.of_exception(call.url, error, self.timeout_seconds) from error
            finally:
                with suppress(connections.Surplus):
                    answer.close()
        raise UserError(f"{shown(call.url)}: more than {MOST_REDIRECTS} redirects, one to another.")

    def _ask(self, call: Call) -> BaseHTTPResponse:
        target = _target(call.url)
        assert target.scheme is not None and target.host is not None
        pool = connections.pool(target.scheme, target.host, target.port, self.permissions)
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **call.headers, "Connection": "close"}
        timeout = Timeout(connect=min(CONNECT_SECONDS, self.timeout_seconds), read=self.timeout_seconds)
        try:
            return pool.urlopen(
                call.method,
                target.request_uri,
                body=call.body,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except _OF_THE_NETWORK as error:
            raise failures.of_exception(call.url, error, self.timeout_seconds) from error


def _target(url: str) -> Url:
    try:
        target = parse_url(url)
    except LocationParseError as error:
        raise UserError(f"{url!r} is not an address.") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise UserError(f"{url[:200]!r} is not an address that begins with http:// or https://.")
    if target.auth:
        raise UserError(f"{shown(url)}: user and password do not belong into the address; give them as authentication.")
    return target


def _redirected(call: Call, status: int, location: str) -> Call:
    url = urljoin(call.url, location)
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"{shown(call.url)}: redirects to an address that is not http or https.")
    call = for_url(call, url)
    headers, method, body = dict(call.headers), call.method, call.body
    if status == 303 or (status in (301, 302) and method == "POST"):
        method, body = ("HEAD" if method == "HEAD" else "GET"), None
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
    return replace(call, headers=headers, method=method, body=body)


def for_url(call: Call, url: str) -> Call:
    """The same at an address that a server named: another server is not told what is meant for this one."""
    headers = call.headers
    if _origin(url) != _origin(call.url):
        headers = {name: value for name, value in headers.items() if name.lower() in _OF_EVERY_ORIGIN}
    return replace(call, url=url, headers=headers)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
