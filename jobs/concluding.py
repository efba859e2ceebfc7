"""What a process's end means for its job (DESIGN §6): exit 0 success, 1 the user's error, anything else ours."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

from jobs.advancing import End
from jobs.preparing import Attempt
from jobs.processes.protocol import ExitRecord
from jobs.states import JobStatus
from orchestrations.lib import json_api

MESSAGE_LIMIT = 4_000
STATE_LIMIT_BYTES = 1_000_000
LIMITS = {"time", "memory", "disk"}
"""Ends that we caused, but that are the job's own: they stand like an exit of its process."""


class MalformedOutput(Exception):
    """The component left something that cannot be read; the message names the file."""


def is_final(record: ExitRecord) -> bool:
    """Whether the record says how the job ended; an end that we caused otherwise says nothing about it (R12)."""
    return not record.stopped_by_us or record.stopped_by_us in LIMITS


def never_ran(record: ExitRecord) -> bool:
    """Whether the supervisor found the lease too old to start anything."""
    return record.code is None and record.stopped_by_us == "lease"


def end_of(record: ExitRecord, attempt: Attempt) -> End:
    """The end that a final record stands for, with the output checked after exit 0."""
    if record.stopped_by_us or record.code is None:
        return error_end(record.message, "user")
    if record.code == 0:
        return _success(attempt)
    said = _said(record)[-MESSAGE_LIMIT:]
    if record.code == 1:
        return error_end(said or "The component ended with exit code 1 and said nothing.", "user")
    return error_end(_application_error(record.code), "application")


def _said(record: ExitRecord) -> str:
    """What the process said at its end; of a Python traceback the last line, the rest stands in the log."""
    said = record.stderr_tail.strip() or record.stdout_tail.strip()
    return said.splitlines()[-1] if "Traceback (most recent call last):" in said else said


def _success(attempt: Attempt) -> End:
    try:
        _check_manifests(attempt)
        state = _state(attempt)
    except MalformedOutput as error:
        return error_end(str(error), "application")
    return End(
        status=JobStatus.SUCCESS, result={"message": "", "input": {"tables": []}, "output": {"tables": []}}, state=state
    )


def is_success(record: ExitRecord) -> bool:
    return record.code == 0 and not record.stopped_by_us


def error_end(message: str, error_type: str) -> End:
    """``error_type``: user or application."""
    # Names of files may hold what no database takes.
    message = message.encode(errors="replace").decode().replace("\x00", "")[:MESSAGE_LIMIT]
    return End(
        status=JobStatus.ERROR,
        message=message,
        error_type=error_type,
        result={"message": message, "error": {"type": error_type}},
    )


def _application_error(code: int) -> str:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"The component was killed by {name}. Its log may say more."
    return f"The component failed with an internal error (exit code {code}). Its log says more."


def _check_manifests(attempt: Attempt) -> None:
    for kind in ("tables", "files"):
        for file in sorted((attempt.data / "out" / kind).glob("*.manifest")):
            read_object(file.relative_to(attempt.data).as_posix(), attempt)


def _state(attempt: Attempt) -> dict[str, Any] | None:
    return read_object("out/state.json", attempt) if (attempt.data / "out" / "state.json").exists() else None


def read_object(name: str, attempt: Attempt) -> dict[str, Any]:
    """A JSON file in the data folder. Raises MalformedOutput."""
    file = attempt.data / name
    try:
        if not file.resolve().is_relative_to(attempt.folder.resolve()):
            raise MalformedOutput(f"The component left {name} as a link out of its data folder.")
        return _parsed(name, _bytes_of(file))
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links
        raise MalformedOutput(f"The component left {name}, which cannot be read: {error}.") from error


def _bytes_of(file: Path) -> bytes:
    """Of an ordinary file: a pipe would be waited for, a device never ends. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not an ordinary file")
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(STATE_LIMIT_BYTES + 1)
    finally:
        os.close(descriptor)


def _parsed(name: str, data: bytes) -> dict[str, Any]:
    if len(data) > STATE_LIMIT_BYTES:
        raise MalformedOutput(f"The component left {name} with more than {STATE_LIMIT_BYTES:,} bytes.")
    try:
        return json_api.parse_object(data)
    except json_api.InvalidJson as error:
        raise MalformedOutput(f"The component left {name}, which is not a JSON object we can keep: {error}") from error
