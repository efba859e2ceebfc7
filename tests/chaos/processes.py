"""Everything that runs below this process, by what it is there for. Linux only (/proc)."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field
from pathlib import Path

from jobs.processes.sweep import mark_of

PR_SET_CHILD_SUBREAPER = 36
ROLES_BY_NAME = {
    "tutti-cluster": "cluster main",
    "tutti-pusher": "pusher",
    "tutti-nursery": "nursery",
    "tutti-sentinel": "sentinel",
}
PARTS = {"tutti-nursery", "tutti-job"}
ZOMBIE = "Z"


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    name: str
    state: str


@dataclass
class Tree:
    """One look at /proc."""

    processes: dict[int, Process] = field(default_factory=dict)
    children: dict[int, list[int]] = field(default_factory=dict)

    def below(self, root: int) -> list[int]:
        """The pids of living descendants, parents before their children."""
        found = list(self.children.get(root, []))
        for pid in found:
            found += self.children.get(pid, [])
        return [pid for pid in found if self.processes[pid].state != ZOMBIE]

    def parts_below(self, worker: int) -> list[int]:
        """The nursery and the supervisors of a worker."""
        return [pid for pid in self.below(worker) if self.processes[pid].name in PARTS]

    def marks_below(self, root: int) -> set[str]:
        """The marks of the attempts whose processes run below, or are the process itself."""
        return {mark for pid in [root, *self.below(root)] if (mark := mark_of(pid))}

    def roles(self, launcher: int) -> dict[str, list[int]]:
        """The pids of every role on the machine of this launcher."""
        found: dict[str, list[int]] = {}
        for pid in [launcher, *self.below(launcher)]:
            role = self._role_of(pid, launcher)
            if role:
                found.setdefault(role, []).append(pid)
        return found

    def _role_of(self, pid: int, launcher: int) -> str:
        """Empty for what has no role (yet): a component, or a service that has just begun."""
        if pid == launcher:
            return "launcher"
        process = self.processes[pid]
        parent = self.processes.get(process.parent)
        if parent is None:
            return ""
        if process.name == "tutti-worker":
            return "busy worker" if self._has_component(pid) else "idle worker"
        if process.name == "tutti-job":
            return "supervisor" if self._has_component(pid) else ""
        if process.name == "tutti-sentinel" and parent.name == "tutti-sentinel":
            return "monitor"
        if process.name in ROLES_BY_NAME:
            return ROLES_BY_NAME[process.name]
        if process.name == "tutti-web":
            return "web master" if parent.pid == launcher else "web worker"
        return ""

    def _has_component(self, pid: int) -> bool:
        return any(self.processes[each].name not in PARTS for each in self.below(pid))


def look() -> Tree:
    tree = Tree()
    for name in os.listdir("/proc"):
        if name.isdigit():
            process = _process(int(name))
            if process is not None:
                tree.processes[process.pid] = process
                tree.children.setdefault(process.parent, []).append(process.pid)
    return tree


def adopt_orphans() -> None:
    """From here on whatever loses its parent below this process becomes its child: nothing can slip away unseen."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def bury_orphans(own: set[int]) -> None:
    """Fetch the ends of adopted processes; ``own`` are children that somebody else waits for."""
    for pid in look().children.get(os.getpid(), []):
        process = _process(pid)
        if pid not in own and process is not None and process.state == ZOMBIE:
            os.waitpid(pid, os.WNOHANG)


def describe(pid: int) -> str:
    command = _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    process = _process(pid)
    return f"{pid} {process.name if process else '?'} {command[:150]!r} mark {mark_of(pid)}"


def _process(pid: int) -> Process | None:
    stat = _read(pid, "stat").decode(errors="replace")
    if not stat:
        return None
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 2 :].split()
    return Process(pid=pid, parent=int(fields[1]), name=name, state=ZOMBIE if fields[0] in "ZX" else fields[0])


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
