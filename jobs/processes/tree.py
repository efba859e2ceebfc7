"""The processes below this one: finding them, and killing them all. This process must be a subreaper."""

from __future__ import annotations

import os
import signal
import time

from .kernel import HAS_PROC, read_proc

SHORTEST_WAIT_SECONDS = 0.0005
LONGEST_WAIT_SECONDS = 0.02


def parent_of(pid: int) -> int | None:
    """None when there is no such process."""
    stat = read_proc(pid, "stat", 512)
    after_name = stat.rfind(b")")  # a name can contain blanks and brackets
    return int(stat[after_name + 2 :].split(None, 2)[1]) if after_name > 0 else None


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if HAS_PROC else []


def children_of(parent: int) -> list[int]:
    return [pid for pid in all_pids() if parent_of(pid) == parent]


class Descendants:
    """
    The processes below this one, found again and again at the price of the new ones.

    No process ever moves into or out of our tree, orphans included, so each is asked for its parent only once.
    """

    def __init__(self) -> None:
        self._me = os.getpid()
        self._strangers: set[int] = set()
        self._members: set[int] = set()

    def find(self) -> set[int]:
        there = set(all_pids())
        parents = {pid: parent_of(pid) for pid in there - self._strangers - self._members}
        ours = (self._members & there) | {self._me}
        while found := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= found
        self._members = ours - {self._me}
        self._strangers = there - self._members
        return self._members


def kill_group(leader: int) -> None:
    """SIGKILL to the group of a child that has not been reaped, so its number cannot belong to somebody else."""
    signal_group(leader, signal.SIGKILL)


def signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        signal_child(leader, number)  # it has not come to its setsid() yet
    except PermissionError:
        pass  # nothing in the group is ours any more (setuid programs)


def signal_child(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_descendants(descendants: Descendants, but: set[int]) -> set[int]:
    """One pass of SIGKILL over everything below this process that is not in `but`. Answers what it met."""
    members = set(descendants.find())
    for pid in members - but:
        _kill_member(pid, members | {os.getpid()})
    return members - but


def _kill_member(pid: int, tree: set[int]) -> None:
    """The number of a grandchild can be reused at any time: hold it, and look again whether it is ours."""
    try:
        handle = os.pidfd_open(pid)
    except AttributeError:
        handle = -1
    except OSError:
        return
    try:
        if parent_of(pid) in tree:
            if handle < 0:
                os.kill(pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        pass
    finally:
        if handle >= 0:
            os.close(handle)


def clear_descendants(patience_seconds: float) -> bool:
    """
    Kill and reap until nothing is left below this process; orphans come up to us, as we are a subreaper.

    It goes on without a pause while it meets new ones, to be faster than a program that forks as fast as it can.
    False when something was left after `patience_seconds`: a process that hangs in the kernel (it gets SIGKILL as soon
    as it returns from there), or one that another user owns.
    """
    deadline = time.monotonic() + patience_seconds
    wait = SHORTEST_WAIT_SECONDS
    descendants, killed = Descendants(), set[int]()
    while reap_all():
        if time.monotonic() > deadline:
            return False
        if met := kill_descendants(descendants, killed):
            killed |= met
            continue
        time.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        if wait == LONGEST_WAIT_SECONDS:
            descendants, killed = Descendants(), set()  # numbers are used again
    return True


def reap_all() -> bool:
    """False when this process has no child left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
