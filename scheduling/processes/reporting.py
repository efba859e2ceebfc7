"""Heartbeats of schedulers: for the health dot, not for any decision."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from jobs import machine
from jobs.locking import retried
from scheduling.models import Scheduler

KEEP = timedelta(days=7)


@retried
def report(owner: str) -> None:
    """Write that this scheduler lives."""
    now = timezone.now()
    if not Scheduler.objects.filter(owner=owner).update(heartbeat_at=now, stopped_at=None):
        Scheduler.objects.create(owner=owner, host=machine.name(), started_at=now, heartbeat_at=now)


@retried
def say_goodbye(owner: str) -> None:
    """Write that this scheduler has stopped: nobody waits for its next heartbeat."""
    Scheduler.objects.filter(owner=owner).update(stopped_at=timezone.now())


def forget_old(*, now: datetime) -> None:
    Scheduler.objects.filter(heartbeat_at__lt=now - KEEP).delete()
