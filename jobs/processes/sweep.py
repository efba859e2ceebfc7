"""Finds and kills what a job left behind, by the mark in its environment: the net below supervisor and nursery."""

from __future__ import annotations

import os
import signal
import time

from .kernel import read_proc
from .protocol import MARK_VARIABLE
from .tree import all_pids

ENVIRONMENT_BYTES = 1 << 21
ROUNDS = 100
QUIET_ROUNDS = 2  # in the middle of its execve() a process shows no environment
PAUSE_SECONDS = 0.005


def find_marked(prefix: str = "") -> list[tuple[int, str]]:
    """Processes of this machine, except this one, whose mark begins with `prefix`."""
    me = os.getpid()
    marked = ((pid, mark_of(pid)) for pid in all_pids() if pid != me)
    return [(pid, mark) for pid, mark in marked if mark is not None and mark.startswith(prefix)]


def kill_marked(mark: str) -> int:
    """
    SIGKILL to every process with exactly this mark, until none is left. Answers how many it killed.

    Only for what no supervisor watches (`protocol.is_supervised`): a supervisor would take our signal for the
    component's own end.
    """
    killed: set[int] = set()
    quiet_rounds = 0
    for _ in range(ROUNDS):
        found = [pid for pid, found_mark in find_marked(mark) if found_mark == mark]
        killed.update(pid for pid in found if _kill(pid, mark))
        quiet_rounds = 0 if found else quiet_rounds + 1
        if quiet_rounds == QUIET_ROUNDS:
            break
        time.sleep(PAUSE_SECONDS)
    return len(killed)


def mark_of(pid: int) -> str | None:
    """None for processes without a mark, zombies, and those of other users."""
    start = f"{MARK_VARIABLE}=".encode()
    for variable in read_proc(pid, "environ", ENVIRONMENT_BYTES).split(b"\0"):
        if variable.startswith(start):
            return variable.removeprefix(start).decode(errors="replace")
    return None


def _kill(pid: int, mark: str) -> bool:
    """The number could have gone to another process since we looked: hold it, look again, then send."""
    try:
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        return False
    try:
        if mark_of(pid) != mark:
            return False
        if handle < 0:
            os.kill(pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True
