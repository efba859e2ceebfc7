"""How often each of many callers came lately, counted by all processes of one machine together.

A file of fixed size: a look costs microseconds and no query, and the one writer of SQLite is left alone. Several
machines count apart from each other. Each caller has one number, the moment until which it has used up what it may: it
grows by a share of the period for every call (the "generic cell rate algorithm"), so a burst may be as large as the
limit, and what was used comes back steadily.
"""

from __future__ import annotations

import fcntl
import math
import os
import struct
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SLOTS = 8192
TRIES = 8
"""So many neighbouring slots are looked at for a caller; if others need them all, the idlest of them is forgotten."""
_SLOT = struct.Struct("<qd")


@dataclass(frozen=True)
class Verdict:
    """``reset_seconds``: until nothing counts any more; ``wait_seconds``: until the next call is allowed, 0 for now."""

    allowed: bool
    remaining: int
    reset_seconds: int
    wait_seconds: int


class Rates:
    """Opened by each process for itself. The file may be lost, cut or filled with anything: then counting begins anew.

    Raises OSError when there is no file to be had.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._threads = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._closing = weakref.finalize(self, os.close, self._file)

    def take(self, caller: int, *, limit: int, period: float, now: float) -> Verdict:
        """One call more, if it is allowed: ``limit`` of them in ``period`` seconds. ``now`` in seconds of any clock."""
        with self._threads:
            # The kernel gives it back when its holder is killed.
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                place, until = self._find(caller, now, period)
                share = period / limit
                is_allowed = until + share <= now + period + share / 1000
                if is_allowed:
                    until += share
                    self._write(place, _SLOT.pack(caller, until))
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        left = max(0, int((now + period - until) / share + 0.001))
        wait = 0 if is_allowed else max(1, math.ceil(until + share - now - period))
        return Verdict(is_allowed, left, max(0, math.ceil(until - now)), wait)

    def _find(self, caller: int, now: float, period: float) -> tuple[int, float]:
        """The caller's place, and until when it has used up what it may: now, for one who was idle."""
        idlest, idle_until = 0, math.inf
        for step in range(TRIES):
            place = (caller + step) % SLOTS * _SLOT.size
            owner, until = self._read(place)
            # Of another boot's clock, or no number at all.
            if not now < until <= now + period + 1:
                until = now
            if owner == caller:
                return place, until
            if until < idle_until:
                idlest, idle_until = place, until
        return idlest, now

    # Not mapped into memory: a touch of what the disk has no room for, or what was cut off, would kill the process.

    def _read(self, place: int) -> tuple[int, float]:
        held = os.pread(self._file, _SLOT.size, place)
        return _SLOT.unpack(held) if len(held) == _SLOT.size else (0, 0.0)

    def _write(self, place: int, slot: bytes) -> None:
        with suppress(OSError):  # a full disk: nothing is counted, and everybody is served
            os.pwrite(self._file, slot, place)
