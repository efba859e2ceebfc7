"""A worker in the test's own process, with short times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.jobs.performing import Performer


@pytest.fixture
def performer(db: None, settings: Any) -> Iterator[Performer]:
    settings.GRACE_SECONDS = 0.5
    settings.LEASE_SECONDS = 20
    performer = Performer()
    yield performer
    performer.worker.nursery.close()
