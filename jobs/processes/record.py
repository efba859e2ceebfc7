"""Writes the exit record: the one durable proof of how a component ended."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # as in component.py
if TYPE_CHECKING:
    from typing import Any

RESERVED_BYTES = 16384
COMPONENT = "component"
"""The stage of the job's own program; others bring its tables in and out."""


class RecordFile:
    """Takes its room on the disk at once, so that a component that fills the disk cannot hinder its own record."""

    def __init__(self, folder: str, fence: str, stage: str) -> None:
        self._folder = folder
        self._path = path_of(folder, fence, stage)
        self._fd = -1
        self._has_name = False
        try:
            self._open()
        except OSError:
            pass  # write() tries again

    def write(self, record: dict[str, Any]) -> bool:
        """Durable and whole, or not a record. False when the disk did not take it."""
        without_tails = record | {"stdout_tail": "", "stderr_tail": ""}
        return self._write(record) or self._write(without_tails)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def _open(self) -> None:
        self._fd = os.open(self._path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.write(self._fd, bytes(RESERVED_BYTES))

    def _write(self, record: dict[str, Any]) -> bool:
        try:
            if self._fd < 0:
                self._open()
            data = json.dumps(record, ensure_ascii=False).encode(errors="replace")
            # Renamed before it is synced: one sync of the file then keeps its name as well, on the file systems with a
            # journal. What is not whole is no JSON, and nobody takes it for a record. It replaces the record of an
            # earlier process of this stage: who goes on with an attempt runs the stage again.
            if not self._has_name:
                os.rename(self._path + ".new", self._path)
                self._has_name = True
            done = 0
            while done < len(data):
                done += os.pwrite(self._fd, data[done:], done)
            os.ftruncate(self._fd, len(data))
            os.fsync(self._fd)
        except OSError:
            return False
        return True


def path_of(folder: str, fence: str, stage: str) -> str:
    name = f"exit-{fence}.json" if stage == COMPONENT else f"exit-{fence}-{stage}.json"
    return os.path.join(folder, name)
