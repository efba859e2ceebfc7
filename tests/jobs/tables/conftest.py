from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from jobs.tables import engine
from tests.jobs.tables.support import Tables

SHARED = ":memory:tests"


@pytest.fixture(scope="session")
def duckdb_kept_open() -> Iterator[None]:
    """Starting DuckDB costs more than most tests."""
    with duckdb.connect(SHARED):
        yield


@pytest.fixture
def tables(tmp_path: Path, duckdb_kept_open: None, monkeypatch: pytest.MonkeyPatch) -> Tables:
    monkeypatch.setattr(engine, "DATABASE", SHARED)
    return Tables(tmp_path / "tables")
