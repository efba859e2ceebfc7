"""Runs one component: starts it, reads what it prints, keeps its limits, ends it, and says durably how it ended."""

from __future__ import annotations

import os
import select
import signal
import time

from . import kernel
from .component import Component, NotStarted, explain
from .ending import Ending
from .limits import Limits
from .output import LogFile, Output
from .record import RecordFile

TYPE_CHECKING = False  # as in component.py
if TYPE_CHECKING:
    from typing import Any

    from .protocol import ProcessSpec
    from .wire import Channel

RENEWED_WITHIN = 0.6  # of a lease
LEASE_GRACE = 0.3  # of a lease, at most: after a whole one another machine may start the job again
LONGEST_WAIT_SECONDS = 3600.0  # poll() can wait for 24 days at most
NOTICE_SECONDS = 0.2  # between two notices that the log grew
DRAIN_BYTES = 16 << 20
WORKER_GONE = "The component was stopped because its worker was gone or no longer answered."


class Supervisor:
    """`run()` returns when the component has ended, nothing of it is left, and the worker has been told or is gone."""

    def __init__(self, spec: ProcessSpec, worker: Channel, signals: kernel.SignalPipe) -> None:
        self.spec = spec
        self.worker = worker
        self.started_at = self.ended_at = time.time()
        self._record = RecordFile(spec.folder, spec.fence, spec.stage)
        self._log = LogFile(os.path.join(spec.folder, "log"), spec.log_limit_bytes)
        self._noticed_size = self._log.size
        self._noticed_at = 0.0
        self._renewed_at = min(spec.leased_at or kernel.lease_clock(), kernel.lease_clock())
        self._signals = signals
        self._got_sigterm = False
        self._outputs: dict[int, Output] = {}

    def run(self) -> None:
        try:
            self._run()
        finally:
            self._log.close()
            self._record.close()

    def _run(self) -> None:
        self.worker.receive()  # only to see whether it is still there
        if self._is_abandoned():
            self._report(None, "lease", WORKER_GONE)
            return
        self.worker.send("starting")
        try:
            component = Component(self.spec)
        except NotStarted as error:
            self._report(None, "", str(error))
            return
        except OSError as error:
            self._report(None, "", explain(self.spec, "exec", error.errno or 0))
            return
        try:
            self._begin(component)
            while not self._ending.has_ended():
                self._wait()
            self._end()
        finally:
            component.close()

    def _begin(self, component: Component) -> None:
        self._ending = Ending(component.pid)
        self._limits = Limits(self.spec, time.monotonic())
        self._outputs = {
            fd: Output(fd, kind, self.spec.secrets, self._log.append)
            for fd, kind in ((component.stdout, "I"), (component.stderr, "E"))
        }
        self._poll = select.poll()
        for fd in (self.worker.sock.fileno(), self._signals.reading, *self._outputs):
            self._poll.register(fd, select.POLLIN)
        self.worker.send("started", component.pid, os.getpid())

    # One round: wait, take what came, look after what is due.
    def _wait(self) -> None:
        self._watch_for_room()
        for fd, _ in self._poll.poll(self._milliseconds_to_wait()):
            if fd in self._outputs:
                self._read_output(self._outputs[fd])
            elif fd == self._signals.reading:
                self._got_sigterm = signal.SIGTERM in self._signals.take() or self._got_sigterm
            else:
                self.worker.flush()
                self._hear_worker()
        self._look_after(time.monotonic())

    def _watch_for_room(self) -> None:
        if not self.worker.is_closed:
            wanted = select.POLLIN | (select.POLLOUT if self.worker.has_unsent else 0)
            self._poll.modify(self.worker.sock.fileno(), wanted)

    def _milliseconds_to_wait(self) -> float:
        waits = [LONGEST_WAIT_SECONDS]
        waits += [at - time.monotonic() for at in (self._ending.due_at, self._notice_due_at()) if at is not None]
        if not self._ending.stopped_by_us:
            waits.append(self._limits.next_at - time.monotonic())
            waits.append(self._lease_left())
        return max(0.0, min(waits)) * 1000

    def _look_after(self, now: float) -> None:
        grace = min(self.spec.grace_seconds, LEASE_GRACE * self.spec.lease_seconds)
        if self._got_sigterm or self._is_abandoned():
            self._ending.stop("lease", grace, WORKER_GONE)
        if not self._ending.stopped_by_us and (crossed := self._limits.crossed(now)):
            self._ending.stop(crossed.reason, crossed.grace_seconds, crossed.message)
        self._ending.go_on(now)
        due = self._notice_due_at()
        if due is not None and now >= due:
            self._notice(now)

    # What comes in.
    def _read_output(self, output: Output) -> None:
        output.read()
        if not output.is_open:
            self._poll.unregister(output.fd)

    def _hear_worker(self) -> None:
        for name, value in self.worker.receive():
            if name == "renew":
                self._renewed_at = max(self._renewed_at, min(value, kernel.lease_clock()))
            elif name == "stop":
                self._ending.stop(value, self.spec.grace_seconds)
        if self.worker.is_closed:
            self._poll.unregister(self.worker.sock.fileno())

    def _is_abandoned(self) -> bool:
        return self.worker.is_closed or self._lease_left() <= 0

    def _lease_left(self) -> float:
        return self._renewed_at + RENEWED_WITHIN * self.spec.lease_seconds - kernel.lease_clock()

    # What goes out.
    def _notice_due_at(self) -> float | None:
        if self._log.size == self._noticed_size or self.worker.is_closed:
            return None
        return self._noticed_at + NOTICE_SECONDS

    def _notice(self, now: float) -> None:
        self._noticed_at, self._noticed_size = now, self._log.size
        if not self.worker.has_unsent:  # a worker that does not listen gets the newest size later
            self.worker.send("grew", self._log.size)

    # The end.
    def _end(self) -> None:
        self.ended_at = time.time()
        ending = self._ending
        ending.clear()
        for output in self._outputs.values():
            output.drain(DRAIN_BYTES)
            output.finish()
        if not ending.stopped_by_us:
            self._judge_own_end(ending)
        self._report(ending.code, ending.stopped_by_us, ending.message)

    def _judge_own_end(self, ending: Ending) -> None:
        """A limit that was crossed just before the end counts, else it would depend on when we looked."""
        if crossed := self._limits.crossed_at_the_end(ending.code):
            ending.stopped_by_us, ending.message = crossed.reason, crossed.message
        elif self._got_sigterm and ending.code == -signal.SIGTERM:  # the machine shuts down: both of us got it
            ending.stopped_by_us, ending.message = "lease", WORKER_GONE

    def _report(self, code: int | None, stopped_by_us: str, message: str) -> None:
        stdout_tail, stderr_tail = [output.tail for output in self._outputs.values()] or ["", ""]
        record: dict[str, Any] = {
            "fence": self.spec.fence,
            "stage": self.spec.stage,
            "code": code,
            "stopped_by_us": stopped_by_us,
            "message": message,
            "stdout_tail": stdout_tail,
            "stderr_tail": stderr_tail,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }
        self._record.write(record)
        self.worker.send("ended", record)
        self.worker.flush_within(self.spec.lease_seconds)
