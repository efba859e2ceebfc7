"""``manage.py up`` as a person starts it, with everything that it started found by its data folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clusters import ROOT, wait_for

STARTS_WITHIN_SECONDS = 60.0
UP = ("manage.py", "up", "--bind", "127.0.0.1:0", "--workers", "2")
HEARING = ("env", "--default-signal=INT,HUP")
"""As in a terminal: tests that a shell runs in its background, or under nohup, hand down that these are ignored."""


def postgres_url() -> str:
    """Of the server that this test run is for; "" on SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith("postgres") else ""


def build_environment(data: Path, database: str = "", **settings: str) -> dict[str, str]:
    """This process's, without the settings of the test run; ``settings`` are given without TUTTI_."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUTTI_", "DATABASE_URL"))}
    kept |= {f"TUTTI_{name}": value for name, value in settings.items()}
    # No console of coverage or profilers: what the children write is what a person sees.
    kept |= {"TUTTI_DATA": str(data), "PYTHONUNBUFFERED": "1"}
    return kept | ({"DATABASE_URL": database} if database else {})


def run(*words: str, data: Path, database: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=build_environment(data, database, **settings),
        capture_output=True,
        text=True,
        timeout=STARTS_WITHIN_SECONDS,
        check=False,
    )


class Up:
    """A running ``up``; ``output`` is what the person has read so far."""

    def __init__(self, data: Path, *words: str, database: str = "", **settings: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [*HEARING, sys.executable, *UP, "--data", str(data), *words],
            cwd=ROOT,
            env=build_environment(data, database, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    @property
    def address(self) -> str:
        found = re.search(r"Tutti runs at (http://127\.0\.0\.1:\d+/)", self.output)
        return found.group(1) if found else ""

    def wait_until_it_runs(self) -> str:
        def running() -> str:
            assert self.process.poll() is None, self.output
            return self.address

        return wait_for(running, STARTS_WITHIN_SECONDS, "up says that it runs")

    def get(self, path: str = "admin/login/") -> int:
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def service(self, name: str) -> int:
        """The pid of the service's main process, a child of the launcher; 0 when there is none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next((int(pid) for pid in children if name_of(int(pid)) == name), 0)

    def everything(self) -> set[int]:
        """All processes whose environment names this data folder, components too; the launcher aside."""
        mark = str(self.data).encode()
        found = set()
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) not in {os.getpid(), self.process.pid}:
                try:
                    if mark in (folder / "environ").read_bytes():
                        found.add(int(folder.name))
                except OSError:
                    continue
        return found

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the launcher alone; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(STARTS_WITHIN_SECONDS)
        self._reader.join(10)
        return code

    def clean_up(self) -> None:
        self.process.kill()
        self.process.wait()
        for pid in self.everything():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._reader.join(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def running(data: Path, *words: str, database: str = "", **settings: str) -> Iterator[Up]:
    """An ``up`` whose page answers. Nothing of it is left at the end."""
    up = Up(data, *words, database=database, **settings)
    try:
        up.wait_until_it_runs()
        yield up
    finally:
        up.clean_up()
