"""How many requests a token may make in a minute, and what every answer says of it (README, "Settings")."""

from __future__ import annotations

import functools
import logging
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse

from orchestrations.api.errors import ApiError
from orchestrations.lib.rates import Rates, Verdict
from orchestrations.models import Token

log = logging.getLogger("tutti.api")

PERIOD_SECONDS = 60
FILE = "rates"


class TooMany(ApiError):
    """The token has used up what it may."""

    def __init__(self, verdict: Verdict) -> None:
        seconds = "1 second" if verdict.wait_seconds == 1 else f"{verdict.wait_seconds} seconds"
        limit = f"{settings.API_REQUESTS_PER_MINUTE:,}"
        super().__init__(429, f"This token may make {limit} requests in a minute. Try again in {seconds}.")


def count(token: Token) -> Verdict | None:
    """One request more of this token; None when nothing is limited."""
    limit = settings.API_REQUESTS_PER_MINUTE
    if not limit:
        return None
    return _rates(str(settings.DATA_DIR)).take(token.pk, limit=limit, period=PERIOD_SECONDS, now=time.monotonic())


def tell(response: HttpResponse, verdict: Verdict | None) -> None:
    """By the fields of the IETF's draft, and Retry-After (RFC 9110)."""
    if verdict is None:
        return
    limit = settings.API_REQUESTS_PER_MINUTE
    response.headers["RateLimit-Limit"] = str(limit)
    response.headers["RateLimit-Remaining"] = str(verdict.remaining)
    response.headers["RateLimit-Reset"] = str(verdict.reset_seconds)
    response.headers["RateLimit-Policy"] = f"{limit};w={PERIOD_SECONDS}"
    if not verdict.allowed:
        response.headers["Retry-After"] = str(verdict.wait_seconds)


@functools.lru_cache(maxsize=1)
def _rates(folder: str) -> Rates:
    try:
        return Rates(Path(folder) / FILE)
    except OSError as error:
        log.warning("Requests are counted by this process alone: %s", error)
        return Rates(Path(tempfile.mkdtemp(prefix="tutti-")) / FILE)
