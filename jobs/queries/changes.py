"""What changed in an orchestration since a job of it was created, for who runs it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.models import Job
from orchestrations import queries
from orchestrations.models import ConfigurationVersion


@dataclass(frozen=True, kw_only=True)
class Changes:
    """``sentences`` say what is different now; ``saves`` who changed it when, newest first."""

    sentences: list[str] = field(default_factory=list)
    saves: list[ConfigurationVersion] = field(default_factory=list)


def changes_since(job: Job) -> Changes:
    saves = queries.changes_since(job.configuration, job.configuration_version)
    return Changes(sentences=_sentences(job) if saves else [], saves=saves)


def _sentences(job: Job) -> list[str]:
    """Nothing compares two documents yet; the saves are told instead."""
    return []
