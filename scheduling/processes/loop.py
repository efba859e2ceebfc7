"""The loop that fires what is due, to the moment, and starts the runs in the time between.

Creating comes before starting: a run takes ten times as long to start as to create, and what is due in the same second
must not wait for it. What this process does not get to start any more, a sweep of the workers starts (R11).
"""

from __future__ import annotations

import logging
import select
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from jobs import advancing
from jobs.wakeups import Listener, Topic, listener
from scheduling import ticking, triggering, zone_data
from scheduling.processes import reporting

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""The longest sleep: a wake-up may be lost, and a clock that is put forward tells nobody."""
TAKEN_SECONDS = 0.02
"""When everything that is due is in the hands of other schedulers."""
OUTAGE_SECONDS = 0.5
FAILURES = (DatabaseError, connection.Database.Error)  # type: ignore[attr-defined]  # every backend has its driver there
"""Listening goes past Django, so the driver's own errors come through."""


class Stoppable(Protocol):
    def fileno(self) -> int: ...

    def is_asked(self) -> bool: ...


class Loop:
    """``clock`` is what tells when something is due."""

    def __init__(self, owner: str, stop: Stoppable, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self.owner = owner
        self.stop = stop
        self.clock = clock
        self.runs: deque[int] = deque()
        self._next: datetime | None = None
        self._hearing: Listener | None = None
        self._heartbeat_due = 0.0
        self._knows_zones = False

    def run(self) -> None:
        """Until asked to stop, whatever becomes of the database meanwhile."""
        while not self.stop.is_asked():
            try:
                self._round()
            except FAILURES:
                log.warning("The database does not answer: what is due waits", exc_info=log.isEnabledFor(logging.DEBUG))
                self._start_anew()
            except Exception:
                log.exception("A round of the scheduler failed")
                self._sleep(OUTAGE_SECONDS)
        if self._hearing is not None:
            with suppress(*FAILURES):
                self._hearing.close()

    def _round(self) -> None:
        # Listening comes before looking: what is committed in between is heard.
        hearing = self._open_listener()
        self._report()
        if self._fire() or self._recompute_zones() or self._start_one():
            return
        self._wait(hearing)

    def _fire(self) -> bool:
        """Deal with a batch of what is due; whether there was any. Notes what will be due next."""
        now = self.clock()
        due, look = ticking.next_due(), triggering.next_look()
        self._next = min((moment for moment in (due, look) if moment is not None), default=None)
        done = []
        if triggering.is_anything_pending():
            done.append(triggering.evaluate_updates(now=now))
        if look is not None and look <= now:
            done.append(triggering.look_again(now=now))
        if due is not None and due <= now:
            done.append(ticking.tick(now=now))
        for each in done:
            self.runs.extend(each.run_ids)
        if done and not any(each.count for each in done):
            self._sleep(TAKEN_SECONDS)
        return bool(done)

    def _recompute_zones(self) -> bool:
        """A batch of what newer time zones change; after the last one, or a failure, never again in this process."""
        try:
            self._knows_zones = self._knows_zones or not zone_data.recompute_next_runs(now=self.clock())
        except FAILURES:
            raise
        except Exception:
            log.exception("Moments could not be computed anew with the time zones of %s", zone_data.VERSION)
            self._knows_zones = True
        return not self._knows_zones

    def _start_one(self) -> bool:
        """Start one of the runs that were created; between two of them we look what is due."""
        if not self.runs:
            return False
        run_id = self.runs.popleft()
        try:
            advancing.start(run_id, now=self.clock())
        except FAILURES:
            raise
        except Exception:
            log.exception("Run %s could not be started", run_id)
        return True

    def _wait(self, hearing: Listener) -> None:
        """Until the next due moment, a wake-up or the stop."""
        if hearing.heard():
            return
        seconds = LOOK_SECONDS
        if self._next is not None:
            seconds = min(seconds, (self._next - self.clock()).total_seconds())
        select.select([hearing.fileno(), self.stop.fileno()], [], [], max(0.0, seconds))
        hearing.heard()

    def _sleep(self, seconds: float) -> None:
        select.select([self.stop.fileno()], [], [], seconds)

    def _report(self) -> None:
        if time.monotonic() >= self._heartbeat_due:
            reporting.report(self.owner)
            self._heartbeat_due = time.monotonic() + settings.HEARTBEAT_SECONDS

    def _open_listener(self) -> Listener:
        if self._hearing is None:
            self._hearing = listener(Topic.AUTOMATION)
        self._hearing.open()
        return self._hearing

    def _start_anew(self) -> None:
        """Django does not reconnect outside of a request by itself."""
        with suppress(*FAILURES):
            connection.close()
        if connection.vendor == "postgresql":
            self._hearing = None
        self._sleep(OUTAGE_SECONDS)
