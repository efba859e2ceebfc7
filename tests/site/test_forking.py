"""What a forked service has of its launcher, and what not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from orchestration_site.launcher import forking
from orchestration_site.launcher.service import kill_group


def outcome(program: Callable[[], int]) -> int:
    return forking.wait(forking.fork(program))


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def say(text: str) -> Callable[[], int]:
    def program() -> int:
        raise SystemExit(text)

    return program


def wait_for_ever() -> int:
    while True:
        signal.pause()


def fail() -> int:
    raise ValueError("broken on purpose")


@pytest.mark.parametrize(("program", "code"), [(lambda: 0, 0), (lambda: 7, 7), (say("no"), 1), (say(""), 1), (fail, 1)])
def test_its_end_is_the_programs_end(program: Callable[[], int], code: int) -> None:
    assert outcome(program) == code


def test_it_has_no_descriptor_but_those_it_was_given() -> None:
    """An end of the lifeline above all: as long as somebody else holds it, it is never cut."""
    reading, writing = os.pipe()
    lifeline, held = os.pipe()

    def report() -> int:
        os.write(writing, repr([number for number in range(100) if is_open(number)]).encode())
        return 0

    assert forking.wait(forking.fork(report, [writing])) == 0

    assert os.read(reading, 1000).decode() == repr([0, 1, 2, writing])
    for descriptor in (reading, writing, lifeline, held):
        os.close(descriptor)


def test_the_launchers_handlers_are_not_its_own() -> None:
    before = {number: signal.signal(number, lambda signum, frame: None) for number in forking.HANDLED}
    try:
        pid = forking.fork(wait_for_ever)
        os.kill(pid, signal.SIGTERM)

        assert forking.wait(pid) == -signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_it_can_be_killed_before_it_has_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "setsid", signal.pause)
    pid = forking.fork(lambda: 0)

    kill_group(pid)

    assert forking.wait(pid) == -signal.SIGKILL
