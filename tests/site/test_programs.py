"""What the launcher has loaded when it forks: enough to share, and nothing that must not be inherited."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.clusters import ROOT
from tests.site import launched

LOOK = """
import gc, sys, threading
from orchestration_site.launcher import programs

programs.load_django()
programs.load_services()
programs.freeze()

from django.db import connection
print("threads", threading.active_count())
print("connected", connection.connection is not None)
print("frozen", gc.get_freeze_count() > 100_000)
print("shared", all(name in sys.modules for name in (*programs.SHARED, "jobs.broker.main")))
heavy = {"psycopg", "duckdb", "deltalake", "sqlglot", "sqlalchemy", "apprise", "requests", "allauth", "numpy"}
from orchestrations.lib.prepared import Prepared
print("compiled", all(each._statements for each in Prepared.made) and len(Prepared.made) > 20)
from orchestrations.components import catalogue
print("components", catalogue._load.cache_info().currsize == 1)
print("heavy", sorted(heavy & set(sys.modules)))
"""


def test_what_is_forked_has_no_thread_no_connection_and_nothing_heavy(empty_database: str, tmp_path: Path) -> None:
    seen = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=ROOT,
        env=launched.build_environment(tmp_path, empty_database)
        | {"DJANGO_SETTINGS_MODULE": "orchestration_site.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert seen.returncode == 0, seen.stderr
    driver = [] if empty_database.startswith("sqlite") else ["psycopg"]
    assert seen.stdout.splitlines() == [
        "threads 1",
        "connected False",
        "frozen True",
        "shared True",
        "compiled True",
        "components True",
        f"heavy {driver}",
    ]


def test_a_cluster_shares_nothing_with_the_one_before_it(tmp_path: Path) -> None:
    """Both are forked from the same launcher: a flag of the first that asks to stop must not stop the second."""
    ask = "from jobs.broker.shared import cluster as c; before = c.drain; before.no_more.set(); before.now.set(); "
    look = "c.found(); print(c.drain.claims_no_more(), c.drain.must_stop_now(), c.drain is before)"

    seen = launched.run("shell", "--no-imports", "-c", ask + look, data=tmp_path)

    assert seen.stdout.split() == ["False", "False", "False"], seen.stderr
