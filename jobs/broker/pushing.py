"""The broker: what django-q2's pusher asks for work."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone
from django_q.brokers import Broker
from django_q.signing import SignedPackage

from jobs import claiming
from jobs.broker.shared import cluster
from jobs.claiming import Claim
from jobs.sweeping import Sweeper
from jobs.wakeups import Listener, Topic, listener
from orchestrations.lib.process_names import name_this

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""The longest sleep: a wake-up may be lost, and the stop of the cluster waits for it."""
UNDELIVERED_CLAIMS = 3
"""So many claims run out one after another, although workers were free, before the cluster is held for wedged."""
TASK = "jobs.broker.working.perform"


class JobBroker(Broker):
    """Claims straight from the Job table, never more than this cluster has free workers."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key or "tutti")
        self._listener: Listener | None = None
        self._sweeper: Sweeper | None = None

    def dequeue(self) -> list[tuple[None, str]] | None:
        """Claims as packages, after at most a second. Never raises: an exception would cost a sleep of 10 s."""
        cluster.pusher_pid.value = os.getpid()
        cluster.pusher_beat.touch()
        try:
            return self._dequeue()
        except Exception:
            log.exception("The pusher could not look for work")
            # The workers could not write that they have begun either: they get their time once more.
            cluster.begun_beat.touch()
            self._forget_connection()
            time.sleep(LOOK_SECONDS)
            return None

    def _dequeue(self) -> list[tuple[None, str]] | None:
        # Listening comes before looking: what is committed in between is heard.
        heard = self._open_listener()
        self._sweep_when_due()
        if self._sweeper is not None and self._sweeper.rescuer.taken:
            taken, self._sweeper.rescuer.taken = self._sweeper.rescuer.taken, []
            return [(None, _package(claim)) for claim in taken]
        if cluster.drain.claims_no_more():
            time.sleep(0.05)
            return None
        claims = claiming.claim(cluster.claimant(), now=timezone.now())
        if claims:
            return [(None, _package(claim)) for claim in claims]
        heard.wait(self._sweeper.seconds_to_next() if self._sweeper else LOOK_SECONDS)
        return None

    def _open_listener(self) -> Listener:
        if self._listener is None:
            self._listener = listener(Topic.WORK)
        self._listener.open()
        return self._listener

    def _sweep_when_due(self) -> None:
        if self._sweeper is None:
            name_this("tutti-pusher")
            self._sweeper = Sweeper(cluster.owner)
        self._sweeper.sweep_when_due()
        rescuer = self._sweeper.rescuer
        if cluster.begun_beat.age_seconds() < settings.CLAIM_LEASE_SECONDS:
            rescuer.has_delivered()
        elif rescuer.undelivered >= UNDELIVERED_CLAIMS:
            cluster.is_wedged.set()

    def _forget_connection(self) -> None:
        """Django does not reconnect outside of a request by itself."""
        try:
            connection.close()
        except DatabaseError:
            log.exception("Could not close the broken connection")
        if connection.vendor == "postgresql":
            self._listener = None

    def enqueue(self, task: str) -> Any:
        raise NotImplementedError("Jobs are created by jobs.launching; nothing else is queued.")

    def acknowledge(self, task_id: Any) -> None:
        """The job's own row says how it ended."""

    def fail(self, task_id: Any) -> None:
        """The claim's lease runs out, and the job waits again."""

    def queue_size(self) -> int:
        return 0

    def lock_size(self) -> int:
        return 0

    def delete_queue(self) -> None:
        """There is none."""

    def purge_queue(self) -> None:
        """There is none."""

    def ping(self) -> bool:
        return True

    def info(self) -> str:
        return f"Tutti's jobs ({settings.WORKERS} workers)"

    @staticmethod
    def get_connection(list_key: str | None = None) -> None:
        return None


def _package(claim: Claim) -> str:
    """Ids only: the payload of django-q2 is a signed pickle."""
    name = f"job {claim.job_id}"
    package = {
        "id": claim.fence,
        "name": name,
        "func": TASK,
        "args": (claim.job_id, claim.fence),
        "kwargs": {},
        "started": timezone.now(),
    }
    return str(SignedPackage.dumps(package))
