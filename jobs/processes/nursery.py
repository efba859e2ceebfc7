"""
The program that forks supervisors for one worker: started once, small, so that a fork is cheap.

Its argument is the number of an inherited Unix socket. Each request on it is one byte with two descriptors: the socket
between worker and supervisor, and the file whose lock says that a supervisor lives. It ends when that socket does;
supervisors that are running go on.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback

from . import kernel, tree
from .supervisor import supervise

DESCRIPTORS = 2
HUNT_MILLISECONDS = 20
CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    _close_strangers(control.fileno())
    os.chdir("/")
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        _restore(number)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    kernel.prctl(kernel.PR_SET_NAME, b"tutti-nursery")
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page it touches
    Nursery(control).run()


class Nursery:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.supervisors: set[int] = set()
        self.is_hunting = False
        self.signals, self.wakeup = os.pipe()
        for fd in (self.signals, self.wakeup):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self.wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(self.signals, select.POLLIN)
        is_wanted = True
        while is_wanted:
            for fd, _ in poll.poll(HUNT_MILLISECONDS if self.is_hunting else None):
                if fd == self.signals:
                    os.read(fd, 512)
                else:
                    is_wanted = self._take_request()
            self._reap()
            self._hunt()

    def _take_request(self) -> bool:
        """False when the worker is gone."""
        try:
            data, fds, _, _ = socket.recv_fds(self.control, 1, DESCRIPTORS, CLOSE_ON_EXEC)
        except OSError:
            return False
        if len(fds) == DESCRIPTORS:
            self._fork(*fds)
        return bool(data)

    def _fork(self, sock: int, lock: int) -> None:
        try:
            pid = os.fork()
        except OSError:
            pid = -1  # no process left: the worker sees its socket close without a word
        if pid == 0:
            self._become_supervisor(sock)
        if pid > 0:
            self.supervisors.add(pid)
        os.close(sock)
        os.close(lock)

    def _become_supervisor(self, sock: int) -> None:
        """`lock` stays open until this process ends."""
        status = 1
        try:
            self.control.close()
            os.close(self.signals)
            os.close(self.wakeup)
            supervise(socket.socket(fileno=sock))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self.supervisors and status != 0:
                self.is_hunting = True
            self.supervisors.discard(pid)

    def _hunt(self) -> None:
        """A supervisor was killed: what it left came up to us, as we are a subreaper. Nothing of it may stay."""
        if not self.is_hunting:
            return
        orphans = [pid for pid in tree.children_of(os.getpid()) if pid not in self.supervisors]
        for pid in orphans:
            tree.signal_child(pid, signal.SIGKILL)
        self.is_hunting = bool(orphans)


def _close_strangers(keep: int) -> None:
    """What a careless parent let us inherit: an open end of a pipe would outlive its owner."""
    for name in os.listdir("/dev/fd"):
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
