"""Who is told about what, whether it reaches them, and what was sent: as the pages show it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from jobs.models import Delivery, DeliveryAttempt, DeliveryStatus, Notice
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Channel, Configuration, EventType, Project, Subscription, User

STATUS_KEYS = {
    DeliveryStatus.WAITING: "waiting",
    DeliveryStatus.SENT: "success",
    DeliveryStatus.FAILED: "error",
    DeliveryStatus.KEPT: "partial",
}
ICONS = {Channel.EMAIL: "mail", Channel.WEBHOOK: "link-out", Channel.CHAT: "people"}


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """One message in the log."""

    id: int
    what: str
    url: str
    """Of the job that it is about, "" for a test."""
    address: str
    icon: str
    status_key: str
    status_word: str
    answer: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    tries: Sequence[DeliveryAttempt] = ()
    """Oldest first, where they were asked for."""


@dataclass(frozen=True, kw_only=True)
class ListenerRow:
    """One subscription, and whether its last message arrived."""

    id: int
    address: str
    icon: str
    event: str
    about: str
    about_url: str
    expires_at: datetime | None
    last: DeliveryRow | None
    warning: str
    """Why messages may not reach anybody, "" when nothing is known against it."""
    test_url: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """The notifications of one orchestration in a few words."""

    words: str
    sub: str
    tells_nobody: bool


def card_of(orchestration: Configuration, now: datetime) -> Card:
    """One query."""
    rows = [each for each in reaching(orchestration) if each.expires_at is None or each.expires_at > now]
    recipients = {(each.channel, each.address) for each in rows}
    events = [event.label for event in EventType if any(each.event == event for each in rows)]
    if not recipients:
        return Card(words="Nobody", sub="No unattended run tells anybody.", tells_nobody=True)
    count = len(recipients)
    tells_failures = any(each.event == EventType.FAILED for each in rows)
    return Card(
        words=f"{count} {'recipient' if count == 1 else 'recipients'}",
        sub=f"{', '.join(events)}.",
        tells_nobody=not tells_failures,
    )


def untold(project: Project, ids: Collection[int], now: datetime) -> set[int]:
    """Those of these orchestrations whose failures nobody is told of. One query."""
    told = set(_TOLD.values(project=project, ids=ids, now=now)) if ids else set()
    return set() if None in told else set(ids) - told


_TOLD = Query(
    lambda: (
        Subscription.objects.filter(
            Q(Among("configuration", "ids")) | Q(configuration__isnull=True, component_id__in=("", ORCHESTRATOR)),
            Q(expires_at__isnull=True) | Q(expires_at__gt=Param("now")),
            project=Param("project"),
            event=EventType.FAILED,
        )
        .values_list("configuration")
        .distinct()
    )
)


def reaching(configuration: Configuration) -> list[Subscription]:
    """The subscriptions that its jobs concern: its own, and those of its component or of the whole project."""
    return _REACHING.instances(
        project=configuration.project_id, configuration=configuration, component=configuration.component_id
    )


def subscriptions_of(project: Project) -> QuerySet[Subscription]:
    """With what ``listeners`` looks at."""
    newest = Delivery.objects.filter(subscription=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    return (
        Subscription.objects.filter(project=project)
        .select_related("configuration")
        .defer("configuration__document", "configuration__state")
        .annotate(last_id=Subquery(newest))
    )


def listeners(rows: Sequence[Any], *, may_test: bool, now: datetime) -> list[ListenerRow]:
    """``rows``: of ``subscriptions_of``. Two queries."""
    messages = shown(Delivery.objects.filter(pk__in=[each.last_id for each in rows]))
    last = {row.id: row for row in rows_of(messages)}
    addressed = User.objects.filter(email__in=[each.address for each in rows])
    inactive = set(addressed.filter(is_active=False).values_list("email", flat=True))
    return [_listener(each, last.get(each.last_id), each.address in inactive, may_test, now) for each in rows]


def silent(project: Project, ids: Collection[int], now: datetime) -> list[Configuration]:
    """Of these orchestrations those that are on, and of whose failures nobody is told, by name. Two queries."""
    rows = Configuration.objects.in_project(project).live().filter(pk__in=untold(project, ids, now), is_disabled=False)
    return list(rows.only("name").order_by("name", "pk"))


def shown(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """With what a row of the log shows, and nothing else."""
    return deliveries.select_related("notice__job").only(
        *("channel", "address", "status", "last_answer", "attempts", "created_at", "next_attempt_at", "is_test"),
        *("subject", "project_id", "notice__event", "notice__job__name", "notice__job__project_id"),
    )


def rows_of(deliveries: Iterable[Delivery], *, with_tries: bool = False) -> list[DeliveryRow]:
    """``deliveries``: of ``shown``. ``with_tries``: of every one, which they have brought with them."""
    return [_row(each, list(each.tries.all()) if with_tries else ()) for each in deliveries]


def log_of(project: Project) -> QuerySet[Delivery]:
    return shown(Delivery.objects.filter(project=project)).prefetch_related("tries")


def told_to(user: User) -> QuerySet[Delivery]:
    """What was sent to this person."""
    return shown(Delivery.objects.filter(user=user, account_mail__isnull=True))


def kept_mails() -> QuerySet[Delivery]:
    """The outbox: what was written while no mail server was set up."""
    return Delivery.objects.filter(channel=Channel.EMAIL, status=DeliveryStatus.KEPT)


def members_to_offer(project: Project) -> Sequence[str]:
    return list(
        User.objects.filter(memberships__project=project, is_active=True)
        .order_by("email")
        .values_list("email", flat=True)
    )


def _row(delivery: Delivery, tries: Sequence[DeliveryAttempt] = ()) -> DeliveryRow:
    notice = delivery.notice
    return DeliveryRow(
        id=delivery.pk,
        what=_what(notice) if notice is not None else delivery.subject or "Test",
        url=reverse("job", args=[notice.job.project_id, notice.job_id]) if notice is not None else "",
        address=delivery.address,
        icon=ICONS[Channel(delivery.channel)],
        status_key=STATUS_KEYS[DeliveryStatus(delivery.status)],
        status_word=DeliveryStatus(delivery.status).label,
        answer=delivery.last_answer,
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at if delivery.status == DeliveryStatus.WAITING else None,
        tries=tries,
    )


def _what(notice: Notice) -> str:
    words = {
        EventType.FAILED: "{} failed",
        EventType.WARNING: "{} ended with a warning",
        EventType.SUCCEEDED: "{} succeeded",
        EventType.LONG: "{} takes longer than usual",
    }
    return words[EventType(notice.event)].format(notice.job.name)


def _listener(row: Any, last: DeliveryRow | None, is_inactive: bool, may_test: bool, now: datetime) -> ListenerRow:
    configuration = row.configuration
    page = (
        "orchestration" if configuration is not None and configuration.component_id == ORCHESTRATOR else "configuration"
    )
    label = EventType(row.event).label
    return ListenerRow(
        id=row.pk,
        address=row.address,
        icon=ICONS[Channel(row.channel)],
        event=label if row.overtime_percent is None else f"{label}, {row.overtime_percent} % longer than usual",
        about=configuration.name if configuration is not None else _everything(row.component_id),
        about_url=reverse(page, args=[row.project_id, configuration.pk]) if configuration is not None else "",
        expires_at=row.expires_at,
        last=last,
        warning=_warning(row, last, is_inactive, now),
        test_url=reverse("notification-test", args=[row.project_id, row.pk]) if may_test else "",
    )


def _everything(component_id: str) -> str:
    if component_id == ORCHESTRATOR:
        return "Every orchestration"
    return f"Every job of {component_id}" if component_id else "Everything in this project"


def _warning(row: Subscription, last: DeliveryRow | None, is_inactive: bool, now: datetime) -> str:
    if row.expires_at is not None and row.expires_at <= now:
        return "Expired: nothing is sent any more."
    if is_inactive:
        return "This person may not sign in any more: nothing is sent."
    if row.configuration is not None and row.configuration.deleted_at is not None:
        return "It is in the trash."
    if last is not None and last.status_key == "error":
        return f"The last message was not accepted: {last.answer}"
    return ""


_REACHING = Query(
    lambda: Subscription.objects.filter(
        Q(configuration=Param("configuration"))
        | Q(configuration__isnull=True) & (Q(component_id="") | Q(component_id=Param("component"))),
        project=Param("project"),
    ).order_by("pk")
)
