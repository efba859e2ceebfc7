"""The scheduler process, from its start to its end."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from types import FrameType
from uuid import uuid4

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from jobs import machine
from orchestrations.lib import lifeline
from scheduling.processes import reporting
from scheduling.processes.housekeeping import Housekeeping
from scheduling.processes.loop import Loop

STOP_SECONDS = 10.0
"""A statement that hangs, or a mail server that keeps its answer, may hold up the stop for so long; then the process
just ends: the database rolls back, and the mail goes out again when its lease has run out."""
FINISHING_SECONDS = STOP_SECONDS - 1


def run() -> int:
    """Until SIGTERM or SIGINT, or until the launcher has gone. Returns the exit code."""
    owner = f"{machine.name()}/{machine.process_name()}/{uuid4().hex[:8]}"
    stop = Stop()
    lifeline.stop_when_cut(settings.LIFELINE_FD)
    housekeeping = Housekeeping(owner, stop)
    housekeeping.start()
    Loop(owner, stop).run()
    housekeeping.join(FINISHING_SECONDS)
    with suppress(DatabaseError):
        reporting.say_goodbye(owner)
    connections.close_all()
    return 0


class Stop:
    """Asked to stop: an event for threads, and a descriptor that becomes readable, to be waited for with others."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def fileno(self) -> int:
        return self._reader.fileno()

    def is_asked(self) -> bool:
        return self.event.is_set()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.event.set()
        with suppress(BlockingIOError):
            self._writer.send(b"!")
        threading.Thread(target=_end_anyway, name="end anyway", daemon=True).start()


def _end_anyway() -> None:
    time.sleep(STOP_SECONDS)
    os._exit(0)
