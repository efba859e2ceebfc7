"""The program of tables as its tests call it: in this process, or as a process where that is the point."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from jobs.tables import faults
from jobs.tables.__main__ import main
from jobs.tables.answering import answer
from tests.jobs import warm

TABLE = "1/orders-1"


def _run(request: str, result: str, fault: str) -> None:
    os.environ[faults.VARIABLE] = fault
    sys.exit(main([request, result]))


@dataclass
class Started:
    process: BaseProcess
    result: Path

    def finish(self) -> dict[str, Any] | None:
        """The answer, None when it was killed."""
        self.process.join(60)
        assert self.process.exitcode is not None, "it does not end"
        if self.process.exitcode == -signal.SIGKILL:
            return None
        return dict(json.loads(self.result.read_text()))

    def wait_until_stopped(self) -> None:
        status = Path(f"/proc/{self.process.pid}/stat")
        deadline = time.monotonic() + 60
        while status.read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline, "it was never stopped"
            time.sleep(0.01)

    def go_on(self) -> None:
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGCONT)


class Tables:
    """A storage in a folder; every call is one request with one entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = folder / "storage"
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.url = str(self.storage)
        self.now: datetime | None = None
        self.limits: dict[str, Any] = {"threads": 1}
        self._files = 0

    def request(self, verb: str, *entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
        tables = [{"name": "in.c-sales.orders", "location": TABLE} | entry for entry in entries]
        return {"verb": verb, "storage": {"url": self.url}, "limits": self.limits, "tables": tables, **fields}

    def call(self, verb: str, **entry: Any) -> dict[str, Any]:
        """The answer for the one table."""
        found, code = answer(self.request(verb, entry), self.work, self.now or datetime.now(UTC))
        assert code == 0, found
        return dict(found["tables"][0])

    def fail(self, verb: str, **entry: Any) -> str:
        """The message of the refusal, the user's fault unless ``code`` is 2."""
        code = entry.pop("code", 1)
        found, found_code = answer(self.request(verb, entry), self.work, self.now or datetime.now(UTC))
        assert found_code == code, found
        assert found["error"]["type"] == {1: "user", 2: "application"}[code]
        return str(found["error"]["message"])

    def put(self, content: str | bytes, mode: str = "full", **entry: Any) -> dict[str, Any]:
        """Stages and commits a CSV file."""
        staged = self.call("stage", source=self.file(content), mode=mode, **entry)
        return self.call("commit", plan=staged["plan"])

    def file(self, content: str | bytes, name: str = "") -> str:
        self._files += 1
        path = self.work / (name or f"given-{self._files}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def target(self) -> Path:
        self._files += 1
        return self.work / f"exported-{self._files}"

    def text(self, **entry: Any) -> str:
        """The CSV that an export gives."""
        target = self.target()
        self.call("export", to=str(target), **entry)
        return target.read_bytes().decode()

    def rows(self, **entry: Any) -> list[list[str]]:
        """The rows of an export, sorted, without the header."""
        return sorted(list(csv.reader(io.StringIO(self.text(**entry), newline="")))[1:])

    def start(self, verb: str, *, fault: str = "", **entry: Any) -> Started:
        """In a process of its own."""
        self._files += 1
        request = self.work / f"request-{self._files}.json"
        result = self.work / f"answer-{self._files}.json"
        request.write_text(json.dumps(self.request(verb, entry)))
        process = warm.PROCESSES.Process(target=_run, args=(str(request), str(result), fault))
        process.start()
        return Started(process, result)

    def data_files(self) -> list[str]:
        folder = self.storage / TABLE
        return sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*.parquet") if "_delta_log" not in str(path)
        )

    def marks(self) -> list[str]:
        return sorted(path.name for path in (self.storage / "_staged").glob("*"))
