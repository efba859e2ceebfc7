"""Asking the program of tables, the only one that opens Delta tables (jobs/tables/README.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs.carrying.place import storage_url
from jobs.preparing import Attempt
from jobs.processes.protocol import ExitRecord, ProcessSpec
from jobs.processes.record import path_of

COMMAND = (sys.executable, "-m", "jobs.tables")
EXPORT, STAGE, COMMIT = "export", "stage", "commit"
ALONE_SECONDS = 3600
BROKEN = "The program of tables failed. The log says more."

Entry = dict[str, Any]


@dataclass
class Failed(Exception):
    """It could not do it; the message is for the user. ``done``: answers for the tables before the one at fault."""

    message: str
    error_type: str
    done: list[Entry] = field(default_factory=list)
    detail: str = ""
    """For the log."""

    def __str__(self) -> str:
        return self.message


@dataclass
class Stopped(Exception):
    """It was stopped by us, or its job is somebody else's now (None): it says nothing of the tables."""

    record: ExitRecord | None


def spec_of(attempt: Attempt, verb: str, entries: Sequence[Entry]) -> ProcessSpec:
    """How the program is started for one verb of an attempt; writes its request. Raises OSError."""
    for stale in (_answer_file(attempt, verb), Path(path_of(str(attempt.folder), attempt.fence, verb))):
        stale.unlink(missing_ok=True)
    attempt.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = attempt.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    _write(request_file(attempt, verb), _request(verb, entries, scratch))
    return ProcessSpec(
        argv=[*COMMAND, str(request_file(attempt, verb)), str(_answer_file(attempt, verb))],
        env=_environment(scratch),
        cwd=str(settings.BASE_DIR),
        folder=str(attempt.folder),
        fence=attempt.fence,
        mark=attempt.mark,
        stage=verb,
        secrets=[value for value in settings.STORAGE_OPTIONS.values() if value],
        log_limit_bytes=settings.LOG_LIMIT_BYTES,
        memory_limit_bytes=settings.JOB_MEMORY_LIMIT_BYTES,
        disk_limit_bytes=None,
        data_folder=str(attempt.folder),
        # A commit that has been decided is not stopped half-way: it would only be begun again.
        time_limit_seconds=None if verb == COMMIT else settings.JOB_TIME_LIMIT_SECONDS,
        grace_seconds=settings.GRACE_SECONDS,
        lease_seconds=settings.LEASE_SECONDS,
    )


def answer_of(attempt: Attempt, verb: str, record: ExitRecord) -> list[Entry]:
    """What the program answered when it ended as the record says. Raises Failed, Stopped."""
    request_file(attempt, verb).unlink(missing_ok=True)
    if record.stopped_by_us in ("time", "memory", "disk"):
        raise Failed(record.message.replace("The component", "Reading or writing the tables"), "user")
    if record.stopped_by_us or record.code is None:
        raise Stopped(record)
    return _tables_of(_answer_file(attempt, verb), record.code)


def request_file(attempt: Attempt, verb: str) -> Path:
    """It is there from before the program's start until it has ended."""
    return attempt.folder / f"tables-{verb}.json"


def stored_answer(attempt: Attempt, verb: str) -> list[Entry]:
    """What the program answered earlier in this attempt; nothing when that cannot be read."""
    return list(_read(_answer_file(attempt, verb)).get("tables") or [])


def ask(verb: str, entries: Sequence[Entry], *, seconds: float = ALONE_SECONDS, **more: Any) -> dict[str, Any]:
    """The whole answer to a verb outside of any job; waits ``seconds`` for it. Raises Failed."""
    with tempfile.TemporaryDirectory(prefix="tutti-tables-") as folder:
        request, answer = Path(folder) / "request.json", Path(folder) / "answer.json"
        _write(request, {**_request(verb, entries, Path(folder)), **more})
        try:
            ended = subprocess.run(
                [*COMMAND, str(request), str(answer)],
                cwd=settings.BASE_DIR,
                env=_environment(Path(folder)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(BROKEN, "application") from error
        _tables_of(answer, ended.returncode)
        return dict(_read(answer))


# --- Private -----------------------------------------------------------------------------------


def _request(verb: str, entries: Sequence[Entry], scratch: Path) -> dict[str, Any]:
    return {
        "verb": verb,
        "storage": {"url": storage_url(), "options": settings.STORAGE_OPTIONS},
        "limits": {"memory_bytes": settings.STORAGE_MEMORY_BYTES, "scratch": str(scratch)},
        "tables": list(entries),
    }


def _environment(scratch: Path) -> dict[str, str]:
    return {
        "PATH": settings.COMPONENT_PATH,
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
    }


def _write(file: Path, request: Mapping[str, Any]) -> None:
    """It may hold the storage's credentials."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:
        json.dump(request, opened, ensure_ascii=False)


def _answer_file(attempt: Attempt, verb: str) -> Path:
    return attempt.folder / f"tables-{verb}.answer.json"


def _tables_of(file: Path, code: int) -> list[Entry]:
    answer = _read(file)
    error = answer.get("error")
    if error:
        raise Failed(
            str(error.get("message") or BROKEN),
            str(error.get("type") or "application"),
            list(answer.get("tables") or []),
            str(error.get("detail") or ""),
        )
    if code != 0 or not isinstance(answer.get("tables"), list):
        raise Failed(BROKEN, "application")
    return list(answer["tables"])


def _read(file: Path) -> dict[str, Any]:
    """What the file says, with nothing that a database would not take; {} when it says nothing."""
    try:
        answer = _storable(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value
