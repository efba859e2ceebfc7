"""Benchmarks that measured nothing have not succeeded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "postgres://postgres@127.0.0.1:1/postgres"


@pytest.mark.parametrize("only", ["W1", "pages"])
def test_a_database_that_is_not_there_is_a_failure_when_it_is_the_only_one(only: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--database", "postgresql", "--only", only]

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "TUTTI_TEST_POSTGRES": NOBODY},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "PostgreSQL is left out" in done.stderr
    assert done.returncode == 1
