"""What the processes wrote about themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Line:
    kind: str
    job_id: int
    fence: str
    configuration: str
    pid: int
    at: float


@dataclass(frozen=True)
class Stay:
    """One process from its start to its end, where it lived to write both."""

    configuration: str
    job_id: int
    start: float
    end: float


@dataclass(frozen=True)
class Records:
    lines: list[Line]

    def of_kind(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line.kind == kind]

    def starts_by_job(self) -> dict[int, list[Line]]:
        found: dict[int, list[Line]] = defaultdict(list)
        for line in self.of_kind("S"):
            found[line.job_id].append(line)
        return found

    def stays(self) -> list[Stay]:
        ends = {line.fence: line.at for line in self.of_kind("E")}
        starts = [line for line in self.of_kind("S") if line.fence in ends]
        return [Stay(line.configuration, line.job_id, line.at, ends[line.fence]) for line in starts]


def read(file: Path) -> Records:
    rows = file.read_text().splitlines() if file.exists() else []
    return Records([_line(row.split(" ")) for row in rows])


def _line(fields: list[str]) -> Line:
    kind, job, fence, configuration, pid, at = fields
    return Line(kind, int(job), fence, configuration, int(pid), float(at))


def overlaps(stays: Iterable[Stay]) -> list[str]:
    """Two stays of one configuration at the same time."""
    by_configuration: dict[str, list[Stay]] = defaultdict(list)
    for stay in sorted(stays, key=lambda each: each.start):
        by_configuration[stay.configuration].append(stay)
    return [
        f"{name}: job {earlier.job_id} until {earlier.end:.6f}, job {later.job_id} from {later.start:.6f}"
        for name, found in by_configuration.items()
        for earlier, later in pairwise(found)
        if later.start < earlier.end
    ]


def most_at_once(stays: Iterable[Stay]) -> int:
    steps = [step for stay in stays for step in ((stay.start, 1), (stay.end, -1))]
    running = most = 0
    for _, change in sorted(steps):
        running += change
        most = max(most, running)
    return most
