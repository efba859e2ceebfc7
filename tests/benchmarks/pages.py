"""Server time of every page and of many queries, with a short and with a long history, on the database of DATABASE_URL.

Usage: ``TUTTI_DATA=<empty folder> python -m tests.benchmarks.pages [--jobs 1000000] [--rounds 15]``. The pages are
those of the sweep (tests/pages/test_everybody.py), so that a new one is measured as soon as it is listed there. The
goal is 30 ms. Figures: the best and the median of the rounds; on a busy machine only the best means anything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from urllib.parse import urlencode

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment
from django.urls import reverse

from tests.benchmarks.seed import fill, prepare  # first: it sets Django up  # isort: skip
from jobs.models import Job
from tests.pages.test_everybody import PAGES, arguments
from tests.pages.world import World

SHORT = 1_000
GOAL_MS = 30
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
    'configuration:"Load 3" -status:success',
    "created:[-60d TO -50d]",
    "created:<-100d status:success",
    "-status:success",
    "status:error OR status:warning",
    "is:partial",
    "cause:trigger",
    "no-such-name",
    "status:processing",
    "run:2000",
    "id:<500 is:run",
]
Figures = dict[str, tuple[float, float, int]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--orchestrations", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    setup_test_environment()
    world = prepare(options.orchestrations, 5000)
    fill(world.project, SHORT)
    short = measure(world, options.rounds)
    started = time.monotonic()
    fill(world.project, options.jobs - SHORT)
    print(f"{connection.vendor}: {options.jobs} jobs, filled in {time.monotonic() - started:.0f} s")
    report(short, measure(world, options.rounds))
    return 0


def addresses(world: World) -> dict[str, str]:
    """By what the table calls them; the list of jobs also far down and with each query."""
    found = {name: reverse(name, args=arguments(name, world)) for name, page in PAGES.items() if "GET" in page.methods}
    jobs = found["jobs"]
    middle = Job.objects.order_by("-pk").values_list("pk", flat=True)[0] // 2
    found |= {"jobs, far down": f"{jobs}?before={middle}", "jobs, back up": f"{jobs}?after={middle}"}
    return found | {f"jobs, {query}": f"{jobs}?{urlencode({'q': query})}" for query in QUERIES}


def measure(world: World, rounds: int) -> Figures:
    """Best and median milliseconds and the number of queries."""
    client = Client()
    client.force_login(world.project.memberships.get(role="admin").user)
    figures = {}
    for name, address in addresses(world).items():
        ask(client, address)
        with CaptureQueriesContext(connection) as captured:
            ask(client, address)
        queries = len(captured)
        took = [ask(client, address) for _ in range(rounds)]
        figures[name] = (min(took), statistics.median(took), queries)
    return figures


def ask(client: Client, address: str) -> float:
    started = time.perf_counter()
    response = client.get(address)
    b"".join(response)  # also what is streamed
    took = (time.perf_counter() - started) * 1000
    assert response.status_code == 200, address
    return took


def report(short: Figures, long: Figures) -> None:
    print(f"{'best and median, ms':48}{'short history':>18}{'long history':>18}{'queries':>12}")
    for name, (best, median, queries) in long.items():
        before = short[name]
        marks = ("  above the goal" if best > GOAL_MS else "") + ("  MORE QUERIES" if queries > before[2] else "")
        times = f"{before[0]:>9.1f}{before[1]:>9.1f}{best:>9.1f}{median:>9.1f}"
        print(f"{name:48}{times}{before[2]:>8}{queries:>4}{marks}")


if __name__ == "__main__":
    sys.exit(main())
