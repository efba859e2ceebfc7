"""Asks again and again until a field of the answer says that it is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urljoin

from jobs.components.http_request import json_paths
from jobs.components.http_request.answers import Answer
from jobs.components.http_request.options import Polling
from jobs.components.shared.clock import Clock
from jobs.components.shared.errors import UserError
from jobs.components.shared.http.failures import shown
from jobs.components.shared.progress import Progress

Ask = Callable[[str], Answer]
"""The answer of an address."""


def wait_until_done(first: Answer, polling: Polling, ask: Ask, clock: Clock, progress: Progress) -> Answer:
    """The answer that said so. Raises UserError when it failed or took too long."""
    url = _address(first, polling)
    began_at, seen = clock.now(), ""
    answer = first if url == first.url else ask(url)
    number = 1
    while True:
        state = _state(answer, polling)
        if state in polling.done_values:
            return answer
        if state in polling.failed_values:
            raise UserError(f"{shown(url)}: {polling.path} is {state!r}. The answer: {answer.shown_text}")
        if state != seen:
            print(f"{polling.path} is {state!r}.")
            seen = state
        progress.report(number, None, f"Waiting: {polling.path} is {state!r}"[:200])
        wait = max(polling.interval_seconds, answer.retry_after_seconds)
        if clock.now() - began_at + wait > polling.limit_seconds:
            raise UserError(
                f"{shown(url)}: not done within {polling.limit_seconds:g} s; {polling.path} is still {state!r}."
            )
        clock.wait(wait)
        answer = ask(url)
        number += 1


def _address(first: Answer, polling: Polling) -> str:
    if not polling.address:
        return urljoin(first.url, first.location) if first.location else first.url

    def value(match: re.Match[str]) -> str:
        found = first.value(match[1], json_paths.parse(match[1], "polling.address"))
        # A whole address stays one; what is put into one must not change its other parts.
        return found if match[0] == polling.address.strip() else quote(found, safe="")

    return urljoin(first.url, re.sub(r"\{([^}]*)\}", value, polling.address.strip()))


def _state(answer: Answer, polling: Polling) -> str:
    """As text; "" while the answer does not have the field yet."""
    found = json_paths.find(answer.document, polling.steps)
    return "" if found is json_paths.MISSING else json_paths.as_text(found)
