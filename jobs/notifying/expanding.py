"""From a notice to its deliveries: who is told, and what (R20). Each notice in a transaction of its own."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from jobs.models import Delivery, DeliveryStatus, Job, Notice
from jobs.notifying import messages, routing
from jobs.notifying.noticing import concerns
from jobs.notifying.routing import PERSONAL_OVERTIME_PERCENT, Audience
from orchestrations import access
from orchestrations.lib.prepared import Query
from orchestrations.models import AccountMail, Channel, EventType, Subscription, User

log = logging.getLogger(__name__)
AT_ONCE = 100
WISHES = {
    EventType.FAILED: "mail_on_error",
    EventType.WARNING: "mail_on_warning",
    EventType.SUCCEEDED: "mail_on_success",
    EventType.LONG: "mail_on_long",
}
CANNOT_BE_WRITTEN = "The message could not be written. The log of the scheduler says more."


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Where one message goes; ``user`` when it is somebody's with an account, whose time zone then counts."""

    channel: str
    address: str
    user: User | None = None
    subscription: Subscription | None = None


def is_anything_pending(now: datetime) -> bool:
    return any(question.rows() for question in _PENDING)


def expand(*, now: datetime) -> int:
    """Make the deliveries of what has been noticed since; how many notices. One that fails hinders no other."""
    done = 0
    for notice_id in (
        Notice.objects.filter(expanded_at__isnull=True).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    ):
        done += _tried(notice_id, now)
    for mail_id in (
        AccountMail.objects.filter(expanded_at__isnull=True).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    ):
        done += _expand_mail(mail_id, now)
    return done


def recipients_of(notice: Notice, now: datetime) -> list[Recipient]:
    """Everybody who is to be told, each address once."""
    job = notice.job
    audience = routing.audience(job.cause, is_root=job.parent_id is None)
    if audience == Audience.NOBODY:
        return []
    found = _person(notice) if audience == Audience.PERSON else _subscribed(notice, now)
    first: dict[tuple[str, str], Recipient] = {}
    for recipient in found:
        first.setdefault((recipient.channel, _identity(recipient)), recipient)
    return list(first.values())


def _tried(notice_id: int, now: datetime) -> bool:
    try:
        return _expand(notice_id, now)
    except Exception:
        log.exception("Notice %s could not be expanded", notice_id)
        return False


@transaction.atomic
def _expand(notice_id: int, now: datetime) -> bool:
    """False when another process was first."""
    mine = Notice.objects.filter(pk=notice_id, expanded_at__isnull=True).update(expanded_at=now)
    if not mine:
        return False
    notice = Notice.objects.select_related("job__project", "job__configuration", "job__created_by").get(pk=notice_id)
    story = messages.story_of(notice)
    for recipient in recipients_of(notice, now):
        _delivery(notice, recipient, story, now).save(force_insert=True)
    return True


def _delivery(notice: Notice, recipient: Recipient, story: messages.Story, now: datetime) -> Delivery:
    delivery = Delivery(
        project=notice.job.project,
        notice=notice,
        subscription=recipient.subscription,
        user=recipient.user,
        channel=recipient.channel,
        address=recipient.address,
        encrypted_address=recipient.subscription.encrypted_address if recipient.subscription else "",
        message_id=new_message_id(),
        next_attempt_at=now,
        created_at=now,
    )
    try:
        messages.write(delivery, story)
    except Exception:
        log.exception("The message to %s about notice %s could not be written", recipient.address, notice.pk)
        delivery.status = DeliveryStatus.FAILED
        delivery.last_answer = CANNOT_BE_WRITTEN
        delivery.finished_at = now
    return delivery


def new_message_id() -> str:
    """Of a mail its Message-ID without the brackets, of a webhook its id: the same at every try."""
    return f"{secrets.token_hex(16)}@{settings.MAIL_DOMAIN}"


def _person(notice: Notice) -> Iterator[Recipient]:
    job: Job = notice.job
    person = job.created_by
    if person is None or not person.is_active or access.role_of(person, job.project) is None:
        return
    if notice.event == EventType.LONG and notice.overtime_percent != PERSONAL_OVERTIME_PERCENT:
        return
    if getattr(person, WISHES[EventType(notice.event)]):
        yield Recipient(channel=Channel.EMAIL, address=person.email, user=person)


def _subscribed(notice: Notice, now: datetime) -> Iterator[Recipient]:
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    wanted = Subscription.objects.filter(live, project=notice.job.project_id, event=notice.event).order_by("pk")
    if notice.event == EventType.LONG:
        wanted = wanted.filter(overtime_percent=notice.overtime_percent)
    concerned = [each for each in wanted if concerns(each, notice.job)]
    addresses = [each.address.lower() for each in concerned if each.channel == Channel.EMAIL]
    users = {user.email: user for user in User.objects.filter(email__in=addresses)} if addresses else {}
    for each in concerned:
        user = users.get(each.address.lower()) if each.channel == Channel.EMAIL else None
        if user is None or user.is_active:
            yield Recipient(channel=each.channel, address=each.address, user=user, subscription=each)


def _identity(recipient: Recipient) -> str:
    """What makes two recipients one; two chats may look alike."""
    if recipient.channel == Channel.CHAT and recipient.subscription is not None:
        return str(recipient.subscription.pk)
    return recipient.address.lower() if recipient.channel == Channel.EMAIL else recipient.address


@transaction.atomic
def _expand_mail(mail_id: int, now: datetime) -> bool:
    mine = AccountMail.objects.filter(pk=mail_id, expanded_at__isnull=True).update(expanded_at=now)
    if not mine:
        return False
    mail = AccountMail.objects.select_related("user").get(pk=mail_id)
    Delivery.objects.create(
        account_mail=mail,
        user=mail.user,
        channel=Channel.EMAIL,
        address=mail.user.email,
        subject=mail.subject,
        text=mail.text,
        message_id=new_message_id(),
        next_attempt_at=now,
        created_at=now,
    )
    return True


# Asked every second, whether there is anything or not: compiled once.
_PENDING = (
    Query(lambda: Notice.objects.filter(expanded_at__isnull=True).values_list("pk")[:1]),
    Query(lambda: AccountMail.objects.filter(expanded_at__isnull=True).values_list("pk")[:1]),
)
