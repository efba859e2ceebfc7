"""Keeps the services running, and stops them."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from orchestration_site.launcher.service import Service

LONGEST_SLEEP_SECONDS = 60.0
MARGIN_SECONDS = 10.0


class Running:
    """``stop_seconds`` is what the workers take at most to stop by themselves."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        ready: int,
        greeting: str,
        stop_seconds: float,
        listener: socket.socket,
    ) -> None:
        self.services = services
        self.listener = listener
        self.greeting = greeting
        self.stop_seconds = stop_seconds
        self._ready: int | None = ready
        self._stops_asked = 0

    def run(self) -> int:
        with self._woken_by_signals() as waker:
            while not self._stops_asked:
                now = time.monotonic()
                for service in self.services:
                    sentence = service.look_after(now)
                    if sentence:
                        say(sentence)
                self._sleep(waker, self._seconds_to_next_start(now))
            return self._stop(waker)

    def _stop(self, waker: int) -> int:
        """Politely first; by force at the second Ctrl-C, or when it takes longer than it can."""
        say("Stopping; running jobs may end first. Ctrl-C again interrupts them.")
        self.listener.close()
        deadline = time.monotonic() + self.stop_seconds + MARGIN_SECONDS
        for service in self.services:
            service.stop()
        while not self._all_gone() and self._stops_asked < 2 and time.monotonic() < deadline:
            self._sleep(waker, deadline - time.monotonic())
        for service in self.services:
            service.kill()
        while not self._all_gone():
            self._sleep(waker, 0.1)
        say("Stopped.")
        return 0

    def _all_gone(self) -> bool:
        return all(service.is_gone() for service in self.services)

    def _seconds_to_next_start(self, now: float) -> float:
        waits = [service.due_at - now for service in self.services if service.process is None]
        return max(0.0, min([LONGEST_SLEEP_SECONDS, *waits]))

    def _sleep(self, waker: int, seconds: float) -> None:
        """Until a signal (a child's end, too), the web server's first readiness, or the time is over."""
        watched = [waker] if self._ready is None else [waker, self._ready]
        readable, _, _ = select.select(watched, [], [], max(0.0, seconds))
        if waker in readable:
            with suppress(BlockingIOError):
                os.read(waker, 4096)
        if self._ready in readable:
            self._ready = None
            say(self.greeting)

    @contextmanager
    def _woken_by_signals(self) -> Iterator[int]:
        """A descriptor that becomes readable with every signal that concerns us."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup SIGHUP is ignored, and stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._ask_to_stop)
        yield reading
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Everything has stopped: one Ctrl-C too many must not look like a failure.
            signal.signal(number, signal.SIG_IGN)

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stops_asked += 1


def say(sentence: str) -> None:
    """To the person at the terminal, who may have closed it."""
    with suppress(OSError):
        print(sentence, flush=True)  # noqa: T201
