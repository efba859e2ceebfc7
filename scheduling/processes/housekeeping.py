"""Housekeeping beside the loop: nothing that stalls here can delay what is due (DESIGN §5).

``chores.CHORES`` says what is done how often. Of many schedulers the one that takes an item's lease does it: the lease
is a moment in the item's row, moved by compare-and-swap and read by the database's clock. Each lane is a thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Protocol

from django.db import Error as DatabaseError
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from jobs.moving import seconds_from_now
from scheduling.chores import CHORES, Chore
from scheduling.models import Chore as Row

log = logging.getLogger(__name__)

SELDOM_SECONDS = 300.0
KEEP_CONNECTION_SECONDS = 5.0
"""A lane that has nothing to do for longer keeps no connection of its own."""


class Stop(Protocol):
    event: threading.Event


class Housekeeping:
    """Threads that end with the process: a chore that is cut off is done again when its lease has run out."""

    def __init__(self, owner: str, stop: Stop, chores: Sequence[Chore] = CHORES) -> None:
        lanes = groupby(sorted(chores, key=lambda chore: chore.lane), key=lambda chore: chore.lane)
        self.lanes = [Lane(name, owner, stop, list(items)) for name, items in lanes]

    def start(self) -> None:
        for lane in self.lanes:
            lane.start()

    def join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for lane in self.lanes:
            lane.join(max(0.0, deadline - time.monotonic()))


class Lane(threading.Thread):
    """Chores that may wait for each other, one after another."""

    def __init__(self, name: str, owner: str, stop: Stop, chores: Sequence[Chore]) -> None:
        super().__init__(name=f"housekeeping {name}", daemon=True)
        self.owner = owner
        self.stop = stop
        # The first time soon, not at once: whoever starts has more urgent things to do.
        self._due = {chore: time.monotonic() + min(5.0, chore.every_seconds) for chore in chores}

    def run(self) -> None:
        while not self.stop.event.wait(max(0.0, min(self._due.values()) - time.monotonic())):
            for chore in [each for each, moment in self._due.items() if moment <= time.monotonic()]:
                self._due[chore] = time.monotonic() + chore.every_seconds
                self._do(chore)
            if min(self._due.values()) - time.monotonic() > KEEP_CONNECTION_SECONDS:
                connections.close_all()
        connections.close_all()

    def _do(self, chore: Chore) -> None:
        try:
            do_if_due(chore, self.owner, is_stopping=self.stop.event.is_set)
        except DatabaseError:
            log.warning("The database does not answer: %s waits", chore.name)
            # Django does not reconnect outside of a request by itself.
            with suppress(DatabaseError):
                connections.close_all()
        except Exception:
            log.exception("Whether %s has work could not be asked", chore.name)


def do_if_due(chore: Chore, owner: str, *, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Do it, if its lease is to be had; whether this call did. A failure is logged and stands in its row."""
    if chore.has_work is not None and not chore.has_work(timezone.now()):
        return False
    if not take(chore, owner):
        return False
    error = ""
    try:
        for _piece in chore.work(timezone.now()) or ():
            if is_stopping():
                break
    except DatabaseError:
        raise
    except Exception as problem:
        log.exception("The chore %s failed", chore.name)
        error = f"{type(problem).__name__}: {problem}"
    Row.objects.filter(name=chore.name, owner=owner).update(
        due_at=seconds_from_now(chore.every_seconds), owner="", last_ended_at=Now(), last_error=error
    )
    return True


def take(chore: Chore, owner: str) -> bool:
    """Whether this scheduler is the one to do it now; for ``lease_seconds`` nobody else is then."""
    # What is done seldom is not done at the very first start, when everything else has to be.
    first = seconds_from_now(chore.every_seconds) if chore.every_seconds > SELDOM_SECONDS else Now()
    Row.objects.get_or_create(name=chore.name, defaults={"due_at": first})
    due = Row.objects.filter(name=chore.name, due_at__lte=Now())
    return bool(due.update(owner=owner, due_at=seconds_from_now(chore.lease_seconds)))
