"""Kills one process after the other, by its role."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from tests.chaos import processes
from tests.chaos.machines import Machine
from tests.chaos.processes import Tree

WEIGHTS = {
    "busy worker": 5.0,
    "idle worker": 3.0,
    "supervisor": 4.0,
    "nursery": 3.0,
    "pusher": 2.0,
    "scheduler": 3.0,
    "web worker": 2.0,
    "monitor": 1.0,
    "sentinel": 1.0,
    "web master": 0.7,
    "cluster main": 0.7,
    "launcher": 0.5,
    "frozen": 2.0,
    "worker and its parts": 1.5,
    "nursery and its parts": 1.5,
    "whole machine": 0.4,
    "connections": 1.0,
}
FREEZABLE = ("busy worker", "idle worker", "nursery", "pusher", "monitor", "sentinel", "cluster main")
"""Not supervisors: that nobody can supervise below a frozen machine is the limit of what a lease can promise."""
PAUSES_SECONDS = (0.3, 1.5)
AGAIN_SECONDS = 0.1


def _role_of(pids: list[int], victims: dict[str, list[list[int]]]) -> str:
    return next(role for role in FREEZABLE if pids in victims.get(role, []))


class Killer(threading.Thread):
    """``hit`` tells when (Unix seconds) something was killed above an attempt with this mark."""

    def __init__(
        self,
        machines: list[Machine],
        *,
        seed: int,
        freeze_seconds: float,
        drop_connections: Callable[[], None] | None,
        remove_database: Callable[[float], None],
    ) -> None:
        super().__init__(name="killer", daemon=True)
        self.machines = machines
        self.kills: Counter[str] = Counter()
        self.hit: dict[str, float] = {}
        self.failures: list[str] = []
        self.done = threading.Event()
        self.stopped = threading.Event()
        self.database_due = float("inf")
        self._chance = random.Random(seed)
        self._freeze_seconds = freeze_seconds
        self._drop_connections = drop_connections
        self._remove_database = remove_database
        self._frozen: list[tuple[float, int]] = []
        self._due = time.monotonic()

    def run(self) -> None:
        """Keeps the machines running until ``stopped``, kills until ``done``."""
        while not self.stopped.wait(0.05):
            try:
                self._round()
            except Exception as error:
                self.failures.append(f"killer: {type(error).__name__}: {error}")
        self._thaw(float("inf"))

    def _round(self) -> None:
        now = time.monotonic()
        own = set[int]()
        for machine in self.machines:
            machine.look_after()
            own |= machine.own_pids
        processes.bury_orphans(own)
        self._thaw(float("inf") if self.done.is_set() else now)
        if self.done.is_set():
            return
        if now >= self.database_due:
            self.database_due = float("inf")
            self.kills["database gone"] += 1
            threading.Thread(target=self._remove_database, args=(10.0,), daemon=True).start()
        if now >= self._due:
            self._due = now + self._chance.uniform(*PAUSES_SECONDS)
            self._strike()

    def _strike(self) -> None:
        """One blow, if somebody of the role that chance names is there."""
        tree = processes.look()
        victims = self._victims(tree)
        role = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if role not in victims:
            # Not "then another one": while a machine starts, its launcher would get all the blows.
            self._due = time.monotonic() + AGAIN_SECONDS
            return
        if role == "connections" and self._drop_connections is not None:
            self._drop_connections()
            self.kills[role] += 1
            return
        pids = self._chance.choice(victims[role])
        self.kills[f"frozen {_role_of(pids, victims)}" if role == "frozen" else role] += 1
        for mark in tree.marks_below(pids[0]):
            self.hit.setdefault(mark, time.time())
        for pid in pids:
            self._send(pid, role)

    def _victims(self, tree: Tree) -> dict[str, list[list[int]]]:
        """By role, who could be struck: the pids that die together, the highest first."""
        frozen = {pid for _, pid in self._frozen}
        victims: dict[str, list[list[int]]] = {}
        for launcher in [machine.pid for machine in self.machines if machine.pid is not None]:
            roles = tree.roles(launcher)
            if not roles.keys() & {"idle worker", "busy worker"}:
                # It is just starting: left alone until it could work.
                continue
            victims.setdefault("whole machine", []).append([launcher, *tree.below(launcher)])
            for role, pids in roles.items():
                victims.setdefault(role, []).extend([pid] for pid in pids if pid not in frozen)
        busy = victims.get("busy worker", [])
        victims["frozen"] = [group for role in FREEZABLE for group in victims.get(role, [])]
        victims["worker and its parts"] = [[pid, *tree.parts_below(pid)] for (pid,) in busy]
        victims["nursery and its parts"] = [parts for (pid,) in busy if (parts := tree.parts_below(pid))]
        if self._drop_connections is not None:
            victims["connections"] = [[]]
        return {role: groups for role, groups in victims.items() if groups}

    def _send(self, pid: int, role: str) -> None:
        with suppress(ProcessLookupError):
            if role == "frozen":
                os.kill(pid, signal.SIGSTOP)
                self._frozen.append((time.monotonic() + self._freeze_seconds, pid))
            else:
                os.kill(pid, signal.SIGKILL)

    def _thaw(self, now: float) -> None:
        for due, pid in list(self._frozen):
            if due <= now:
                self._frozen.remove((due, pid))
                # Only if it is still one of ours: its number may have gone to another process.
                if pid in processes.look().below(os.getpid()):
                    os.kill(pid, signal.SIGCONT)
