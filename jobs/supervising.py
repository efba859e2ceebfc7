"""Following one process of an attempt: its log, its lease, its progress, and the wish to stop it (DESIGN §5)."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from jobs import logs, progress, rescuing
from jobs.models import Job
from jobs.moving import seconds_from_now
from jobs.preparing import Attempt
from jobs.processes.client import SupervisedProcess
from jobs.processes.kernel import lease_clock
from jobs.processes.protocol import Ended, ExitRecord, LogGrew, Lost
from jobs.processes.record import COMPONENT
from jobs.states import SETTLED, JobStatus
from jobs.wakeups import Listener, Topic, listener
from orchestrations.lib.connections import is_lost

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_SECONDS = 1.0  # how often the row is looked at for a wish to stop, in case its wake-up was lost
SHORT_SECONDS = 0.3  # a process that ends within this costs no listener of its own
DATABASE_RETRY_SECONDS = 0.5


class Drain:
    """What the cluster wants of its workers; shared memory in a cluster, a plain object elsewhere."""

    def claims_no_more(self) -> bool:
        return False

    def must_stop_now(self) -> bool:
        return False


def insist(work: Callable[[], T]) -> T:
    """Do it, however long the database is away: everything a worker writes is fenced, so late does no harm."""
    while True:
        try:
            return work()
        except DatabaseError as error:
            if not is_lost(error):
                raise
            log.warning("The database is away; trying again", exc_info=True)
            connection.close()
            time.sleep(DATABASE_RETRY_SECONDS)


class UnfitMachine(Exception):
    """Nothing can be launched here now: no room on the disk, no processes, no descriptors. Not the job's fault."""


class Watch:
    """Follows one running process: stores its log, renews the lease, passes on the wish to stop."""

    def __init__(
        self, attempt: Attempt, process: SupervisedProcess, *, number: int, drain: Drain, stage: str = COMPONENT
    ) -> None:
        self.attempt = attempt
        self.stage = stage
        self.process = process
        self.number = number
        self.drain = drain
        self.listener: Listener | None = None
        self.started = self.looked = self.renewed = time.monotonic()
        self.progress = progress.Reader(attempt)
        self.record: ExitRecord | None = None
        self.stopping = self.void = self.heard = False

    def to_the_end(self) -> ExitRecord | None:
        """The exit record; None when somebody else owns the job now."""
        try:
            while self.record is None and not self.void:
                self._wait()
                self._take_messages()
                if self.record is None:
                    self._look()
        finally:
            self._stop_listening()
        return None if self.void else self.record

    def _wait(self) -> None:
        running = time.monotonic() - self.started
        timeout = POLL_SECONDS if running > SHORT_SECONDS else SHORT_SECONDS - running + 0.01
        watched: list[int] = [self.process.fileno()]
        self.heard = self._has_heard()
        if self.listener is not None and not self.heard:
            watched.append(self.listener.fileno())
        select.select(watched, [], [], 0 if self.heard else timeout)

    def _has_heard(self) -> bool:
        return self.listener is not None and bool(self._with_database(self.listener.heard))

    def _take_messages(self) -> None:
        for message in self.process.receive():
            if isinstance(message, Ended):
                self.record = message.record
            elif isinstance(message, Lost):
                self.record = rescuing.record_of_lost(self.attempt, self.stage)
            elif isinstance(message, LogGrew):
                self._with_database(lambda: logs.store(self.attempt, number=self.number))

    def _look(self) -> None:
        now = time.monotonic()
        if self.drain.must_stop_now() and not self.stopping:
            self.stopping = True
            self.process.stop("interrupt")
        if now - self.started < SHORT_SECONDS:
            return
        if self.listener is None:
            self._with_database(self._listen)
        heard = self._has_heard() or self.heard
        if now - self.renewed >= settings.HEARTBEAT_SECONDS:
            self._with_database(self._renew)
        elif heard or now - self.looked >= POLL_SECONDS:
            self.looked = now
            self._with_database(self._look_at_row)
            self._with_database(self.progress.copy)

    def _listen(self) -> None:
        heard = listener(Topic.STOP)
        heard.open()
        self.listener = heard
        self._look_at_row()

    def _renew(self) -> None:
        as_of = lease_clock()
        owned = (
            Job.objects.active()
            .filter(pk=self.attempt.job_id, fence=self.attempt.fence)
            .update(lease_until=seconds_from_now(settings.LEASE_SECONDS))
        )
        if owned:
            self.renewed = time.monotonic()
            self.process.renew(as_of)
        self._look_at_row()

    def _look_at_row(self) -> None:
        row = Job.objects.filter(pk=self.attempt.job_id, fence=self.attempt.fence).values_list("status", flat=True)
        status = row.first()
        if status is None or status in SETTLED:
            # Taken over: this process must not go on, and its end is nobody's.
            self.process.stop("lease")
            self.void = True
        elif status == JobStatus.TERMINATING and not self.stopping:
            self.stopping = True
            self.process.stop("terminate")

    def _with_database(self, work: Callable[[], T]) -> T | None:
        """While the database is away the process goes on; its supervisor stops it when the lease gets too old."""
        try:
            return work()
        except DatabaseError as error:
            if not is_lost(error):
                raise
            log.warning("The database is away while job %s runs", self.attempt.job_id)
            connection.close()
            self.listener = None if connection.vendor == "postgresql" else self.listener
            return None

    def _stop_listening(self) -> None:
        if self.listener is not None:
            self._with_database(self.listener.close)
