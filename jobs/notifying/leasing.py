"""Who sends which message (R21): each is one sender's while its lease lasts, by the database's clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from jobs.models import Delivery, DeliveryAttempt, DeliveryStatus
from jobs.moving import seconds_from_now
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Channel

LEASE = timedelta(minutes=2)
"""Longer than any sender takes; who waits longer for a receiver's answer takes a longer one first (``extend``)."""
RECEIVERS = {Channel.WEBHOOK: "address", Channel.CHAT: "subscription"}
"""By which field two messages have one receiver, where each channel has many. The addresses of chats are shortened."""
CUT_OFF = (
    "Its sender ended before an answer was written down. It may have arrived; it is sent again as the same message."
)


class Lost(Exception):
    """The lease has run out: somebody else may be sending the message. The text is for the user."""


def claim(channel: str, *, now: datetime) -> Delivery | None:
    """The next one that is due, for this process alone while the lease lasts; None when there is none.

    What was tried least comes first: the many messages to a receiver that is dead delay no first try to another. One
    receiver gets one message at a time: if it stalls, it holds up a single sender.
    """
    found = due(channel, now)
    if channel in RECEIVERS:
        found = found.exclude(**{f"{RECEIVERS[Channel(channel)]}__in": _busy(Channel(channel))})
    first = found.order_by("attempts", "next_attempt_at", "pk").values_list("pk", "lease_until")[:5]
    for delivery_id, lease_until in first:
        if _take(found.filter(pk=delivery_id), delivery_id, now, was_cut_off=lease_until is not None):
            return Delivery.objects.select_related("subscription", "user").get(pk=delivery_id)
    return None


def _busy(channel: Channel) -> QuerySet[Delivery, Any]:
    """The receivers that are being sent to. Asked once, not for each message; only what waits can have a lease."""
    field = RECEIVERS[channel]
    sent = Delivery.objects.filter(channel=channel, status=DeliveryStatus.WAITING, lease_until__gte=Now())
    # A missing one among them would be like every other. IS NOT NULL makes SQLite look by the field, through them all.
    return sent.exclude(**{f"{field}__isnull": True}).values(field)


@transaction.atomic
def _take(free: QuerySet[Delivery], delivery_id: int, now: datetime, *, was_cut_off: bool) -> bool:
    """Whether it was still free. That a sender before us was killed stands in the log then, as a try of its own."""
    if not free.update(lease_until=seconds_from_now(LEASE.total_seconds()), attempts=F("attempts") + int(was_cut_off)):
        return False
    if was_cut_off:
        DeliveryAttempt.objects.create(delivery_id=delivery_id, at=now, was_accepted=False, answer=CUT_OFF)
    return True


def extend(delivery: Delivery, *, seconds: float) -> None:
    """Have it for this much longer than LEASE, from now on. Raises Lost: then it must not be sent."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, status=DeliveryStatus.WAITING, lease_until=delivery.lease_until, lease_until__gte=Now()
    )
    if not mine.update(lease_until=seconds_from_now(seconds + LEASE.total_seconds())):
        raise Lost("Its sender had to wait for too long, and did not hand it over.")
    delivery.refresh_from_db(fields=["lease_until"])


def is_due(channel: str, *, now: datetime) -> bool:
    return bool(_ANY_DUE.rows(channel=channel, now=now))


def due(channel: str | Param, now: datetime | Param) -> QuerySet[Delivery]:
    # By the database's clock: a scheduler whose own is ahead must not send what another is sending.
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return Delivery.objects.filter(free, channel=channel, status=DeliveryStatus.WAITING, next_attempt_at__lte=now)


# Asked every second, whether there is anything or not: compiled once.
_ANY_DUE = Query(lambda: due(Param("channel"), Param("now")).values_list("pk")[:1])
