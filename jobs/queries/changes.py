"""What changed in an orchestration since a job of it was created, for who runs it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.models import Job
from orchestrations import history, queries
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
    if job.configuration is None or job.configuration_version is None:
        return []
    old = history.find_version(job.configuration, job.configuration_version)
    new = history.find_version(job.configuration, job.configuration.version)
    return [change.sentence for change in history.compare(old, new)] if old and new else []
