"""Whether a scheduler is there, in one sentence: for the frame of every page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.conf import settings
from django.db.models import Count, Max, Q, Value

from orchestrations.lib.durations import clock_words
from orchestrations.lib.prepared import Param, Query
from scheduling.models import Scheduler

ALIVE_SECONDS = 15
"""A scheduler reports itself every 5 s; one that was silent for longer counts as dead."""


@dataclass(frozen=True)
class Health:
    schedulers: int
    silent_since: datetime | None = None
    """When the last scheduler was heard; None when one is alive, or none ever was."""

    def problem(self, now: datetime, zone: tzinfo) -> str:
        """Empty while a scheduler is alive."""
        if self.schedulers:
            return ""
        if self.silent_since is None:
            return "no scheduler has ever been alive: schedules and triggers start nothing"
        since = clock_words(self.silent_since, now, zone)
        return f"no scheduler is alive since {since}: schedules and triggers start nothing"


def look(now: datetime) -> Health:
    """One small query."""
    silent_since = now - timedelta(seconds=max(ALIVE_SECONDS, 3 * settings.HEARTBEAT_SECONDS))
    alive, last = _HEARD.first(since=silent_since) or (0, None)
    return Health(alive, None if alive else last)


_HEARD = Query(
    lambda: (
        Scheduler.objects.order_by()
        .values(all=Value(1))
        .annotate(
            alive=Count("pk", filter=Q(stopped_at__isnull=True, heartbeat_at__gt=Param("since"))),
            last=Max("heartbeat_at"),
        )
        .values_list("alive", "last")
    )
)
