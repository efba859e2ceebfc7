"""One database's measurements; prints them as JSON. Started by ``__main__`` with the environment of its site."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

django.setup()

# Django must be set up before models can be imported.
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from jobs.models import Cluster, Job  # noqa: E402
from orchestrations.models import Configuration, Project  # noqa: E402
from tests import builders  # noqa: E402
from tests.benchmarks import floor, schedules, submissions, whole  # noqa: E402

DEADLINE_SECONDS = 120
Figures = dict[str, Any]


def main(rounds: int, only: set[str]) -> Figures:
    call_command("migrate", verbosity=0)
    project = builders.build_project(builders.build_user("bench@example.org"))
    results: Figures = {}

    def wanted(name: str) -> bool:
        return not only or name in only

    if any(wanted(name) for name in WORKLOADS):
        with cluster():
            warm_up(project)
            for name, measure in WORKLOADS.items():
                if wanted(name):
                    results[name] = measure(project, rounds)
    results |= schedules.measure(project, {name for name in schedules.NAMES if wanted(name)})
    if not only or only & set(submissions.NAMES):
        results |= submissions.measure(builders.build_project(builders.build_user("programs@example.org")))
    results["bare"] = {name: floor.measure(name, rounds) for name in ("W1", "W2", "W3") if wanted(name)}
    if not only or only & set(whole.NAMES):
        results |= whole.measure()
    return results


@contextmanager
def cluster() -> Iterator[None]:
    command = [sys.executable, "manage.py", "cluster"]
    process = subprocess.Popen(command, stdout=sys.stderr)
    try:
        until(Cluster.objects.exists)
        yield
    finally:
        process.terminate()
        process.wait(60)


def warm_up(project: Project) -> None:
    """Every worker has done a job once: first imports and first connections are not what is measured."""
    configurations = [builders.build_configuration(project) for _ in range(4 * settings.WORKERS)]
    orchestration = builders.build_orchestration(project, [builders.task(each) for each in configurations])
    for _ in range(3):
        settled([orchestration])


def first_start(project: Project, rounds: int) -> Figures:
    """From the call that creates the run to the first instruction of its first process."""
    file = Path(settings.DATA_DIR) / "first"
    orchestration = builders.build_orchestration(project, [builders.task(noting(project, file))])
    took = []
    for _ in range(rounds * 2):
        before = time.time()
        settled([orchestration])
        took.append((moments(file)[-1] - before) * 1000)
    return summary(took)


def hand_off(project: Project, rounds: int) -> Figures:
    """Between consecutive phases of one process each, as the processes themselves note it."""
    file = Path(settings.DATA_DIR) / "hand-off"
    phases = [[builders.task(noting(project, file))] for _ in range(20)]
    orchestration = builders.build_orchestration(project, *phases)
    took: list[float] = []
    for _ in range(max(2, rounds // 3)):
        file.unlink(missing_ok=True)
        settled([orchestration])
        noted = moments(file)
        took += [(later - earlier) * 1000 for earlier, later in itertools.pairwise(noted)]
    return summary(took)


def w1(project: Project, rounds: int) -> Figures:
    """20 phases of one process each."""
    return whole_runs(builders.build_orchestration(project, *[[one(project)] for _ in range(20)]), rounds)


def w2(project: Project, rounds: int) -> Figures:
    """3 phases of 10 processes each."""
    phases = [[one(project) for _ in range(10)] for _ in range(3)]
    return whole_runs(builders.build_orchestration(project, *phases), rounds)


def w3(project: Project, rounds: int) -> Figures:
    """50 different orchestrations of 2 phases of 2, started at once."""
    orchestrations = [
        builders.build_orchestration(project, [one(project), one(project)], [one(project), one(project)])
        for _ in range(50)
    ]
    return summary([settled(orchestrations) * 1000 for _ in range(max(3, rounds // 3))])


WORKLOADS: dict[str, Callable[[Project, int], Figures]] = {
    "first start": first_start,
    "hand-off": hand_off,
    "W1": w1,
    "W2": w2,
    "W3": w3,
}


def whole_runs(orchestration: Configuration, rounds: int) -> Figures:
    return summary([settled([orchestration]) * 1000 for _ in range(rounds)])


def settled(orchestrations: list[Configuration]) -> float:
    """Start them all; seconds from the first call until the last has settled by its own account."""
    begin = timezone.now()
    ids = [builders.launch(orchestration).pk for orchestration in orchestrations]
    until(lambda: not Job.objects.filter(pk__in=ids, finished_at__isnull=True).exists())
    runs = list(Job.objects.filter(pk__in=ids))
    bad = [run for run in runs if run.status != "success"]
    if bad:
        raise SystemExit(f"A run of the benchmark ended in {bad[0].status}: {bad[0].message}")
    last = max(run.finished_at for run in runs if run.finished_at)
    return (last - begin).total_seconds()


def one(project: Project) -> dict[str, Any]:
    return builders.task(builders.build_configuration(project, command=["/bin/true"]))


def noting(project: Project, file: Path) -> Configuration:
    """Its process appends the moment at which it runs."""
    words = ["bash", "--norc", "-c", f"echo $EPOCHREALTIME >> {file}"]
    return builders.build_configuration(project, command=words)


def moments(file: Path) -> list[float]:
    return [float(line) for line in file.read_text().split()]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The benchmark did not come to its end.")
        time.sleep(0.02)


def summary(took: list[float]) -> Figures:
    ordered = sorted(took)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "samples": len(ordered),
    }


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    figures = main(int(sys.argv[1]), {name for name in sys.argv[2].split(",") if name})
    connection.close()
    print(json.dumps(figures))
