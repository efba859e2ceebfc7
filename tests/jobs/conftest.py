"""Real clusters for the tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import clusters
from tests.clusters import RunningCluster

QUICK = {
    "WORKERS": 2,
    # A worker may rest for seconds beside other tests: only what is about leases has short ones.
    "LEASE_SECONDS": 20,
    "HEARTBEAT_SECONDS": 0.5,
    "CLAIM_LEASE_SECONDS": 4,
    "GRACE_SECONDS": 1,
    "STOP_SECONDS": 3,
    "WATCHDOG_SECONDS": 20,
}


@pytest.fixture
def start_cluster(transactional_db: None, settings: Any) -> Iterator[Callable[..., RunningCluster]]:
    """Starts clusters on the test's database and data folder (or ``data=``), with short times; ends them afterwards."""
    with ExitStack() as stack:

        def start(data: Path | None = None, **environment: Any) -> RunningCluster:
            given = {**QUICK, **environment}
            if settings.COMPONENTS_DIR:
                given.setdefault("COMPONENTS_DIR", settings.COMPONENTS_DIR)
            return stack.enter_context(clusters.running(data or settings.DATA_DIR, clusters.database_url(), **given))

        yield start
