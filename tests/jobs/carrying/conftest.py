"""A worker in the test's own process whose tables are kept by the fake program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.carrying import program
from tests.jobs.performing import Performer

FAKE = (sys.executable, "-S", str(Path(__file__).with_name("fake_program.py")))


@pytest.fixture
def performer(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Performer]:
    settings.GRACE_SECONDS = 0.5
    settings.LEASE_SECONDS = 20
    settings.HEARTBEAT_SECONDS = 0.2
    monkeypatch.setattr(program, "COMMAND", FAKE)
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


@pytest.fixture
def storage(settings: Any) -> Path:
    folder = Path(settings.DATA_DIR) / "storage"
    folder.mkdir(parents=True)
    return folder
