"""Kills one process after the other, by its role."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos import processes
from tests.chaos.machines import Machine

WEIGHTS = {
    "busy worker": 5.0,
    "idle worker": 3.0,
    "supervisor": 4.0,
    "nursery": 3.0,
    "pusher": 2.0,
    "web worker": 2.0,
    "monitor": 1.0,
    "sentinel": 1.0,
    "web master": 0.7,
    "cluster main": 0.7,
    "launcher": 0.5,
    "worker frozen": 1.0,
    "connections": 1.0,
}
PAUSES_SECONDS = (0.3, 1.5)


class Killer(threading.Thread):
    """``hit`` holds the marks of the attempts that ran below something that was killed."""

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
        self.hit: set[str] = set()
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
        """One blow, at a role that is there at this moment."""
        tree = processes.look()
        victims = self._victims([tree.roles(each.pid) for each in self.machines if each.pid is not None])
        if self._drop_connections is not None:
            victims["connections"] = []
        roles = [role for role in WEIGHTS if role in victims]
        if not roles:
            return
        role = self._chance.choices(roles, [WEIGHTS[role] for role in roles])[0]
        if role == "connections":
            assert self._drop_connections is not None
            self._drop_connections()
            self.kills[role] += 1
            return
        pid = self._chance.choice(victims[role])
        self.hit |= tree.marks_below(pid)
        self._send(pid, role)

    def _victims(self, machines: list[dict[str, list[int]]]) -> dict[str, list[int]]:
        frozen = {pid for _, pid in self._frozen}
        victims: dict[str, list[int]] = {}
        for roles in machines:
            for role, pids in roles.items():
                victims.setdefault(role, []).extend(pid for pid in pids if pid not in frozen)
        if "busy worker" in victims:
            victims["worker frozen"] = victims["busy worker"]
        return {role: pids for role, pids in victims.items() if pids}

    def _send(self, pid: int, role: str) -> None:
        try:
            if role == "worker frozen":
                os.kill(pid, signal.SIGSTOP)
                self._frozen.append((time.monotonic() + self._freeze_seconds, pid))
            else:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.kills[role] += 1

    def _thaw(self, now: float) -> None:
        for due, pid in list(self._frozen):
            if due <= now:
                self._frozen.remove((due, pid))
                # Only if it is still one of ours: its number may have gone to another process.
                if pid in processes.look().below(os.getpid()):
                    os.kill(pid, signal.SIGCONT)
