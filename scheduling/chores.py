"""What is done beside the scheduling, and how often: one line here is all that a new item needs.

An item's work takes the moment and does a bounded piece, or gives pieces, between which a stop is heard. It may be cut
off at any instruction and done again; two of them never run at once, unless one takes longer than its lease. Items of
one lane wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from jobs import looking, pruning, tidying
from jobs.notifying import delivering, expanding, leasing, noticing
from orchestrations.models import Channel
from scheduling.models import Evaluation, Firing
from scheduling.processes import reporting

KEEP_FIRINGS = timedelta(days=90)
KEEP_EVALUATIONS = timedelta(days=30)
BATCH = 1000
HOUR = 3600.0
DELIVERY_LANES = {
    f"{channel.value}{number}": channel.value
    for channel, numbers in (
        (Channel.EMAIL, ("", " 2")),
        (Channel.WEBHOOK, ("", " 2", " 3")),
        (Channel.CHAT, ("",)),
    )
    for number in numbers
}
"""Names of lanes, and what each sends. Of mail a second one: a server may take ten minutes to accept a message."""
LOOKING_SECONDS = 20.0
"""For so long the others leave the sending to one scheduler. Not what keeps messages single: each has its own lease."""


@dataclass(frozen=True, kw_only=True)
class Chore:
    """``lease_seconds``: for how long nobody else does it, should whoever has begun it be killed.

    ``has_work``: asked before the lease is taken, so that an item of every second costs nothing but a look.
    """

    name: str
    every_seconds: float
    work: Callable[[datetime], Iterable[object] | None]
    lease_seconds: float = 300
    lane: str = "house"
    has_work: Callable[[datetime], bool] | None = None


def prune(now: datetime) -> None:
    """One batch of everything that is over its time. What lies on a machine's disk its own cluster removes."""
    pruning.prune_rows(now=now)
    reporting.forget_old(now=now)
    old = Firing.objects.filter(at__lt=now - KEEP_FIRINGS).order_by("at")[:BATCH]
    Firing.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    stale = Evaluation.objects.filter(at__lt=now - KEEP_EVALUATIONS).order_by("at")[:BATCH]
    Evaluation.objects.filter(pk__in=list(stale.values_list("pk", flat=True))).delete()


def expand_notices(now: datetime) -> None:
    expanding.expand(now=now)


def notice_long_jobs(now: datetime) -> None:
    noticing.notice_long(now=now)


def release_kept_mails(now: datetime) -> None:
    """A mail server has been set up since."""
    if settings.EMAIL_HOST:
        delivering.release_kept(now=now)


def look_at_tables(now: datetime) -> None:
    looking.look_at_watched()


def tidy_storage(now: datetime) -> None:
    tidying.clean(now=now)


def vacuum(now: datetime) -> None:
    tidying.vacuum(now=now)


def deliver(channel: str, now: datetime) -> Iterator[int]:
    """A message a piece: whoever is asked to stop begins no other, and ends the one at hand."""
    begun = time.monotonic()
    clock = lambda: now + timedelta(seconds=time.monotonic() - begun)  # noqa: E731
    for number in range(delivering.AT_ONCE):
        if not delivering.deliver(channel, clock=clock, most=1):
            return
        yield number


def is_due(channel: str, now: datetime) -> bool:
    return leasing.is_due(channel, now=now)


CHORES = (
    Chore(name="pruning", every_seconds=60, work=prune),
    Chore(name="kept mails", every_seconds=60, work=release_kept_mails),
    Chore(name="longer than usual", every_seconds=10, work=notice_long_jobs, has_work=noticing.is_anything_running),
    Chore(name="notices", every_seconds=1, work=expand_notices, has_work=expanding.is_anything_pending),
    # Tables that other programs write: in folders a glance tells, an object store is asked.
    Chore(
        name="watched tables",
        every_seconds=10,
        work=look_at_tables,
        has_work=lambda now: looking.is_anything_new(),
        lane="storage",
    ),
    Chore(
        name="watched tables in an object store",
        every_seconds=60,
        work=look_at_tables,
        has_work=lambda now: looking.is_in_object_store(),
        lane="storage",
    ),
    Chore(name="storage", every_seconds=HOUR, work=tidy_storage, lease_seconds=HOUR, lane="storage"),
    Chore(name="old revisions", every_seconds=24 * HOUR, work=vacuum, lease_seconds=6 * HOUR, lane="storage"),
    # Lanes of their own: a mail server that stalls delays no webhook, and one webhook not all the others.
    *(
        Chore(
            name=f"deliveries by {lane}",
            every_seconds=1,
            work=partial(deliver, channel),
            has_work=partial(is_due, channel),
            lease_seconds=LOOKING_SECONDS,
            lane=lane,
        )
        for lane, channel in DELIVERY_LANES.items()
    ),
)
