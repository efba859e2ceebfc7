"""The worker's side: a nursery that launches components, and one object for each that runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

from . import kernel, wire
from .protocol import (
    LOCK_NAME,
    Ended,
    ExitRecord,
    LogGrew,
    Lost,
    Message,
    ProcessSpec,
    Started,
    read_exit_record,
    spec_as_message,
)

# Under a short name, as the nursery must not import `jobs`; the path is the last one, and taken away again.
PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from processes.nursery import main; sys.path.pop(); main()"
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
STOP_SECONDS = 5.0
HAND_OVER_SECONDS = 10.0
LOCK_SECONDS = 0.2  # is_supervised() holds it for a moment, and a supervisor just after its last word
LOCK_PAUSE_SECONDS = 0.002


class NurseryGone(Exception):
    """No component can be launched: the nursery does not start."""


class StillSupervised(Exception):
    """An earlier attempt of this job still runs, or is being ended, on this machine."""


class Nursery:
    """Starts at the first launch, and again when it has died. A fork of the worker has to start its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        _NURSERIES.add(self)

    @property
    def pid(self) -> int | None:
        """None before the first launch."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        with self._lock:
            if self._control is None:
                self._control = self._spawn()

    def launch(self, spec: ProcessSpec) -> SupervisedProcess:
        """
        Returns when a supervisor has taken the order, which it does in no time. Started or Ended follow.

        Raises NurseryGone or StillSupervised; then the component certainly has not run, and will not.
        """
        lock = _take_lock(spec)
        try:
            with self._lock:
                try:
                    return self._hand_over(spec, lock)
                except OSError:
                    return self._hand_over(spec, lock)
        except OSError as error:
            raise NurseryGone(f"The nursery of component processes does not start: {error}") from error
        finally:
            os.close(lock)

    def close(self) -> None:
        """Components that run go on until their SupervisedProcess is closed."""
        with self._lock:
            self._discard()

    def _spawn(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        number = theirs.fileno()
        arguments = ["-I", "-S", "-X", "utf8", "-c", PROGRAM, str(Path(__file__).parents[1]), str(number)]
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
                pass_fds=[number],
                start_new_session=True,
            )
        return ours

    def _hand_over(self, spec: ProcessSpec, lock: int) -> SupervisedProcess:
        """OSError when nobody took it; the nursery is then gone, and what it still had with it."""
        process = None
        try:
            if self._control is None:
                self._control = self._spawn()
            ours, theirs = socket.socketpair()
            with theirs:
                process = SupervisedProcess(ours, spec)
                socket.send_fds(self._control, [b"L"], [theirs.fileno(), lock])
            process.wait_until_taken(HAND_OVER_SECONDS)
        except OSError:
            if process is not None:
                process.close()
            self._discard()
            raise
        return process

    def _discard(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None

    def forget(self) -> None:
        """In a fork of the worker: the nursery belongs to the parent, which must be the only one to hold its socket."""
        self._lock = threading.Lock()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: nothing to wait for
        self._control = self._process = None


class SupervisedProcess:
    """One launched component. `renew`, `stop` and `close` may be called from any thread and never wait."""

    def __init__(self, sock: socket.socket, spec: ProcessSpec) -> None:
        self._channel = wire.Channel(sock)
        self._sending = threading.Lock()
        self._folder = Path(spec.folder)
        self._fence = spec.fence
        self._stage = spec.stage
        self._is_over = False
        now = kernel.lease_clock()
        self._channel.send("launch", spec_as_message(spec, now if spec.leased_at is None else spec.leased_at))
        _PROCESSES.add(self)

    def wait_until_taken(self, seconds: float) -> None:
        """OSError when the supervisor died before it took its order, or hangs."""
        until = kernel.lease_clock() + seconds
        self._channel.flush_within(seconds)
        self._channel.wait(select.POLLIN, max(0.0, until - kernel.lease_clock()))
        try:
            is_taken = bool(self._channel.sock.recv(1, socket.MSG_PEEK))  # stays there for receive(), and for select()
        except BlockingIOError:
            is_taken = False
        if not is_taken:
            raise BrokenPipeError("no supervisor takes the order")

    def fileno(self) -> int:
        return self._channel.sock.fileno()

    def receive(self) -> list[Message]:
        """What came since the last call; after Ended or Lost nothing more comes, and the caller closes."""
        messages: list[Message] = []
        for name, *values in self._channel.receive():
            if name == "started":
                messages.append(Started(*values))
            elif name == "grew":
                messages.append(LogGrew(*values))
            elif name == "ended":
                messages.append(Ended(ExitRecord(**values[0])))
                self._is_over = True
        if self._channel.is_closed and not self._is_over:
            messages.append(self._last_word())
            self._is_over = True
        return messages

    def renew(self, as_of: float | None = None) -> None:
        """`as_of`: kernel.lease_clock() from before the lease was renewed in the database; without it, now."""
        self._send("renew", kernel.lease_clock() if as_of is None else as_of)

    def stop(self, reason: str) -> None:
        self._send("stop", reason)

    def close(self) -> None:
        """Before Ended this ends the component, as the death of the worker would."""
        with self._sending:
            self._channel.close()

    def _send(self, name: str, value: float | str) -> None:
        with self._sending:
            self._channel.send(name, value)

    def _last_word(self) -> Ended | Lost:
        record = read_exit_record(self._folder, self._fence, self._stage)
        return Ended(record) if record else Lost()


def _take_lock(spec: ProcessSpec) -> int:
    """An open file whose lock is held by every copy of it: here until the supervisor has one, then until that ends."""
    fd = os.open(Path(spec.folder) / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(fd)
                raise StillSupervised(f"An earlier attempt of {spec.mark} has not ended on this machine.") from None
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return fd


_NURSERIES: weakref.WeakSet[Nursery] = weakref.WeakSet()
_PROCESSES: weakref.WeakSet[SupervisedProcess] = weakref.WeakSet()


def _forget_all() -> None:
    """A supervisor takes the closing of its socket for the worker's death, so no fork of the worker may hold a copy."""
    for nursery in list(_NURSERIES):
        nursery.forget()
    for process in list(_PROCESSES):
        with contextlib.suppress(OSError):
            process._channel.close()


os.register_at_fork(after_in_child=_forget_all)
