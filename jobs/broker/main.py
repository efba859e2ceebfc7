"""The main process of a cluster: starts django-q2's processes, watches them, stops them, starts anew (DESIGN §5)."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django_q import cluster as q2
from django_q.signals import post_spawn

from jobs import sweeping
from jobs.broker import processes, working
from jobs.broker.pushing import JobBroker
from jobs.broker.shared import cluster
from orchestrations.lib import lifeline
from orchestrations.lib.process_names import name_this

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
STANDSTILL_SECONDS = 2.0
RESTART_SECONDS = 1.0


class MainProcess(q2.Cluster):
    """django-q2's cluster whose signals only leave a note: its own handler may deadlock (ENGINE-NOTES §2e)."""

    asked_to_stop = False
    killed_pusher = 0
    stop_event: processes.SharedFlag

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        self.asked_to_stop = True

    def run(self) -> int:
        """Until asked to stop; returns the exit code. Does not return when the cluster is broken: it starts anew."""
        try:
            self.start()
        except RuntimeError:
            log.exception("The cluster did not come up")
            self._start_anew()
        while not self.asked_to_stop and not lifeline.is_cut(settings.LIFELINE_FD):
            looked = time.monotonic()
            time.sleep(LOOK_SECONDS)
            if time.monotonic() - looked > STANDSTILL_SECONDS:
                # We stood still ourselves, and the others most likely with us (a paused container).
                cluster.guard_beat.touch()
                cluster.pusher_beat.touch()
            broken = self._what_is_broken()
            if broken:
                log.error("%s: killing the cluster's processes and starting anew", broken)
                self._start_anew()
        self._stop_in_time()
        return 0

    def start(self) -> int:
        cluster.guard_beat.touch()
        cluster.pusher_beat.touch()
        pid: int = super().start()
        return pid

    def _what_is_broken(self) -> str:
        """A dead sentinel, or one that stands still; a pusher that has not come round for long (the watchdog)."""
        if not self.sentinel.is_alive():
            return "The sentinel has died"
        if cluster.guard_beat.age_seconds() > settings.WATCHDOG_SECONDS:
            return "The sentinel stands still"
        if cluster.is_wedged.is_set():
            return "Claims do not reach the workers"
        if cluster.pusher_beat.age_seconds() > settings.WATCHDOG_SECONDS and not self._replace_pusher():
            return "The pusher stands still"
        return ""

    def _replace_pusher(self) -> bool:
        """Kill the pusher alone: the sentinel starts another, and no job is interrupted for a long statement's sake.

        False when that is of no use: there is none, or the one killed before has had no successor.
        """
        pid = int(cluster.pusher_pid.value)
        if pid in (0, self.killed_pusher):
            return False
        log.error("The pusher stands still: killing it")
        try:
            # Its number may be another process's by now, but then not one of this group.
            if os.getpgid(pid) == self.sentinel.pid:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            log.info("The pusher has gone already")
        self.killed_pusher = pid
        cluster.pusher_beat.touch()
        return True

    def _stop_in_time(self) -> None:
        """Claim no more, give the jobs their time, then interrupt them, then kill what is left."""
        cluster.drain.no_more.set()
        self.stop_event.set()
        if not self._sentinel_ended_within(settings.STOP_SECONDS):
            cluster.drain.now.set()
            self._sentinel_ended_within(settings.GRACE_SECONDS + 5)
        self._kill_group()
        try:
            sweeping.say_goodbye(cluster.owner)
        except DatabaseError:
            log.exception("Could not write that the cluster has stopped")

    def _sentinel_ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.sentinel.is_alive() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return not self.sentinel.is_alive()

    def _start_anew(self) -> None:
        self._kill_group()
        time.sleep(RESTART_SECONDS)
        if self.asked_to_stop:
            # Asked meanwhile: what is started anew would not know.
            sys.exit(0)
        with suppress(DatabaseError):
            sweeping.say_goodbye(cluster.owner)
        connections.close_all()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606

    def _kill_group(self) -> None:
        """The sentinel leads a group of its own; its processes stay in it when it is dead."""
        try:
            os.killpg(self.sentinel.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        # Reaped here: what is started anew by exec keeps the children, and nobody would.
        self.sentinel.join(RESTART_SECONDS)


def run() -> int:
    """Run one cluster in this process. Returns its exit code."""
    cluster.found()
    processes.install()
    name_this("tutti-cluster")
    # The guard touches its beat whenever it waits for the stop: a flag of its own, made before the cluster's.
    beat = cluster.guard_beat
    q2.Event = lambda: processes.SharedFlag(beat)
    post_spawn.connect(working.on_spawn, dispatch_uid="tutti.nursery")
    connections.close_all()
    return MainProcess(JobBroker()).run()
