"""What django-q2's processes share, without locks: a killed process can hold none.

multiprocessing's Queue, Event and Value each guard themselves with a semaphore that stays taken when its holder is
killed, and the cluster stops for good (django-q2 #23, #339). These three have no semaphore at all. They are put in
their place in ``install``; django-q2 is pinned to the version this was written against.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import pickle
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django_q import cluster as q2

from orchestrations.lib.process_names import name_this

POISON = "STOP"
LARGEST_MESSAGE = 60_000
LOOK_SECONDS = 0.25
"""How often somebody who waits for a flag looks: often enough for a stop, seldom enough to cost nothing idle."""
PR_SET_PDEATHSIG = 1


class SocketQueue:
    """A queue between processes over a pair of sockets that keep message borders: the kernel is the lock.

    Messages must be small (a claim is a few hundred bytes). A reader that is killed takes at most its own message.
    """

    def __init__(self, maxsize: int = 0, *, ctx: Any = None) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        data = pickle.dumps(item)
        if len(data) > LARGEST_MESSAGE:
            raise ValueError(f"A message of {len(data)} bytes is too large for the queue of workers.")
        self._writer.sendall(data)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        data = self._reader.recv(LARGEST_MESSAGE)
        # Only our own processes hold the other end. Empty: all of them have gone.
        return pickle.loads(data) if data else POISON  # noqa: S301

    def empty(self) -> bool:
        return not select.select([self._reader], [], [], 0)[0]

    def qsize(self) -> int:
        return 0 if self.empty() else 1

    def close(self) -> None:
        """The ends stay open: a reader may still have to fetch what is in the socket."""

    def join_thread(self) -> None:
        """There is no thread."""


class SharedMoment:
    """A moment of the monotonic clock that one process writes and others read."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.touch()

    def touch(self) -> None:
        self._memory[:8] = struct.pack("d", time.monotonic())

    def age_seconds(self) -> float:
        (moment,) = struct.unpack("d", self._memory[:8])
        return time.monotonic() - float(moment)


class SharedFlag:
    """An Event without a lock: one byte of shared memory. ``beat`` is touched whenever somebody waits for it."""

    def __init__(self, beat: SharedMoment | None = None) -> None:
        self._memory = mmap.mmap(-1, 1)
        self._beat = beat

    def set(self) -> None:
        self._memory[0] = 1

    def clear(self) -> None:
        self._memory[0] = 0

    def is_set(self) -> bool:
        return self._memory[0] == 1

    def wait(self, timeout: float | None = None) -> bool:
        if self._beat is not None:
            self._beat.touch()
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_set() and (deadline is None or time.monotonic() < deadline):
            time.sleep(LOOK_SECONDS if deadline is None else max(0.0, min(LOOK_SECONDS, deadline - time.monotonic())))
        return self.is_set()


class SharedNumber:
    """A Value without a lock: the guard and one worker write it, and either may be killed meanwhile."""

    def __init__(self, typecode: str, value: float) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.value = value

    @property
    def value(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0])

    @value.setter
    def value(self, value: float) -> None:
        self._memory[:8] = struct.pack("d", value)

    @contextmanager
    def get_lock(self) -> Iterator[None]:
        yield


class GuardedSentinel(q2.Sentinel):
    """The sentinel in a process group of its own, so that all of it can be killed at once and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        os.setpgid(0, 0)
        name_this("tutti-sentinel")
        super().__init__(*args, **kwargs)


def install() -> None:
    """Put the lock-free ones in the place of multiprocessing's, and tie every process to its parent's life."""
    q2.Queue = SocketQueue
    q2.Event = SharedFlag
    q2.Value = SharedNumber
    q2.Sentinel = GuardedSentinel
    os.register_at_fork(after_in_child=die_with_parent)


def die_with_parent() -> None:
    """SIGKILL for this process once its parent is gone. Linux only; elsewhere the cluster's own stop must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
