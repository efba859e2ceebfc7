"""What worker and supervisor tell each other, as the worker sees it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import record

MARK_VARIABLE = "TUTTI_JOB_MARK"
LOCK_NAME = "supervised"
SHORTEST_LINE_OF_SECRET = (
    8  # a shorter line of a secret with several (a key file) says nothing, and is in other texts too
)


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """One attempt at running one component."""

    argv: list[str]
    env: dict[str, str]  # all that the component sees; the mark is added
    cwd: str
    folder: str  # the job's control folder, which exists: log, exit records, lock
    fence: str  # fencing token of this attempt
    mark: str  # "<job id>:<fence>", found by `sweep` in the environment of all that the component starts
    secrets: list[str]  # ***** in the log and in the tails
    log_limit_bytes: int  # of the whole log file, all attempts
    memory_limit_bytes: int | None
    disk_limit_bytes: int | None  # of everything under data_folder
    data_folder: str
    time_limit_seconds: float | None
    grace_seconds: float  # between SIGTERM and SIGKILL
    lease_seconds: float
    stage: str = record.COMPONENT  # which of the attempt's processes: each has an exit record of its own
    leased_at: float | None = None  # kernel.lease_clock() just before the claim; without it the lease begins at launch


@dataclass(frozen=True)
class ExitRecord:
    """How an attempt ended. `stopped_by_us` is empty when the component ended by itself, before our first signal."""

    fence: str
    stage: str  # of the ProcessSpec
    code: int | None  # negative: the signal that ended it; None: it was not started
    stopped_by_us: str  # "" | "terminate" | "lease" | "time" | "memory" | "disk"
    message: str  # a plain sentence, where it was not started or a limit stopped it
    stdout_tail: str
    stderr_tail: str
    started_at: float  # unix seconds
    ended_at: float


@dataclass(frozen=True)
class Started:
    pid: int
    supervisor_pid: int


@dataclass(frozen=True)
class LogGrew:
    size: int  # bytes of the log file


@dataclass(frozen=True)
class Ended:
    record: ExitRecord


@dataclass(frozen=True)
class Lost:
    """The supervisor died without a word or a record: the component may have run, and was killed with it."""


Message = Started | LogGrew | Ended | Lost


def read_exit_record(folder: Path, fence: str, stage: str = record.COMPONENT) -> ExitRecord | None:
    try:
        return ExitRecord(**json.loads(Path(record.path_of(str(folder), fence, stage)).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def is_supervised(folder: Path) -> bool:
    """A supervisor of this job lives on this machine, or is about to: its exit record may still come."""
    try:
        fd = os.open(Path(folder) / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def was_launched(folder: Path) -> bool:
    """A worker was about to hand over this attempt, or has: its component may have run."""
    return (Path(folder) / LOCK_NAME).exists()


def spec_as_message(spec: ProcessSpec, leased_at: float) -> dict[str, Any]:
    message = dict(vars(spec))
    message["env"] = spec.env | {MARK_VARIABLE: spec.mark}
    message["secrets"] = [form for secret in spec.secrets for form in forms_of_secret(secret)]
    message["leased_at"] = leased_at
    return message


def forms_of_secret(secret: str) -> list[str]:
    """Itself, as JSON and addresses write it, and the lines of one that has several."""
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST_LINE_OF_SECRET]
    as_json = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return sorted({secret, *as_json, quote(secret, safe=""), *lines})
