"""What can go wrong with a request, as a sentence and with a verdict: is it worth another try?"""

from __future__ import annotations

import ssl
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from urllib3 import exceptions
from urllib3.response import BaseHTTPResponse

from jobs.components.shared.errors import UserError
from jobs.components.shared.http.connections import Surplus

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 529})
"""Answers that may be another one a moment later; the last ones are those of proxies."""

Problem = exceptions.HTTPError | Surplus | OSError


class Failure(UserError):
    """A request that did not work out.

    ``did_nothing``: it was not even begun with; ``wait_seconds``: what the server asks for, None when it does not say.
    """

    def __init__(
        self, sentence: str, *, may_pass: bool, did_nothing: bool = False, wait_seconds: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.may_pass = may_pass
        self.did_nothing = did_nothing
        self.wait_seconds = wait_seconds


def shown(url: str) -> str:
    """An address as it may stand in a log: what follows the path often holds keys."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}{'?…' if parts.query else ''}"


def of_answer(url: str, answer: BaseHTTPResponse, now: float) -> Failure:
    """``now``: seconds since 1970, for servers that name a moment to come back at."""
    reason = f" {answer.reason}" if answer.reason else ""
    wait_seconds = _retry_after(answer.headers.get("Retry-After"), now)
    return Failure(
        f"{shown(url)}: the server answered {answer.status}{reason}.",
        may_pass=answer.status in _PASSING,
        did_nothing=answer.status == 429 or (answer.status == 503 and wait_seconds is not None),
        wait_seconds=wait_seconds,
    )


def of_exception(url: str, error: Problem, timeout_seconds: float) -> Failure:
    what, may_pass = _told(error, timeout_seconds)
    did_nothing = isinstance(error, exceptions.ConnectTimeoutError)  # and those below it: no connection, no name
    return Failure(f"{shown(url)}: {what}.", may_pass=may_pass, did_nothing=did_nothing)


def _told(error: Problem, timeout_seconds: float) -> tuple[str, bool]:
    cause = error.__cause__ or error.__context__
    match error:
        case Surplus():
            return "the server sent more than the length that it declared", True
        case exceptions.NameResolutionError():
            return "the name of the host is not known", True
        case exceptions.NewConnectionError():  # one of the next, by its class
            return f"no connection ({str(error).rpartition(': ')[2]})", True
        case exceptions.TimeoutError():
            return f"nothing came for {timeout_seconds:g} s", True
        case exceptions.SSLError() if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted ({cause.verify_message})", False
        case exceptions.SSLError():
            return "no secure connection could be made", True
        case exceptions.IncompleteRead():
            missing = f", {error.expected} bytes early" if error.expected else ""
            return f"the answer broke off after {error.partial} bytes{missing}", True
    broken = next((part for part in error.args if isinstance(part, exceptions.IncompleteRead)), None)
    if broken is not None:
        return _told(broken, timeout_seconds)
    return "the connection broke", True


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds, or a moment by the calendar."""
    if value is None:
        return None
    try:
        return float(value) if value.strip().isdigit() else max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
