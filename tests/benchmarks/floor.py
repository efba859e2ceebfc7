"""The bare loop beside which an orchestrator must stand: a plain program that starts the same processes.

For each process it commits three rows (claimed, ended, what follows) to a table of its own in the same database, and
starts it with fork and exec. No queue, no other process, no log, no lease, nothing to recover by.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import Any

from django.db import connection, transaction

SHAPES = {"W1": [1] * 20, "W2": [10] * 3, "W3": [2] * 100}
COMMITS = 3


def measure(name: str, rounds: int) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_floor (moment double precision)")
    took = [_run(SHAPES[name]) * 1000 for _ in range(max(3, rounds // 3))]
    return {"median": statistics.median(took)}


def _run(phases: list[int]) -> float:
    begin = time.perf_counter()
    for width in phases:
        processes = []
        for _ in range(width):
            _commit()
            processes.append(subprocess.Popen(["/bin/true"]))
        for process in processes:
            process.wait()
            for _ in range(COMMITS - 1):
                _commit()
    return time.perf_counter() - begin


def _commit() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_floor VALUES (%s)", [time.time()])
