"""Several calls at the same moment, each in a thread with a database connection of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

ROUNDS = int(os.environ.get("TUTTI_TEST_ROUNDS", "12"))
"""How often a race is run; TUTTI_TEST_ROUNDS=100 for a long look."""
DEADLINE_SECONDS = 60


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls start together; their results in order. An exception is a result, not raised."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int) -> None:
        try:
            connections["default"].ensure_connection()
            barrier.wait(DEADLINE_SECONDS)
            results[place] = calls[place]()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive(), "a call of the race hangs"
    return results


def unexpected(results: list[Any], *expected: type[Exception]) -> list[Exception]:
    """The exceptions among the results that are none of the expected ones."""
    return [each for each in results if isinstance(each, Exception) and not isinstance(each, expected)]
