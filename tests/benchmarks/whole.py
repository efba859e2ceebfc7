"""What a person gets from ``manage.py up``: how soon the page is there, how soon a run starts, what idling costs."""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks import databases

NAMES = ("up to page", "POST to start", "idle PSS", "idle CPU")
DEADLINE_SECONDS = 60
IDLE_SECONDS = 20
ROUNDS = 30
TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> dict[str, Any]:
    figures: dict[str, Any] = {}
    url = os.environ.get("DATABASE_URL", "")
    kind = "postgresql" if url else "sqlite"
    with databases.made(kind, url) as own, tempfile.TemporaryDirectory(prefix="tutti-bench-up-") as folder:
        began = time.monotonic()
        with up(Path(folder), own) as (process, address):
            until_page(address)
            figures["up to page"] = {"median": (time.monotonic() - began) * 1000}
            figures["POST to start"] = post_to_start(Path(folder), own, address)
            figures |= idle(process.pid)
    return figures


@contextmanager
def up(folder: Path, url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "manage.py", "up", "--no-demo", "--bind", address, "--data", str(folder)]
    process = subprocess.Popen(command, env=environment(folder, url), stdout=sys.stderr)
    try:
        yield process, f"http://{address}"
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def environment(folder: Path, url: str) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    given |= {"TUTTI_DATA": str(folder), "TUTTI_ADMIN_EMAIL": "bench@example.org", "TUTTI_ADMIN_PASSWORD": "b" * 20}
    return given | ({"DATABASE_URL": url} if url else {})


def until_page(address: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                answer.read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


# --- From the request to the process -----------------------------------------------------------


def post_to_start(folder: Path, url: str, address: str) -> dict[str, Any]:
    """From sending ``POST /queue/jobs`` to the first instruction of the first process."""
    command = [sys.executable, "manage.py", "create_token", "--project", "1", "--user", "bench@example.org"]
    token = subprocess.run(
        command, env=environment(folder, url), stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    file = folder / "noted"
    words = ["bash", "--norc", "-c", f"echo $EPOCHREALTIME >> {file}"]
    storage = f"{address}/v2/storage/components"
    one = post(f"{storage}/command/configs", token, name="Note", configuration={"parameters": {"command": words}})
    document = {
        "phases": [{"id": 1, "name": "Only"}],
        "tasks": [{"id": 1, "name": "Note", "phase": 1, "task": {"componentId": "command", "configId": one["id"]}}],
    }
    run = post(f"{storage}/keboola.orchestrator/configs", token, name="Run", configuration=document)
    took = []
    for number in range(ROUNDS):
        began = time.time()
        post(f"{address}/queue/jobs", token, component="keboola.orchestrator", config=run["id"])
        took.append((noted(file, number + 1) - began) * 1000)
    # The first ones warm connections up.
    took = sorted(took[5:])
    return {"median": statistics.median(took), "p95": took[int(len(took) * 0.95)]}


def post(url: str, token: str, **body: Any) -> Any:
    headers = {"X-StorageApi-Token": token, "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read().decode()}") from error


def noted(file: Path, count: int) -> float:
    """The moment that the process noted last, once there are ``count`` of them."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        moments = file.read_text().split() if file.exists() else []
        if len(moments) >= count:
            return float(moments[-1])
        time.sleep(0.005)
    raise SystemExit("A run did not start.")


# --- Doing nothing -----------------------------------------------------------------------------


def idle(root: int) -> dict[str, Any]:
    """Memory (PSS: shared pages counted once) and processor time of everything below ``root``.

    Measured once nothing ends or begins any more: supervisors that have worked stay for some seconds.
    """
    pids: list[int] = [root]
    after: list[int] = []
    while pids != after:
        time.sleep(5)
        pids, began = below(root), time.monotonic()
        before = sum(map(cpu_seconds, pids))
        time.sleep(IDLE_SECONDS)
        after = below(root)
    spent = sum(map(cpu_seconds, pids)) - before
    return {
        "idle PSS": {"median": sum(map(pss_megabytes, pids))},
        "idle CPU": {"median": 100 * spent / (time.monotonic() - began)},
    }


def below(root: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def pss_megabytes(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0
