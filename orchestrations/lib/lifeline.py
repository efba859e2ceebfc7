"""Not outliving the program that started this process.

The starter keeps the writing end of a pipe and hands the reading end down. Whatever kills the starter closes its end.
Linux can also be asked for a signal, which comes sooner and needs nobody to look.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1


def is_cut(descriptor: int | None) -> bool:
    """Whether the starter has gone. False in a process that nobody gave a lifeline."""
    if descriptor is None:
        return False
    try:
        readable, _, _ = select.select([descriptor], [], [], 0)
        return bool(readable) and os.read(descriptor, 1) == b""
    except (OSError, ValueError):
        return False


def stop_when_cut(descriptor: int | None) -> None:
    """Send this process SIGTERM once its starter has gone. Starts a thread."""
    if descriptor is not None:
        threading.Thread(target=_watch, args=(descriptor,), name="lifeline", daemon=True).start()


def die_with_parent() -> None:
    """SIGKILL for this process once its parent is gone. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1) != b"":
            continue
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
