"""Looks at the job table all the time, past the proxy: what must hold at every moment."""

from __future__ import annotations

import threading
import time

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max

from jobs.models import Job, JobEvent
from tests.chaos.workload import PARALLEL_JOBS

EVERY_SECONDS = 0.1


class Sampler(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="sampler", daemon=True)
        self.samples = 0
        self.most_active = 0
        self.too_many: list[str] = []
        self.unsettled: list[int] = []
        self.unsettled_roots = 0
        self.longest_standstill = 0.0
        """Seconds without any event although something was unsettled."""
        self.done = threading.Event()
        self._last_event = 0
        self._moved_at = time.monotonic()

    def run(self) -> None:
        while not self.done.wait(EVERY_SECONDS):
            try:
                self._sample()
            except DatabaseError:
                connection.close()
        connection.close()

    def _sample(self) -> None:
        rows = list(Job.objects.unsettled().values_list("pk", "root_id", "is_run", "status"))
        self.samples += 1
        self.unsettled = [pk for pk, _, _, _ in rows]
        self.unsettled_roots = sum(root is None for _, root, _, _ in rows)
        active = [pk for pk, _, is_run, status in rows if not is_run and status != "waiting"]
        self.most_active = max(self.most_active, len(active))
        if len(active) > PARALLEL_JOBS:
            self.too_many.append(f"{len(active)} active component jobs at once: {active}")
        self._measure_standstill(bool(rows))

    def _measure_standstill(self, anything: bool) -> None:
        last = JobEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        now = time.monotonic()
        if last != self._last_event or not anything:
            self._last_event = last
            self._moved_at = now
        self.longest_standstill = max(self.longest_standstill, now - self._moved_at)
