"""Handing messages over, and trying again (R21): each is claimed with a lease, sent, and its fate written down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import connection, transaction

from jobs.models import Delivery, DeliveryAttempt, DeliveryStatus
from jobs.notifying import leasing
from jobs.notifying.channels import NotAccepted, NotSetUp, chats, mail, webhooks
from orchestrations.lib.connections import is_lost
from orchestrations.models import Channel

log = logging.getLogger(__name__)

SENDERS: dict[str, Callable[[Delivery, datetime], str]] = {
    Channel.EMAIL: mail.send,
    Channel.WEBHOOK: webhooks.send,
    Channel.CHAT: chats.send,
}
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720)]
"""Between one try and the next: the last one is about a day after the first."""
GIVEN_UP = "Its sender ended each time before an answer was written down. It is not tried any more."
"""It may be the message that ends them."""
AT_ONCE = 50
OUTAGE_SECONDS = 60.0
"""For so long an answer is kept in mind while the database is away; less than what is left of the lease then."""
AGAIN_SECONDS = 0.5


def deliver(channel: str, *, clock: Callable[[], datetime], most: int = AT_ONCE) -> int:
    """Send what is due by this channel, one after another; how many were tried. Never raises for one message."""
    tried = 0
    while tried < most:
        delivery = leasing.claim(channel, now=clock())
        if delivery is None:
            break
        hand_over(delivery, clock=clock)
        tried += 1
    return tried


def hand_over(delivery: Delivery, *, clock: Callable[[], datetime]) -> None:
    """Send a claimed message, and write what came of it."""
    if delivery.attempts > len(WAITS):
        return _finish(delivery, DeliveryStatus.FAILED, GIVEN_UP, clock())
    try:
        answer = SENDERS[delivery.channel](delivery, clock())
    except NotSetUp:
        _finish(delivery, DeliveryStatus.KEPT, "No mail server is set up; the message is in the outbox.", clock())
    except leasing.Lost as error:
        # Writes nothing if somebody else has it by now.
        _try_again_later(delivery, str(error), clock(), is_final=False)
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
    field = leasing.RECEIVERS.get(Channel(delivery.channel), "")
    if field and getattr(delivery, field):
        others = leasing.due(delivery.channel, now).filter(**{field: getattr(delivery, field)})
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


def _write(delivery: Delivery, answer: str, now: datetime, *, was_accepted: bool, **fields: object) -> None:
    """Also when the database is away for a moment: what is taken and not written down would be sent twice."""
    given_up_at = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            return _write_once(delivery, answer, now, was_accepted=was_accepted, **fields)
        except DatabaseError as error:
            if not is_lost(error) or connection.in_atomic_block or time.monotonic() > given_up_at:
                raise
            log.warning("The database does not answer: what became of delivery %s waits", delivery.pk)
            # Django does not reconnect outside of a request by itself.
            with suppress(DatabaseError):
                connection.close()
            time.sleep(AGAIN_SECONDS)


@transaction.atomic
def _write_once(delivery: Delivery, answer: str, now: datetime, *, was_accepted: bool, **fields: object) -> None:
    """Only while the lease is ours: a sender that was too slow leaves the message to who has it now."""
    answer = answer.replace("\x00", "")[:2000]
    mine = Delivery.objects.filter(
        pk=delivery.pk, status=DeliveryStatus.WAITING, lease_until=delivery.lease_until
    ).update(lease_until=None, attempts=delivery.attempts + 1, last_answer=answer, **fields)
    if mine:
        DeliveryAttempt.objects.create(delivery=delivery, at=now, was_accepted=was_accepted, answer=answer)
