"""What the processes of one cluster know about it. Filled by its main process, inherited by fork."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from uuid import uuid4

from django.conf import settings

from jobs import machine
from jobs.broker.processes import SharedFlag, SharedMoment, SharedNumber
from jobs.claiming import Claimant
from jobs.supervising import Drain


class SharedDrain(Drain):
    def __init__(self) -> None:
        self.no_more = SharedFlag()
        self.now = SharedFlag()

    def claims_no_more(self) -> bool:
        return self.no_more.is_set()

    def must_stop_now(self) -> bool:
        return self.now.is_set()


@dataclass
class ClusterState:
    owner: str = ""
    drain: SharedDrain = field(default_factory=SharedDrain)
    pusher_beat: SharedMoment = field(default_factory=SharedMoment)
    pusher_pid: SharedNumber = field(default_factory=lambda: SharedNumber("d", 0))
    """Of the pusher that last came round, 0 before the first."""
    guard_beat: SharedMoment = field(default_factory=SharedMoment)
    begun_beat: SharedMoment = field(default_factory=SharedMoment)
    """When a worker last took a claim up."""
    is_wedged: SharedFlag = field(default_factory=SharedFlag)

    def found(self) -> None:
        """A cluster of its own: a name of the machine, its main process and something unique, and memory that it shares
        with nobody. The launcher forks one cluster after another, and what is here was made before the fork."""
        vars(self).update(vars(ClusterState()))  # in place, as many modules hold it
        self.owner = f"{machine.name()}/{machine.process_name()}/{uuid4().hex[:8]}"

    def claimant(self, worker: str = "") -> Claimant:
        return Claimant(owner=self.owner, workers=settings.WORKERS, labels=tuple(settings.WORKER_LABELS), worker=worker)


cluster = ClusterState()


def this_process() -> str:
    return machine.process_name(os.getpid())
