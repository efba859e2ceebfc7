"""One service under the launcher: started, looked after, stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrations.lib import lifeline

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 30.0
"""A service that has run for so long has recovered: its next death counts as the first."""

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass
class Service:
    """``name`` is for sentences: "The web server", "The workers"."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    descriptors: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = field(default=0.0)
    """Moments of the monotonic clock; ``due_at`` is when it is to be started (again)."""

    def start(self, now: float) -> None:
        self.process = spawn(self.argv, self.environment, self.descriptors)
        self.started_at = now

    def look_after(self, now: float) -> str:
        """Start it when that is due; when it has died, clear up and plan the next start. A sentence about a death."""
        if self.process is None:
            if now >= self.due_at:
                self.start(now)
            return ""
        if not has_ended(self.process.pid):
            return ""
        how = self._bury()
        self.deaths = 1 if now - self.started_at > STEADY_SECONDS else self.deaths + 1
        delay = min(FIRST_DELAY_SECONDS * 4 ** (self.deaths - 1), LONGEST_DELAY_SECONDS)
        self.due_at = now + delay
        return f"{self.name} {how}; starting again{f' in {delay:.0f} s' if delay >= 1 else ''}."

    def stop(self) -> None:
        """SIGTERM for the main process alone: the cluster's own processes must not get it (DESIGN §5)."""
        if self.process is not None and not has_ended(self.process.pid):
            self.process.terminate()

    def is_gone(self) -> bool:
        if self.process is not None and has_ended(self.process.pid):
            self._bury()
        return self.process is None

    def kill(self) -> None:
        if self.process is not None:
            kill_group(self.process.pid)

    def _bury(self) -> str:
        """Kill what is left of its group while its pid still stands for it, then fetch its end."""
        assert self.process is not None
        kill_group(self.process.pid)
        code = self.process.wait()
        self.process = None
        return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"


def spawn(argv: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches only the launcher; dead when the launcher is dead."""
    launcher = os.getpid()

    def in_child() -> None:
        if _prctl is not None:
            _prctl(lifeline.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != launcher:
                os._exit(1)

    return subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=descriptors,
        preexec_fn=in_child,  # noqa: PLW1509 (the launcher has one thread)
    )


def has_ended(pid: int) -> bool:
    """Whether this child has ended. Leaves its end to be fetched: until then nobody else gets the pid."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left; macOS says the latter of a group of zombies.
        return
