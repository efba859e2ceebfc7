"""What Linux offers beyond the standard library. Elsewhere every call here does nothing."""

import ctypes
import os
import signal
import sys
import time

PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

HAS_PROC = os.path.isdir("/proc/self")
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def prctl(option: int, value: int | bytes) -> bool:
    """True when the kernel did it."""
    if _LIBC is None:
        return False
    argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
    return bool(_LIBC.prctl(option, argument, 0, 0, 0) == 0)


def lease_clock() -> float:
    """Seconds on a clock that the whole machine shares, that is never set back, and goes on while it is suspended."""
    return time.clock_gettime(_CLOCK)


def choose_first_when_memory_runs_out(pid: int, worse_by: int) -> None:
    """Worse than this process, so that the kernel spares worker and supervisor."""
    try:
        score = min(1000, int(read_proc(os.getpid(), "oom_score_adj")) + worse_by)
        fd = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, str(score).encode())
        finally:
            os.close(fd)
    except (OSError, ValueError):
        pass


class SignalPipe:
    """`reading` gets the number of every signal that comes, so that poll() wakes up."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.reading, self.writing = os.pipe()
        for fd in (self.reading, self.writing):
            os.set_blocking(fd, False)
        for number in numbers:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self.writing, warn_on_full_buffer=False)

    def take(self) -> bytes:
        try:
            return os.read(self.reading, 512)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        os.close(self.reading)
        os.close(self.writing)


def read_proc(pid: int, name: str, at_most: int = 65536) -> bytes:
    """The start of /proc/<pid>/<name>; empty when the process is gone or not ours to read."""
    try:
        fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, at_most)
    except OSError:
        return b""
    finally:
        os.close(fd)
