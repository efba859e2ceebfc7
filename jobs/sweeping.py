"""What a cluster does beside its jobs, once a second: the net under everything that a wake-up or a commit should do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from jobs import advancing, circles, machine, pruning
from jobs.locking import retried, under_root
from jobs.models import Cluster, Job
from jobs.rescuing import Rescuer

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
PRUNE_EVERY_SECONDS = 60.0


class Sweeper:
    """The sweeps of one cluster. One that fails hinders no other."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.rescuer = Rescuer(owner)
        self._due: dict[str, float] = {}

    def seconds_to_next(self) -> float:
        return max(0.0, min([EVERY_SECONDS, *(moment - time.monotonic() for moment in self._due.values())]))

    def sweep_when_due(self) -> None:
        self._every(settings.HEARTBEAT_SECONDS, self._report)
        self._every(EVERY_SECONDS, self._look_after_unsettled)
        self._every(PRUNE_EVERY_SECONDS, self._prune)

    def _every(self, seconds: float, work: Callable[[], object]) -> None:
        now = time.monotonic()
        if now < self._due.get(work.__name__, 0):
            return
        self._due[work.__name__] = now + seconds
        self._try(work)

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except DatabaseError:
            raise
        except Exception:
            log.exception("The sweep %s failed", work.__name__)

    def _look_after_unsettled(self) -> None:
        """Idle, one small question stands for three large ones."""
        if Job.objects.unsettled().exists():
            for work in (self._start_runs, self.rescuer.rescue, self._open_circles):
                self._try(work)

    def _report(self) -> None:
        report(self.owner)

    def _start_runs(self) -> None:
        advancing.start_waiting_runs(now=timezone.now())

    def _open_circles(self) -> None:
        found = circles.youngest_in_a_circle(timezone.now())
        if found is not None:
            open_circle(*found)

    def _prune(self) -> None:
        pruning.prune_folders(now=timezone.now())


def report(owner: str) -> None:
    """Write that this cluster lives (R7, the health dot)."""
    now = timezone.now()
    Cluster.objects.update_or_create(
        owner=owner,
        defaults={
            "host": machine.name(),
            "workers": settings.WORKERS,
            "labels": settings.WORKER_LABELS,
            "heartbeat_at": now,
            "stopped_at": None,
        },
        create_defaults={
            "host": machine.name(),
            "workers": settings.WORKERS,
            "labels": settings.WORKER_LABELS,
            "started_at": now,
            "heartbeat_at": now,
        },
    )


@retried
def say_goodbye(owner: str) -> None:
    """Write that this cluster has stopped: nobody counts on its workers any more (R7)."""
    Cluster.objects.filter(owner=owner).update(stopped_at=timezone.now())


@retried
def open_circle(job: Job, sentence: str) -> None:
    """End the youngest of runs that wait for each other, so that the others go on."""
    with under_root(job.lock_id):
        advancing.refuse(job, sentence, timezone.now())
