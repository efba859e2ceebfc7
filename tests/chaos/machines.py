"""A machine: one ``manage.py up`` with a data folder of its own, started again when it has died, as systemd would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RESTART_SECONDS = 1.0
READY_SECONDS = 120.0
STOP_SECONDS = 90.0


class Machine:
    """``look_after`` is called again and again by one thread."""

    def __init__(self, name: str, data: Path, environment: Mapping[str, str], database_url: str) -> None:
        self.name = name
        self.data = data
        self.port = _free_port()
        self.starts = 0
        self.log = data.parent / f"{name}.log"
        self._environment = {**environment, "DATABASE_URL": database_url, "TUTTI_DATA": str(data)}
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Of the launcher; None while it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def own_pids(self) -> set[int]:
        return {self._process.pid} if self._process is not None else set()

    def start(self) -> None:
        command = ["up", "--no-demo", "--bind", f"127.0.0.1:{self.port}", "--data", str(self.data), "--workers", "4"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts += 1

    def look_after(self) -> None:
        if self.pid is not None:
            self._due = time.monotonic() + RESTART_SECONDS
        elif time.monotonic() >= self._due:
            self.start()
            self._due = time.monotonic() + RESTART_SECONDS

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if self.pid is None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not come up:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/login/", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def ask_to_stop(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def wait_until_stopped(self) -> str:
        """Empty, or a sentence about what was wrong with its end."""
        if self._process is None:
            return f"{self.name} was not running when it was to be stopped."
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{self.name} did not stop within {STOP_SECONDS:g} s of SIGTERM."
        return "" if code == 0 else f"{self.name} ended with code {code} after SIGTERM."


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
