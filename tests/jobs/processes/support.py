"""What these tests share: specs, waiting for messages, and programs that try to stay alive."""

from __future__ import annotations

import os
import select
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from jobs.processes.client import SupervisedProcess
from jobs.processes.protocol import Ended, ExitRecord, LogGrew, Lost, Message, ProcessSpec, Started
from jobs.processes.tree import all_pids

DEADLINE_SECONDS = 30.0
UNREAD: WeakKeyDictionary[SupervisedProcess, list[Message]] = WeakKeyDictionary()
MessageT = TypeVar("MessageT", Started, LogGrew, Ended, Lost)

# Every process writes its number into the file "pids". The daemon left its parent, its group, its session and its mark.
FAMILY = """
import os, signal, sys, time
def note():
    with open("pids", "a") as file:
        file.write(f"{os.getpid()}\\n")
def stay():
    note()
    while True:
        time.sleep(60)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork() == 0:
    stay()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = "import time; file = open('pids', 'a'); file.write(f'{__import__(chr(111) + chr(115)).getpid()}\\\\n'); "
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code + "file.close(); time.sleep(600)"], {})
    os._exit(0)
"""
FAMILY_SIZE = 3  # a forked child, a daemon, and the main process


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-u", "-c", code]


def build_spec(folder: Path, argv: list[str], **changes: Any) -> ProcessSpec:
    fence = uuid.uuid4().hex
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    spec = ProcessSpec(
        argv=argv,
        env={"PATH": os.defpath},
        cwd=str(data),
        folder=str(folder),
        fence=fence,
        mark=f"1:{fence}",
        secrets=[],
        log_limit_bytes=1 << 20,
        memory_limit_bytes=None,
        disk_limit_bytes=None,
        data_folder=str(data),
        time_limit_seconds=None,
        grace_seconds=5.0,
        lease_seconds=60.0,
    )
    return replace(spec, **changes)


def wait_until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def wait_for(process: SupervisedProcess, kind: type[MessageT]) -> MessageT:
    """The next message of this kind; those before it are passed over, those behind it kept for the next call."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    unread = UNREAD.setdefault(process, [])
    while time.monotonic() < deadline:
        while unread:
            message = unread.pop(0)
            if isinstance(message, kind):
                return message
            assert not isinstance(message, Ended | Lost), message
        select.select([process], [], [], 1.0)
        unread += process.receive()
    raise AssertionError(f"no {kind.__name__}")


def end_of(process: SupervisedProcess) -> ExitRecord:
    record = wait_for(process, Ended).record
    process.close()
    return record


def log_of(folder: Path) -> list[tuple[str, str]]:
    """(kind, text) of every line."""
    lines = (folder / "log").read_text().split("\n")
    assert lines.pop() == ""
    return [(kind, text) for _, kind, text in (line.split("\t", 2) for line in lines)]


def noted_pids(folder: Path) -> list[int]:
    pids = folder / "data" / "pids"
    return [int(line) for line in pids.read_text().split()] if pids.exists() else []


def living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if _state(pid) not in ("", "Z", "X")]


def processes_under(folder: Path) -> list[int]:
    """Everything alive whose working directory is the component's: it needs no mark, no parent and no group."""
    return [pid for pid in living(all_pids()) if _cwd(pid) == str(folder / "data")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _cwd(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
