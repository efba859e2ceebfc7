"""How many jobs a second ``POST /queue/jobs`` takes, with gunicorn as ``up`` starts it and no worker beside it.

16 clients, each in a connection that it keeps, in processes of their own: what they cost is not the server's.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.db import connections

from orchestrations import tokens
from orchestrations.models import Project
from tests import builders

NAMES = ("POST at 200/s", "POST rate", "POST errors")
CLIENTS, PROCESSES = 16, 2
SECONDS = 15
WARM_UP = 20
"""Requests of each client that are not counted."""
PER_SECOND = 200
"""What they ask for together; what is not kept shows as a lower rate."""

Took = list[tuple[float, int]]
"""Seconds and the status of the answer, of each request; 0 for none."""


def measure(project: Project) -> dict[str, Any]:
    """Jobs of 20 orchestrations, as programs start them."""
    tasks = [builders.task(builders.build_configuration(project, command=["/bin/true"]))]
    keys = [builders.build_orchestration(project, tasks).key for _ in range(20)]
    owner = project.memberships.get().user
    _, token = tokens.create_personal(project, owner, description="Benchmark", now=builders.NOW)
    with served() as address:
        paced = _ask(address, token, keys, PER_SECOND)
        free = _ask(address, token, keys, 0)
    return {
        "POST at 200/s": _summary(paced),
        "POST rate": {"median": len(free) / SECONDS, "samples": len(free)},
        "POST errors": {"median": sum(status != 201 for _, status in paced + free)},
    }


@contextmanager
def served() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:orchestration_site.web"]
    process = subprocess.Popen(command, env={**os.environ, "TUTTI_BIND": address}, stdout=sys.stderr)
    try:
        _until_there(address)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _until_there(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(_pair(address), timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _ask(address: str, token: str, keys: list[str], per_second: float) -> Took:
    """All clients together ask so often, 0: as often as they get answers."""
    given = [(address, token, keys, per_second / CLIENTS, number) for number in range(CLIENTS)]
    connections.close_all()
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        parts = pool.map(_clients, [given[place::PROCESSES] for place in range(PROCESSES)], chunksize=1)
    return [each for part in parts for each in part]


def _clients(given: list[tuple[str, str, list[str], float, int]]) -> Took:
    # Threads: they wait for answers nearly all of their time.
    with ThreadPoolExecutor(len(given)) as threads:
        return [each for took in threads.map(_client, given) for each in took]


def _client(given: tuple[str, str, list[str], float, int]) -> Took:
    address, token, keys, per_second, number = given
    connection = http.client.HTTPConnection(*_pair(address), timeout=30)
    headers = {"X-StorageApi-Token": token, "Content-Type": "application/json"}
    bodies = [json.dumps({"component": "keboola.orchestrator", "config": key}) for key in keys]
    for place in range(WARM_UP):
        _post(connection, bodies[place % len(bodies)], headers)
    took: Took = []
    began = time.monotonic() + number / CLIENTS / (per_second or 1)
    while (now := time.monotonic()) < began + SECONDS:
        if per_second and now < (due := began + len(took) / per_second):
            time.sleep(due - now)
        sent = time.monotonic()
        status = _post(connection, bodies[(number + len(took)) % len(bodies)], headers)
        took.append((time.monotonic() - sent, status))
    return took


def _post(connection: http.client.HTTPConnection, body: str, headers: dict[str, str]) -> int:
    try:
        connection.request("POST", "/queue/jobs", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


def _summary(took: Took) -> dict[str, Any]:
    ordered = sorted(seconds * 1000 for seconds, _ in took)
    middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    return {"median": middle, "p95": high, "samples": len(ordered), "per_second": len(ordered) / SECONDS}


def _pair(address: str) -> tuple[str, int]:
    parts = urlsplit(f"//{address}")
    return parts.hostname or "127.0.0.1", parts.port or 80
