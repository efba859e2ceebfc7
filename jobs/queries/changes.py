"""What changed in an orchestration since a job of it was created, for who runs it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.models import Job
from orchestrations import queries
from orchestrations.models import ConfigurationVersion

MOST_SENTENCES = 8


@dataclass(frozen=True, kw_only=True)
class Changes:
    """``sentences`` say what is different now, ``more_count`` how many are left out; ``saves``: who changed it when."""

    sentences: list[str] = field(default_factory=list)
    more_count: int = 0
    saves: list[ConfigurationVersion] = field(default_factory=list)


def changes_since(job: Job) -> Changes:
    saves = queries.changes_since(job.configuration, job.configuration_version)
    sentences = _sentences(job) if saves else []
    more_count = max(0, len(sentences) - MOST_SENTENCES)
    return Changes(sentences=sentences[:MOST_SENTENCES], more_count=more_count, saves=saves)


def _sentences(job: Job) -> list[str]:
    """Nothing compares two documents yet; the saves are told instead."""
    return []
