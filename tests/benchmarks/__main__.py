"""Runs every benchmark: the engine on each database, in a process of its own, as one table; then pages and storage.

Usage: ``python -m tests.benchmarks [--only W1,W2,…] [--rounds N] [--database sqlite|postgresql|both] [--json]``. The
names of ``--only`` are those of the table, and ``pages`` and ``storage``, which print tables of their own and are left
out of ``--json``. PostgreSQL: the server of TUTTI_TEST_POSTGRES; a database of our own is made there and dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import everything
from tests.benchmarks import databases, report

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {"pages", "storage"}
"""Benchmarks that print tables of their own."""


def main() -> int:
    options = _options()
    only = set(filter(None, options.only.split(",")))
    kinds = [kind for kind in ("sqlite", "postgresql") if options.database in (kind, "both") and _is_there(kind)]
    codes = []
    if not only or only - PROGRAMS:
        results = {kind: found for kind in kinds if (found := _measure(kind, options)) is not None}
        print(json.dumps(results, indent=2) if options.json else report.table(results), flush=True)
        codes.append(int(not results or len(results) < len(kinds)))
    if not options.json and (not only or "pages" in only):
        codes += [_pages(kind, options.rounds) for kind in kinds]
    if not options.json and (not only or "storage" in only):
        codes += [_run("storage"), _run("storage", "--typed")]
    return max(codes, default=1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="names of benchmarks, separated by commas")
    parser.add_argument("--rounds", type=int, default=15, help="of each benchmark (default: 15)")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    return parser.parse_args()


def _postgres() -> str:
    return os.environ.get("TUTTI_TEST_POSTGRES", "").strip() or everything.DEFAULT_POSTGRES


def _is_there(kind: str) -> bool:
    problem = everything.find_problem_with(_postgres()) if kind == "postgresql" else None
    if problem:
        print(f"PostgreSQL is left out: {problem}", file=sys.stderr)
    return not problem


@contextmanager
def _site(kind: str) -> Iterator[dict[str, str]]:
    """The environment of a site with an empty database and data folder, both removed at the end."""
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as folder, databases.made(kind, _postgres()) as url:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TUTTI_") and name != "DATABASE_URL"
        }
        environment |= {"TUTTI_DATA": folder, "DJANGO_SETTINGS_MODULE": "orchestration_site.settings"}
        environment |= {"TUTTI_LOG_LEVEL": "WARNING"}
        yield environment | ({"DATABASE_URL": url} if url else {})


def _measure(kind: str, options: argparse.Namespace) -> dict[str, Any] | None:
    with _site(kind) as environment:
        command = [sys.executable, "-m", "tests.benchmarks.measure", str(options.rounds), options.only]
        print(f"Measuring on {kind}", file=sys.stderr)
        done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"The benchmarks on {kind} failed.", file=sys.stderr)
        return None
    return dict(json.loads(done.stdout))


def _pages(kind: str, rounds: int) -> int:
    with _site(kind) as environment:
        return _run("pages", "--rounds", str(rounds), environment=environment)


def _run(program: str, *words: str, environment: dict[str, str] | None = None) -> int:
    print(f"\n=== {program} ===", flush=True)
    command = [sys.executable, "-m", f"tests.benchmarks.{program}", *words]
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
