"""``make chaos ARGS="--seconds 180 --seed 7 --database both"``. Exit code 1 when anything was broken."""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests import everything
from tests.chaos.run import VERDICT

ROOT = Path(__file__).resolve().parent.parent.parent
SQLITE_SHARE = 0.5
TIMES = {
    "LEASE_SECONDS": 6,
    "HEARTBEAT_SECONDS": 1,
    "CLAIM_LEASE_SECONDS": 3,
    "GRACE_SECONDS": 2,
    "WATCHDOG_SECONDS": 6,
    "STOP_SECONDS": 10,
}


def main() -> int:
    options = _options()
    databases = ["postgresql", "sqlite"] if options.database == "both" else [options.database]
    postgres = os.environ.get("TUTTI_TEST_POSTGRES", "").strip() or everything.DEFAULT_POSTGRES
    problem = everything.find_problem_with(postgres) if "postgresql" in databases else None
    if problem:
        everything.print_left_out([f"Chaos on PostgreSQL: {problem} (name a server in TUTTI_TEST_POSTGRES)."])
        databases.remove("postgresql")
    print(f"seed {options.seed}", flush=True)
    verdicts = [_run(database, options, postgres) for database in databases]
    if options.json:
        print(json.dumps(verdicts))
    failed = sum(each["failed"] for each in verdicts)
    print(f"{sum(each['passed'] for each in verdicts)} passed, {failed} failed", flush=True)
    return 1 if failed or not verdicts else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180, help="of killing, on PostgreSQL; half of it on SQLite")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="chooses work and victims")
    parser.add_argument("--database", choices=["postgresql", "sqlite", "both"], default="both")
    parser.add_argument("--json", action="store_true", help="the figures once more, for programs")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the machines and their logs")
    return parser.parse_args()


def _run(database: str, options: argparse.Namespace, postgres: str) -> dict[str, Any]:
    """Its own folder and its own database, both removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tutti-chaos-"))
    seconds = options.seconds * (SQLITE_SHARE if database == "sqlite" and options.database == "both" else 1)
    name = f"tutti_chaos_{os.getpid()}"
    url = _create_database(postgres, name) if database == "postgresql" else f"sqlite:///{folder}/one/tutti.sqlite3"
    print(f"{database}: {seconds:g} s of killing, in {folder}", flush=True)
    _write_component(folder)
    try:
        arguments = [database, str(seconds), str(options.seed), str(folder)]
        command = [sys.executable, "-m", "tests.chaos.run", *arguments]
        subprocess.run(command, cwd=ROOT, env=_environment(folder, url), check=False)
        file = folder / VERDICT
        return json.loads(file.read_text()) if file.exists() else {"database": database, "passed": 0, "failed": 1}
    finally:
        if database == "postgresql":
            _drop_database(postgres, name)
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, url: str) -> dict[str, str]:
    """Of both machines, which are one installation, and of the process that watches them."""
    return {
        **everything.build_environment(url, None),
        **{f"TUTTI_{name}": str(value) for name, value in TIMES.items()},
        "DJANGO_SETTINGS_MODULE": "orchestration_site.settings",
        "TUTTI_DATA": str(folder / "one"),
        "TUTTI_SECRET_KEY": secrets.token_urlsafe(50),
        "TUTTI_ENCRYPTION_KEY": secrets.token_urlsafe(50),
        "TUTTI_COMPONENTS_DIR": str(folder / "components"),
    }


def _write_component(folder: Path) -> None:
    shutil.copytree(Path(__file__).parent / "components", folder / "components")


def _create_database(postgres: str, name: str) -> str:
    _drop_database(postgres, name)
    _administer(postgres, f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))


def _drop_database(postgres: str, name: str) -> None:
    _administer(postgres, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(postgres: str, statement: str) -> None:
    url = urlunsplit(urlsplit(postgres)._replace(path="/postgres"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


if __name__ == "__main__":
    sys.exit(main())
