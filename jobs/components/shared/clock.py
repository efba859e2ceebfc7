"""The time as waiting programs see it: tests make waits as short as they like, and limits still hold."""

from __future__ import annotations

import os
import time


class Clock:
    """Seconds since some moment, and waits. TUTTI_TEST_PACE scales real waiting; 0 in tests: no wait takes time."""

    def __init__(self) -> None:
        self._pace = float(os.environ.get("TUTTI_TEST_PACE") or 1)
        self._skipped = 0.0

    def now(self) -> float:
        return time.monotonic() + self._skipped

    def wait(self, seconds: float) -> None:
        time.sleep(seconds * self._pace)
        self._skipped += seconds * (1 - self._pace)
