"""Real scheduler processes for tests, to be killed: ``manage.py scheduler`` on the test's database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduling.models import Scheduler
from tests.clusters import ROOT, wait_for
from tests.scheduling import stepped

PLAIN = ("manage.py", "scheduler", "--skip-checks")
STEPPED = ("-m", "tests.scheduling.stepped")


class RunningScheduler:
    """``environment`` with the file of tests.scheduling.stepped: its clock is stepped by that."""

    def __init__(self, data: Path, url: str, **environment: str) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.log = data / f"scheduler-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(STEPPED if stepped.OFFSET in environment else PLAIN)],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": url, "TUTTI_DATA": str(data.resolve()), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_ready(self) -> bool:
        """Whether it has reported itself; asserts that it lives."""
        assert self.process.poll() is None, self.log.read_text()
        return Scheduler.objects.filter(owner__contains=f"/{self.process.pid}:").exists()

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.is_ready, what=f"the scheduler is ready, {self.log}")

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def running(data: Path, url: str, count: int = 1, **environment: str) -> Iterator[list[RunningScheduler]]:
    """So many of them; whoever stands in the list at the end is killed."""
    schedulers = [RunningScheduler(data, url, **environment) for _ in range(count)]
    try:
        for each in schedulers:
            each.wait_until_ready()
        yield schedulers
    finally:
        for each in schedulers:
            each.kill()
