"""Names of this machine and of processes on it, so that others can tell whether an owner still lives."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from django.conf import settings


@lru_cache(maxsize=1)
def name() -> str:
    """The host and its data folder: exit records are found exactly where both are the same (R12)."""
    file: Path = settings.DATA_DIR / "machine.id"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".machine.id.{os.getpid()}")
        draft.write_text(uuid4().hex[:12])
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return f"{socket.gethostname()[:60]}-{file.read_text().strip()}"


def process_name(pid: int | None = None) -> str:
    """``pid:start:boot``: unlike a bare pid it is never given to another process."""
    pid = os.getpid() if pid is None else pid
    return f"{pid}:{_start_of(pid) or '?'}:{_boot()}"


def is_alive(process: str) -> bool:
    """Whether the process of this name runs on this machine. A zombie does not."""
    pid, _, _ = process.partition(":")
    return pid.isdigit() and process == process_name(int(pid))


def is_of_this_boot(process: str) -> bool:
    """Whether the process of this name has run since this machine was last started."""
    return process.count(":") == 2 and process.rpartition(":")[2] == _boot()


def _start_of(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The command may contain blanks and parentheses: count fields behind the last one.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return "?"
