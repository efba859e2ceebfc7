"""Server time of every page and of many queries, with a short and with a long history, on the database of DATABASE_URL.

Usage: ``TUTTI_DATA=<empty folder> python -m tests.benchmarks.pages [--jobs 1000000] [--rounds 15]``. The pages are
those of the sweep (tests/pages/test_everybody.py), so that a new one is measured as soon as it is listed there. The
goal is 30 ms. Figures: the median of the rounds by the clock; the processor time, of this process and of what serves it
in a PostgreSQL of this machine; and that time as it would be in the quietest moment of the run, by what a plain page
took between the rounds then and here. On a busy machine only the last means anything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.benchmarks.seed import empty, fill, last_job, prepare  # first: it sets Django up  # isort: skip
from jobs.models import Job
from tests.pages.test_everybody import PAGES, arguments
from tests.pages.world import World

SHORT = 1_000
GOAL_MS = 30
PLAIN = "jobs-help"
QUERIES = [
    "status:error",
    "status:error created:-7d",
    "by:me",
    "by:me status:error",
    "by:oscar status:terminated",
    "duration:>1h",
    "duration:>50s is:run",
    "component:python",
    "component:orchestrator status:warning",
    '"Load 17"',
    "Table",
    'configuration:"Load 3" -status:error',
    "created:[-60d TO -50d]",
    "created:<-100d status:success",
    "-status:success",
    "status:error OR status:warning",
    "is:partial",
    "cause:trigger",
    "no-such-name",
    "status:processing",
    "run:505",
    "id:<500 is:run",
]


@dataclass(frozen=True)
class Figure:
    """Milliseconds."""

    median: float
    processor: float
    ratio: float
    """Of the processor time to that of the plain page."""
    queries: int


Figures = dict[str, Figure]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--orchestrations", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    world = prepare(options.orchestrations, 5000)
    before = last_job()
    fill(world.project, SHORT)
    short, quiet = measure(world, options.rounds)
    empty(above=before)
    started = time.monotonic()
    fill(world.project, options.jobs)
    print(f"{connection.vendor}: {options.jobs} jobs, filled in {time.monotonic() - started:.0f} s")
    long, quiet_too = measure(world, options.rounds)
    report(short, long, min(quiet, quiet_too))
    return 0


def addresses(world: World) -> dict[str, str]:
    """By what the table calls them; the list of jobs also far down and with each query."""
    found = {name: reverse(name, args=arguments(name, world)) for name, page in PAGES.items() if "GET" in page.methods}
    jobs = found["jobs"]
    middle = Job.objects.order_by("-pk").values_list("pk", flat=True)[0] // 2
    found |= {"jobs, far down": f"{jobs}?before={middle}", "jobs, back up": f"{jobs}?after={middle}"}
    return found | {f"jobs, {query}": f"{jobs}?{urlencode({'q': query})}" for query in QUERIES}


def measure(world: World, rounds: int) -> tuple[Figures, float]:
    """Also the least processor time of the plain page."""
    # Not in Django's test environment: there every template that is drawn copies its whole context.
    client = Client(SERVER_NAME="localhost")
    client.force_login(world.project.memberships.get(role="admin").user)
    figures: Figures = {}
    plain = addresses(world)[PLAIN]
    quietest = ask(client, plain)[1]
    for name, address in addresses(world).items():
        ask(client, address)
        with CaptureQueriesContext(connection) as captured:
            ask(client, address)
        queries = len(captured)
        took = [(*ask(client, address), ask(client, plain)[1]) for _ in range(rounds)]
        walls, processors, plains = zip(*took, strict=True)
        ratio = statistics.median(mine / of_plain for _, mine, of_plain in took)
        quietest = min(quietest, *plains)
        figures[name] = Figure(statistics.median(walls), statistics.median(processors), ratio, queries)
    return figures, quietest


def ask(client: Client, address: str) -> tuple[float, float]:
    """Milliseconds by the clock, and of the processor."""
    started, worked = time.perf_counter(), worked_seconds()
    response = client.get(address)
    b"".join(response)  # also what is streamed
    took = (time.perf_counter() - started) * 1000, (worked_seconds() - worked) * 1000
    assert response.status_code == 200, address
    return took


def worked_seconds() -> float:
    return time.process_time() + (_served_seconds(connection.connection.info.backend_pid) if is_served() else 0)


def is_served() -> bool:
    return connection.vendor == "postgresql" and connection.connection is not None


def _served_seconds(process: int) -> float:
    """What the server's process has worked; 0 where it runs on another machine."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0


def report(short: Figures, long: Figures, quietest: float) -> None:
    print(f"The plain page took {quietest:.1f} ms in the quietest moment.")
    print(f"{'by the clock, processor, quiet: ms':48}{'short history':>24}{'long history':>24}{'queries':>12}")
    for name, figure in long.items():
        before = short[name]
        marks = "  above the goal" if figure.ratio * quietest > GOAL_MS else ""
        marks += "  MORE QUERIES" if figure.queries > before.queries else ""
        times = "".join(
            f"{each.median:>8.1f}{each.processor:>8.1f}{each.ratio * quietest:>8.1f}" for each in (before, figure)
        )
        print(f"{name:48}{times}{before.queries:>8}{figure.queries:>4}{marks}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
