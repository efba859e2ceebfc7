"""Whether the workers are there, in one sentence: for the frame of every page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.db.models import Count

from jobs import waiting
from jobs.models import Job
from orchestrations.lib.among import Among
from orchestrations.lib.durations import clock_words
from orchestrations.lib.prepared import Query


@dataclass(frozen=True)
class Health:
    workers: int
    busy: int
    silent_since: datetime | None = None
    """When the last worker was heard; None when one is alive, or none ever was."""

    @property
    def free(self) -> int:
        return max(0, self.workers - self.busy)

    def sentence(self, now: datetime, zone: tzinfo) -> str:
        if self.workers:
            return f"{self.free} of {self.workers} workers free"
        if self.silent_since is None:
            return "no worker has ever been alive"
        return f"no worker is alive since {clock_words(self.silent_since, now, zone)}"


def look(now: datetime) -> Health:
    """Two small queries."""
    clusters = waiting.alive_clusters(now)
    if not clusters:
        return Health(workers=0, busy=0, silent_since=waiting.last_heartbeat())
    busy = sum(_BUSY.values(owners=[cluster.owner for cluster in clusters]))
    return Health(workers=sum(cluster.workers for cluster in clusters), busy=busy)


_BUSY = Query(
    lambda: (
        Job.objects.active()
        .filter(Among("owner", "owners", "text"))
        .order_by()
        .values("finished_at")
        .annotate(count=Count("pk"))
        .values_list("count")
    )
)
