"""How a component ends: by itself, or stopped by us; and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import time

from . import tree

PATIENCE_SECONDS = 10.0  # for processes that do not die of SIGKILL: they hang in the kernel
HAS_WAITID = hasattr(os, "waitid")


class Ending:
    """What has been done to end the child `pid`. An end before our first signal is the component's own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self.stopped_by_us = ""
        self.message = ""
        self.due_at: float | None = None  # the next step: SIGKILL, then giving up
        self._is_killed = False
        self._is_reaped = False

    def stop(self, reason: str, grace_seconds: float, message: str = "") -> None:
        """SIGTERM to the group now, SIGKILL to everything after the grace. The first reason stands."""
        if self.stopped_by_us or self.has_ended():
            return
        self.stopped_by_us, self.message = reason, message
        if grace_seconds > 0:
            tree.signal_group(self.pid, signal.SIGTERM)
            tree.signal_group(self.pid, signal.SIGCONT)  # a stopped process would not see it
            self.due_at = time.monotonic() + grace_seconds
        else:
            self._kill()

    def go_on(self, now: float) -> None:
        """Take the next step when it is due."""
        if self.due_at is None or now < self.due_at:
            return
        if self._is_killed:
            self.code = -signal.SIGKILL  # hangs in the kernel; it will never run its own code again
        else:
            self._kill()

    def has_ended(self) -> bool:
        """The main process is not reaped yet, so that its number still names its group. Reaps orphans."""
        while self.code is None and HAS_WAITID:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return False
            if ended.si_pid == self.pid:
                self.code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            else:
                os.waitpid(ended.si_pid, os.WNOHANG)
        if self.code is None:
            reaped, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if reaped else None
            self._is_reaped = bool(reaped)
        return self.code is not None

    def clear(self) -> None:
        """Nothing of the component is left after this, also not what left its group."""
        if not self._is_reaped:
            tree.kill_group(self.pid)
        if not tree.clear_descendants(PATIENCE_SECONDS):
            self.message = f"{self.message} Some of its processes could not be killed yet.".strip()

    def _kill(self) -> None:
        self._is_killed = True
        self.due_at = time.monotonic() + PATIENCE_SECONDS
        tree.kill_group(self.pid)
        tree.kill_descendants(tree.Descendants(), but={self.pid})
