"""A machine that has no process or no descriptor left."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from jobs.processes.component import Component, NotStarted
from tests.jobs.processes.support import build_spec


def test_a_failed_start_is_told_and_leaks_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "no process left")

    monkeypatch.setattr(os, "posix_spawn", refuse)
    monkeypatch.chdir(folder)  # and back at the end
    before = os.listdir("/proc/self/fd")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    with pytest.raises(NotStarted) as caught:
        Component(build_spec(folder, ["true"]))

    assert str(caught.value) == "The program “true” could not be started: the machine has no process left."
    assert os.listdir("/proc/self/fd") == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == limits
