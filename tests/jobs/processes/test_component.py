"""A machine that has no process or no descriptor left."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jobs.processes.component import Component, explain
from tests.jobs.processes.support import build_spec


def test_a_failed_fork_is_told_and_leaks_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "no process left")

    monkeypatch.setattr(os, "fork", refuse)
    before = os.listdir("/proc/self/fd")
    spec = build_spec(folder, ["true"])

    with pytest.raises(OSError, match="no process left"):
        Component(spec)

    assert os.listdir("/proc/self/fd") == before
    assert (
        explain(spec, "exec", errno.EAGAIN)
        == "The program “true” could not be started: the machine has no process left."
    )
