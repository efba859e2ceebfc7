"""Whether the parts of the system are there, workers and schedulers: for the dot of health and for monitors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from jobs import health as jobs_health
from scheduling import health as scheduling_health


@dataclass(frozen=True)
class Health:
    jobs: jobs_health.Health
    scheduling: scheduling_health.Health

    @property
    def is_good(self) -> bool:
        return bool(self.jobs.workers and self.scheduling.schedulers)

    def sentence(self, now: datetime, zone: tzinfo) -> str:
        """The first thing that is wrong, else how many workers are free."""
        problem = self.scheduling.problem(now, zone) if self.jobs.workers else ""
        return problem or self.jobs.sentence(now, zone)

    def figures(self) -> dict[str, object]:
        return {
            "database": "reachable",
            "workers": self.jobs.workers,
            "freeWorkers": self.jobs.free,
            "noWorkerSince": _iso(self.jobs.silent_since),
            "schedulers": self.scheduling.schedulers,
            "noSchedulerSince": _iso(self.scheduling.silent_since),
        }


def look(now: datetime, *, workers: jobs_health.Health | None = None) -> Health:
    """``workers``: what the page has asked for already."""
    return Health(workers or jobs_health.look(now), scheduling_health.look(now))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
