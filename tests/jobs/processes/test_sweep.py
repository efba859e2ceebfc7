"""What a job left behind is found by its mark, and only that."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from jobs.processes import sweep
from jobs.processes.protocol import MARK_VARIABLE
from tests.jobs.processes.support import living, wait_until


@pytest.fixture
def marked() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def start(marked: list[subprocess.Popen[bytes]], mark: str) -> int:
    environment = {"A": "1", MARK_VARIABLE: mark, "PATH": os.defpath}
    marked.append(subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True))
    wait_until(lambda: sweep.mark_of(marked[-1].pid) == mark)  # a process in its execve() shows no environment
    return marked[-1].pid


def test_processes_are_found_by_the_beginning_of_their_mark(marked: list[subprocess.Popen[bytes]]) -> None:
    job = uuid.uuid4().hex
    first, second = start(marked, f"{job}:a"), start(marked, f"{job}:b")
    start(marked, f"other-{job}:a")

    found = sweep.find_marked(f"{job}:")

    assert sorted(found) == sorted([(first, f"{job}:a"), (second, f"{job}:b")])
    assert set(found) <= set(sweep.find_marked())


def test_only_exactly_this_mark_is_killed(marked: list[subprocess.Popen[bytes]]) -> None:
    job = uuid.uuid4().hex
    killed, spared = start(marked, f"{job}:1"), start(marked, f"{job}:12")

    count = sweep.kill_marked(f"{job}:1")

    assert count == 1
    assert living([killed, spared]) == [spared]
    assert sweep.kill_marked(f"{job}:1") == 0


def test_a_process_that_starts_others_meanwhile_is_killed_with_them(marked: list[subprocess.Popen[bytes]]) -> None:
    mark = f"{uuid.uuid4().hex}:1"
    environment = {MARK_VARIABLE: mark, "PATH": os.defpath}
    breeding = "while :; do sleep 600 & setsid sleep 600 & sleep 0.01; done"
    marked.append(subprocess.Popen(["sh", "-c", breeding], env=environment, start_new_session=True))
    wait_until(lambda: len(sweep.find_marked(mark)) > 5)

    sweep.kill_marked(mark)

    assert sweep.find_marked(mark) == []


def test_it_does_not_find_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "mark_of", lambda pid: "me" if pid == os.getpid() else None)

    assert sweep.find_marked("me") == []


def test_a_number_that_went_to_another_process_is_spared(
    marked: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"{uuid.uuid4().hex}:1"
    innocent = start(marked, f"{mark}-another")
    monkeypatch.setattr(sweep, "find_marked", lambda prefix: [(innocent, mark)])
    monkeypatch.setattr(sweep, "ROUNDS", 1)

    assert sweep.kill_marked(mark) == 0
    assert living([innocent]) == [innocent]


def test_what_is_dead_has_no_mark(marked: list[subprocess.Popen[bytes]]) -> None:
    mark = f"{uuid.uuid4().hex}:1"
    pid = start(marked, mark)

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: sweep.mark_of(pid) is None)
