"""Runs every benchmark on each database in a process of its own, then prints one table.

Usage: ``python -m tests.benchmarks [--only W1,W2,…] [--rounds N] [--database sqlite|postgresql|both] [--json]``.
PostgreSQL: the server of TUTTI_TEST_POSTGRES; a database of our own is made there and dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import everything
from tests.benchmarks import databases, report

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    options = _options()
    results: dict[str, dict[str, Any]] = {}
    for kind in ("sqlite", "postgresql"):
        if options.database in (kind, "both"):
            found = _measure(kind, options)
            if found is not None:
                results[kind] = found
    print(json.dumps(results, indent=2) if options.json else report.table(results))
    return 0 if results else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="names of benchmarks, separated by commas")
    parser.add_argument("--rounds", type=int, default=15, help="of each benchmark (default: 15)")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    return parser.parse_args()


def _measure(kind: str, options: argparse.Namespace) -> dict[str, Any] | None:
    postgres = os.environ.get("TUTTI_TEST_POSTGRES", "").strip() or everything.DEFAULT_POSTGRES
    if kind == "postgresql" and (problem := everything.find_problem_with(postgres)):
        print(f"PostgreSQL is left out: {problem}", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as folder, databases.made(kind, postgres) as url:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TUTTI_") and name != "DATABASE_URL"
        }
        environment |= {"TUTTI_DATA": folder, "DJANGO_SETTINGS_MODULE": "orchestration_site.settings"}
        environment |= {"TUTTI_LOG_LEVEL": "WARNING"}
        if url:
            environment["DATABASE_URL"] = url
        command = [sys.executable, "-m", "tests.benchmarks.measure", str(options.rounds), options.only]
        print(f"Measuring on {kind}", file=sys.stderr)
        done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"The benchmarks on {kind} failed.", file=sys.stderr)
        return None
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
