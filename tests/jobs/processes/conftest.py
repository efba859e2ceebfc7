"""Real processes, in a folder of their own, with nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.processes.client import Nursery, SupervisedProcess
from tests.jobs.processes.support import build_spec, processes_under

Launch = Callable[..., SupervisedProcess]


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "job"
    folder.mkdir()
    yield folder
    for pid in processes_under(folder):  # only where a test failed
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def launch(nursery: Nursery, folder: Path) -> Iterator[Launch]:
    """Starts a component with `build_spec`'s keywords."""
    launched: list[SupervisedProcess] = []

    def start(argv: list[str], **changes: Any) -> SupervisedProcess:
        launched.append(nursery.launch(build_spec(folder, argv, **changes)))
        return launched[-1]

    yield start
    for process in launched:
        process.close()
