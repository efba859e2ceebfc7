"""
The program that keeps supervisors for one worker: started once, small, so that a fork of it is cheap.

Its argument is the number of an inherited Unix socket. Each request on it is one byte with two descriptors: the socket
between worker and supervisor, and the file whose lock says that a supervisor lives. Both are handed to an idle
supervisor, or a new one: one that has served already is faster, as it has its own copies of the memory it needs.
The nursery ends when the worker does; supervisors that are busy go on.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback

from . import kernel, tree
from .serving import IDLE, receive_descriptors, serve

HUNT_SECONDS = 0.02
KEPT_IDLE_SECONDS = 15.0
STRANGERS = "/dev/fd"


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    _close_strangers(control.fileno())
    os.chdir("/")
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        _restore(number)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    kernel.prctl(kernel.PR_SET_NAME, b"tutti-nursery")
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page it touches
    Nursery(control).run()


class Kept:
    """A supervisor, with our end of the socket over which it gets its work."""

    def __init__(self, pid: int, leash: socket.socket) -> None:
        self.pid = pid
        self.leash = leash
        self.idle_since: float | None = None


class Nursery:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._kept: dict[int, Kept] = {}  # by the number of the leash
        self._pids: set[int] = set()  # also of those that are just ending
        self._is_hunting = False
        self._poll = select.poll()
        self._signals = kernel.SignalPipe(signal.SIGCHLD)
        for fd in (control.fileno(), self._signals.reading):
            self._poll.register(fd, select.POLLIN)

    def run(self) -> None:
        is_wanted = True
        while is_wanted:
            for fd, _ in self._poll.poll(self._milliseconds_to_wait()):
                if fd == self._signals.reading:
                    self._signals.take()
                elif fd in self._kept:
                    self._hear(self._kept[fd])
                elif fd == self._control.fileno():
                    is_wanted = self._take_request()
            self._reap()
            self._hunt()
            self._let_go(time.monotonic() - KEPT_IDLE_SECONDS)
        self._take_leave()

    def _take_leave(self) -> None:
        """Idle supervisors end with us, and leave no zombie to whoever comes after us."""
        idle = [kept.pid for kept in self._kept.values() if kept.idle_since is not None]
        self._let_go(math.inf)
        for pid in idle:
            if pid in self._pids:
                os.waitpid(pid, 0)

    def _milliseconds_to_wait(self) -> float | None:
        if self._is_hunting:
            return HUNT_SECONDS * 1000
        ends = [kept.idle_since + KEPT_IDLE_SECONDS for kept in self._kept.values() if kept.idle_since is not None]
        return max(0.0, min(ends) - time.monotonic()) * 1000 if ends else None

    def _take_request(self) -> bool:
        """False when the worker is gone."""
        fds = receive_descriptors(self._control)
        if fds is None:
            return False
        try:
            self._hand_over(fds)
        except OSError:
            traceback.print_exc()  # no process left: the worker sees its socket close without a word
        for fd in fds:
            os.close(fd)
        return True

    def _hand_over(self, fds: list[int]) -> None:
        idle = [kept for kept in self._kept.values() if kept.idle_since is not None]
        for kept in [*idle, None]:
            kept = kept or self._fork()
            try:
                socket.send_fds(kept.leash, [b"L"], fds)
            except OSError:
                continue  # killed, and not reaped yet
            kept.idle_since = None
            return

    def _fork(self) -> Kept:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()  # with a copy of our end it would never see that the nursery has gone
            self._become_supervisor(theirs)
        theirs.close()
        kept = Kept(pid, ours)
        self._kept[ours.fileno()] = kept
        self._pids.add(pid)
        self._poll.register(ours, select.POLLIN)
        return kept

    def _become_supervisor(self, leash: socket.socket) -> None:
        status = 1
        try:
            self._signals.close()
            self._control.close()
            for kept in self._kept.values():
                kept.leash.close()
            _close_strangers(leash.fileno())  # the request at hand: our copy of it would outlive its owner
            serve(leash)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _hear(self, kept: Kept) -> None:
        try:
            said = kept.leash.recv(1)
        except OSError:
            said = b""
        if said == IDLE:
            kept.idle_since = time.monotonic()
        else:
            self._drop(kept)

    def _let_go(self, idle_before: float) -> None:
        """An idle supervisor ends when its leash is closed."""
        for kept in list(self._kept.values()):
            if kept.idle_since is not None and kept.idle_since <= idle_before:
                self._drop(kept)

    def _drop(self, kept: Kept) -> None:
        self._poll.unregister(kept.leash)
        del self._kept[kept.leash.fileno()]
        kept.leash.close()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._is_hunting = self._is_hunting or status != 0
            self._pids.discard(pid)

    def _hunt(self) -> None:
        """A supervisor was killed: what it left came up to us, as we are a subreaper. Nothing of it may stay."""
        if not self._is_hunting:
            return
        orphans = [pid for pid in tree.children_of(os.getpid()) if pid not in self._pids]
        for pid in orphans:
            tree.signal_child(pid, signal.SIGKILL)
        self._is_hunting = bool(orphans)


def _close_strangers(keep: int) -> None:
    """What a careless parent let us inherit: an open end of a pipe would outlive its owner."""
    for name in os.listdir(STRANGERS):
        if int(name) > 2 and int(name) != keep:
            try:
                os.close(int(name))
            except OSError:
                pass  # the listing's own


def _restore(number: int) -> None:
    try:
        signal.signal(number, signal.SIG_DFL)
    except (OSError, ValueError):
        pass
