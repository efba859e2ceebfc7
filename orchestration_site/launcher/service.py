"""One service under the launcher: forked from it, looked after, stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestration_site.launcher import forking

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 30.0
"""A service that has run for so long has recovered: its next death counts as the first."""


@dataclass
class Service:
    """``name`` is for sentences: "The web server", "The workers". ``program`` runs in the fork, to its exit code."""

    name: str
    program: Callable[[], int]
    descriptors: Sequence[int] = ()
    process: int | None = None
    """Its pid, which is also its group's."""
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = field(default=0.0)
    """Moments of the monotonic clock; ``due_at`` is when it is to be started (again)."""

    def start(self, now: float) -> None:
        self.process = forking.fork(self.program, self.descriptors)
        self.started_at = now

    def look_after(self, now: float) -> str:
        """Start it when that is due; when it has died, clear up and plan the next start. A sentence about a death."""
        if self.process is None:
            if now >= self.due_at:
                self.start(now)
            return ""
        if not has_ended(self.process):
            return ""
        how = self._bury()
        self.deaths = 1 if now - self.started_at > STEADY_SECONDS else self.deaths + 1
        delay = min(FIRST_DELAY_SECONDS * 4 ** (self.deaths - 1), LONGEST_DELAY_SECONDS)
        self.due_at = now + delay
        return f"{self.name} {how}; starting again{f' in {delay:.0f} s' if delay >= 1 else ''}."

    def stop(self) -> None:
        """SIGTERM for the main process alone: the cluster's own processes must not get it (DESIGN §5)."""
        if self.process is not None and not has_ended(self.process):
            os.kill(self.process, signal.SIGTERM)

    def is_gone(self) -> bool:
        if self.process is not None and has_ended(self.process):
            self._bury()
        return self.process is None

    def kill(self) -> None:
        if self.process is not None:
            kill_group(self.process)

    def _bury(self) -> str:
        """Kill what is left of its group while its pid still stands for it, then fetch its end."""
        assert self.process is not None
        kill_group(self.process)
        code = forking.wait(self.process)
        self.process = None
        return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"


def has_ended(pid: int) -> bool:
    """Whether this child has ended. Leaves its end to be fetched: until then nobody else gets the pid."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_group(leader: int) -> None:
    """``leader``: a child whose end has not been fetched yet."""
    os.kill(leader, signal.SIGKILL)  # it may not have made its group yet
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left; macOS says the latter of a group of zombies.
        return
