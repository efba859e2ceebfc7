"""Real clusters for tests: ``manage.py cluster`` in processes of its own, to be killed part by part.

    with clusters.running(data, clusters.database_url(), LEASE_SECONDS=2) as cluster:
        clusters.wait_for(lambda: ...)
        cluster.kill("sentinel")

Roles: main, sentinel, pusher, monitor, worker, nursery, supervisor, component. Linux only (/proc).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection

from jobs import machine

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_SECONDS = 30.0
POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 0.05
POLLS = 20
"""So many looks while the time that has passed passes once more: what takes long is looked for less often."""
STOP_SECONDS = 40.0
ROLES_BY_NAME = {
    "tutti-sentinel": "sentinel",
    "tutti-pusher": "pusher",
    "tutti-worker": "worker",
    "tutti-nursery": "nursery",
    "tutti-job": "supervisor",
}
T = TypeVar("T")


class Overdue(AssertionError):
    """What a test waited for did not happen in time."""


def wait_for(condition: Callable[[], T], seconds: float = DEADLINE_SECONDS, what: str = "") -> T:
    """The first true value of ``condition``; raises Overdue. Returns as soon as it holds."""
    started = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        passed = time.monotonic() - started
        if passed > seconds:
            raise Overdue(f"Not within {seconds:g} s: {what or condition}")
        time.sleep(min(max(passed / POLLS, POLL_SECONDS), LONGEST_POLL_SECONDS))


def database_url() -> str:
    """The database that this process is connected to; in a test, the test's."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(given['NAME']).resolve()}"
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    return f"postgres://{given['USER']}{password}@{given['HOST']}:{given['PORT'] or 5432}/{given['NAME']}"


@contextmanager
def running(data: Path, url: str, **environment: Any) -> Iterator[RunningCluster]:
    """A cluster that is ready to work; ``environment`` without TUTTI_. Nothing of it is left at the end."""
    cluster = RunningCluster(data, url, **environment)
    try:
        cluster.wait_until_ready()
        yield cluster
    finally:
        cluster.stop_by_force()


class RunningCluster:
    """One ``manage.py cluster``; several may share a database, each with a data folder of its own or the same one."""

    def __init__(self, data: Path, url: str, **environment: Any) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data = data.resolve()
        self.log = data / f"cluster-{time.monotonic_ns()}.log"
        self._seen: set[str] = set()
        given = {f"TUTTI_{name}": str(value) for name, value in environment.items()}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "cluster", "--skip-checks"],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": url, "TUTTI_DATA": str(self.data), **given},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until_ready(self, workers: int = 1) -> None:
        """Until pusher, monitor and at least so many workers live, with the nurseries of their own."""
        wait_for(
            lambda: self.process.poll() is not None or self._is_ready(workers), what=f"the cluster is ready, {self.log}"
        )
        assert self.process.poll() is None, f"The cluster has ended:\n{self.log.read_text()}"

    def pids(self, role: str) -> list[int]:
        return self.tree().get(role, [])

    def tree(self) -> dict[str, list[int]]:
        """The pids of every role, lowest first. A child of the sentinel that has no name of its own is the monitor."""
        roles: dict[str, list[int]] = {}
        parents = _below(self.pid)
        for pid in parents:
            roles.setdefault(self._role_of(pid, parents), []).append(pid)
        return {role: sorted(pids) for role, pids in roles.items()}

    def worker_of(self, job_worker: str) -> int:
        """The pid in ``Job.worker``."""
        return int(job_worker.partition(":")[0])

    def idle_workers(self, busy: list[str]) -> list[int]:
        """Workers that are not among those of ``Job.worker``."""
        pids = {self.worker_of(each) for each in busy if each}
        return [pid for pid in self.pids("worker") if pid not in pids]

    def kill(self, role: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal to the first process of the role; its pid."""
        pid = wait_for(lambda: self.pids(role), what=f"a {role} of the cluster")[0]
        os.kill(pid, number)
        return pid

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM to the main process; its exit code."""
        self.tree()
        self.terminate()
        return self.process.wait(seconds)

    def stop_by_force(self) -> None:
        """SIGKILL to whatever there is of it, seen here or known by its environment."""
        self.tree()
        self.process.kill()
        self.process.wait()
        wait_for(self._is_gone_when_killed, what="nothing of the cluster is left")

    def survivors(self) -> list[str]:
        """Command lines of everything of this cluster and its components that lives."""
        return [f"{pid}: {_name(pid)} {_read(pid, 'cmdline')!r}" for pid in self._living()]

    def _is_ready(self, workers: int) -> bool:
        tree = self.tree()
        return bool(tree.get("pusher") and tree.get("monitor") and len(tree.get("nursery", ())) >= workers)

    def _role_of(self, pid: int, parents: dict[int, int]) -> str:
        self._seen.add(machine.process_name(pid))
        if pid == self.pid:
            return "main"
        role = ROLES_BY_NAME.get(_name(pid), "component")
        if role == "sentinel" and parents[pid] != self.pid:
            return "monitor"
        return role if parents[pid] != self.pid else "sentinel"

    def _is_gone_when_killed(self) -> bool:
        living = self._living()
        for pid in living:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not living

    def _living(self) -> list[int]:
        """By its data folder in the environment, and those once seen (nurseries carry no environment)."""
        folder = str(self.data).encode()
        seen = {int(name.partition(":")[0]) for name in self._seen if _is_alive(name)}
        for pid in _pids():
            if pid != os.getpid() and folder in _read(pid, "environ") and _is_alive(machine.process_name(pid)):
                seen.add(pid)
        return sorted(seen)


def _is_alive(process: str) -> bool:
    """The name of one that had gone when it was named has no start and fits any other that has gone."""
    return ":?:" not in process and machine.is_alive(process)


def marked(prefix: str) -> list[int]:
    """Living processes of a job, by the mark in their environment: ``<job id>:<fence>``."""
    wanted = f"\0TUTTI_JOB_MARK={prefix}".encode()
    return [pid for pid in _pids() if wanted in b"\0" + _read(pid, "environ")]


def command_of(pid: int) -> bytes:
    return _read(pid, "cmdline")


def parent_of(pid: int) -> int:
    return int(_stat_of(pid)[1])


def _below(root: int) -> dict[int, int]:
    """What lives of the process and below it, with the parent of each. All of /proc would cost many times as much."""
    found, parents = {}, {root: 0}
    while parents:
        pid, parent = parents.popitem()
        if _stat_of(pid)[0] not in b"ZX":
            found[pid] = parent
            parents |= dict.fromkeys(_children_of(pid), pid)
    return found


def _children_of(pid: int) -> list[int]:
    """Started by whichever of its threads."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(pid, f"task/{thread}/children").split()]


def _stat_of(pid: int) -> list[bytes]:
    """From its state on, which of one that has gone is X: dead."""
    return _read(pid, "stat").rpartition(b")")[2].split() or [b"X"]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _name(pid: int) -> str:
    return _read(pid, "comm").decode(errors="replace").strip()


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
