"""Handing messages over, and trying again (R21): each is claimed with a lease, sent, and its fate written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobs.models import Delivery, DeliveryAttempt, DeliveryStatus
from jobs.moving import seconds_from_now
from jobs.notifying.channels import NotAccepted, NotSetUp, chats, mail, webhooks
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Channel

log = logging.getLogger(__name__)

SENDERS: dict[str, Callable[[Delivery, datetime], str]] = {
    Channel.EMAIL: mail.send,
    Channel.WEBHOOK: webhooks.send,
    Channel.CHAT: chats.send,
}
LEASE = timedelta(minutes=2)
"""Longer than any sender takes; one that was killed has its message sent again after it."""
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720)]
"""Between one try and the next: the last one is about a day after the first."""
AT_ONCE = 50
RECEIVERS = {Channel.WEBHOOK: "address", Channel.CHAT: "subscription"}
"""By which field two messages have one receiver, where each channel has many. The addresses of chats are shortened."""


def deliver(channel: str, *, clock: Callable[[], datetime], most: int = AT_ONCE) -> int:
    """Send what is due by this channel, one after another; how many were tried. Never raises for one message."""
    tried = 0
    while tried < most:
        delivery = claim(channel, now=clock())
        if delivery is None:
            break
        hand_over(delivery, clock=clock)
        tried += 1
    return tried


def is_due(channel: str, *, now: datetime) -> bool:
    return bool(_ANY_DUE.rows(channel=channel, now=now))


def claim(channel: str, *, now: datetime) -> Delivery | None:
    """The next one that is due, for this process alone while the lease lasts; None when there is none.

    What was tried least comes first: the many messages to a receiver that is dead delay no first try to another. One
    receiver gets one message at a time: if it stalls, it holds up a single sender.
    """
    due = _due(channel, now)
    if channel in RECEIVERS:
        sent = {RECEIVERS[Channel(channel)]: OuterRef(RECEIVERS[Channel(channel)])}
        due = due.exclude(Exists(Delivery.objects.filter(channel=channel, lease_until__gte=Now(), **sent)))
    for delivery_id in due.order_by("attempts", "next_attempt_at", "pk").values_list("pk", flat=True)[:5]:
        if due.filter(pk=delivery_id).update(lease_until=seconds_from_now(LEASE.total_seconds())):
            return Delivery.objects.select_related("subscription", "user").get(pk=delivery_id)
    return None


def _due(channel: str | Param, now: datetime | Param) -> QuerySet[Delivery]:
    # By the database's clock: a scheduler whose own is ahead must not send what another is sending.
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return Delivery.objects.filter(free, channel=channel, status=DeliveryStatus.WAITING, next_attempt_at__lte=now)


def hand_over(delivery: Delivery, *, clock: Callable[[], datetime]) -> None:
    """Send a claimed message, and write what came of it."""
    try:
        answer = SENDERS[delivery.channel](delivery, clock())
    except NotSetUp:
        _finish(delivery, DeliveryStatus.KEPT, "No mail server is set up; the message is in the outbox.", clock())
    except NotAccepted as error:
        now = clock()
        _try_again_later(delivery, error.answer, now, is_final=error.is_final)
        if error.is_silent:
            _spare(delivery, now)
    except Exception as error:
        log.exception("Delivery %s failed", delivery.pk)
        _try_again_later(delivery, f"Internal error: {type(error).__name__}.", clock(), is_final=False)
    else:
        _finish(delivery, DeliveryStatus.SENT, answer, clock())


def release_kept(*, now: datetime) -> int:
    """Send what was kept while no mail server was set up, if it is not older than a week; how many."""
    kept = Delivery.objects.filter(status=DeliveryStatus.KEPT, created_at__gte=now - timedelta(days=7))
    return kept.update(status=DeliveryStatus.WAITING, next_attempt_at=now, lease_until=None)


def _try_again_later(delivery: Delivery, answer: str, now: datetime, *, is_final: bool) -> None:
    if is_final or delivery.attempts >= len(WAITS):
        _finish(delivery, DeliveryStatus.FAILED, answer, now)
        return
    _write(
        delivery,
        answer,
        now,
        was_accepted=False,
        status=DeliveryStatus.WAITING,
        next_attempt_at=now + WAITS[delivery.attempts],
    )


def _spare(delivery: Delivery, now: datetime) -> None:
    """What else waits for a receiver that says nothing waits a while, untried: others are not to wait for it too."""
    field = RECEIVERS.get(Channel(delivery.channel), "")
    if field and getattr(delivery, field):
        others = _due(delivery.channel, now).filter(**{field: getattr(delivery, field)})
        others.update(next_attempt_at=now + WAITS[0])


def _finish(delivery: Delivery, status: DeliveryStatus, answer: str, now: datetime) -> None:
    _write(
        delivery,
        answer,
        now,
        was_accepted=status == DeliveryStatus.SENT,
        status=status,
        finished_at=None if status == DeliveryStatus.KEPT else now,
    )


@transaction.atomic
def _write(delivery: Delivery, answer: str, now: datetime, *, was_accepted: bool, **fields: object) -> None:
    """Only while the lease is ours: a sender that was too slow leaves the message to who has it now."""
    answer = answer.replace("\x00", "")[:2000]
    mine = Delivery.objects.filter(
        pk=delivery.pk, status=DeliveryStatus.WAITING, lease_until=delivery.lease_until
    ).update(lease_until=None, attempts=delivery.attempts + 1, last_answer=answer, **fields)
    if mine:
        DeliveryAttempt.objects.create(delivery=delivery, at=now, was_accepted=was_accepted, answer=answer)


# Asked every second, whether there is anything or not: compiled once.
_ANY_DUE = Query(lambda: _due(Param("channel"), Param("now")).values_list("pk")[:1])
