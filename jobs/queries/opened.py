"""What an opened task of a run shows below its row: its last log lines, and its tables in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.queries import mapped, sources
from orchestrations.models import Project


@dataclass(frozen=True)
class Opened:
    lines: list[sources.Line]
    tables: mapped.Sides
    """Empty for a run: its own tasks have them."""


def of_jobs(project: Project, ids: Sequence[int]) -> dict[int, Opened]:
    """By id."""
    lines, tables = sources.last_lines(ids), mapped.of_jobs(project, ids)
    return {pk: Opened(lines.get(pk, []), tables.get(pk, mapped.Sides())) for pk in ids}
