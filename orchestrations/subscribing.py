"""Who is told of what (R20): adding and removing subscriptions, and the secrets that belong to them."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from orchestrations import access
from orchestrations.access import Actor
from orchestrations.documents import secrets_scope
from orchestrations.editing import lock_project
from orchestrations.lib.secrets import decrypt_document, encrypt_document
from orchestrations.models import Channel, Configuration, EventType, Project, Role, Subscription

PER_PROJECT = 2_000
LONGEST_ADDRESS = 500
PERCENT_AT_MOST = 10_000
# Services whose address is theirs, and those that stand on a host that the address names.
CHAT_SERVICES = frozenset({"discord", "gchat", "msteams", "pover", "slack", "tgram", "wxteams"})
CHAT_HOSTS = frozenset(
    {"matrix", "matrixs", "mmost", "mmosts", "ntfy", "ntfys", "rocket", "rockets", "workflows", "zulip"}
)


class InvalidSubscription(ValueError):
    """Nothing was changed; the message names the field and is for the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One subscription as it is asked for. ``overtime_percent`` belongs to LONG alone."""

    event: str
    channel: str
    address: str
    overtime_percent: int | None = None
    component_id: str = ""
    expires_at: datetime | None = None


class HasChatAddress(Protocol):
    """A subscription, or a delivery that was made of one."""

    @property
    def project_id(self) -> int | None: ...

    @property
    def encrypted_address(self) -> str: ...


def subscribe(
    project: Project, configuration: Configuration | None, wanted: Wanted, *, actor: Actor, now: datetime
) -> Subscription:
    """The same again gives the one that is there. Raises Denied, InvalidSubscription."""
    access.require(actor, project, Role.EDITOR)
    wanted = checked(wanted, now)
    with transaction.atomic():
        lock_project(project.pk)
        found = next((each for each in _of(project, configuration) if _is(each, wanted)), None)
        return found or _create(project, configuration, wanted, actor, now)


def unsubscribe(subscription: Subscription, *, actor: Actor) -> None:
    """Raises Denied."""
    access.require(actor, subscription.project, Role.EDITOR)
    subscription.delete()


def replace(configuration: Configuration, wanted: Sequence[Wanted], *, actor: Actor, now: datetime) -> None:
    """Make these the subscriptions of the configuration: what stays keeps its secret and its history.

    Raises Denied, InvalidSubscription; then nothing has changed.
    """
    project = configuration.project
    access.require(actor, project, Role.EDITOR)
    every = [checked(each, now) for each in wanted]
    with transaction.atomic():
        lock_project(project.pk)
        present = _of(project, configuration)
        kept = [each for each in present if any(_is(each, one) for one in every)]
        for each in present:
            if each not in kept:
                each.delete()
        for one in every:
            if not any(_is(each, one) for each in kept):
                kept.append(_create(project, configuration, one, actor, now))


def checked(wanted: Wanted, now: datetime) -> Wanted:
    """As it is stored. Raises InvalidSubscription."""
    if wanted.event not in EventType.values:
        raise InvalidSubscription("event", f"expected one of {', '.join(EventType.values)}.")
    if wanted.channel not in Channel.values:
        raise InvalidSubscription("recipient.channel", f"expected one of {', '.join(Channel.values)}.")
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise InvalidSubscription("expiresAt", "lies in the past.")
    return Wanted(
        event=wanted.event,
        channel=wanted.channel,
        address=_checked_address(wanted.channel, wanted.address),
        overtime_percent=_checked_percent(wanted),
        component_id=wanted.component_id,
        expires_at=wanted.expires_at,
    )


def secret_of(subscription: Subscription) -> str:
    """What signs its webhooks, ``whsec_…``. Raises SecretUnreadable."""
    return _decrypted(subscription.project_id, subscription.encrypted_secret)


def chat_address_of(row: HasChatAddress) -> str:
    """The whole address of a subscription or a delivery, keys included. Raises SecretUnreadable."""
    return _decrypted(row.project_id or 0, row.encrypted_address)


def own_host_of(chat_address: str) -> str:
    """The host that an address of a self-hosted service leads to; "" for a service whose address is its own."""
    parts = urlsplit(chat_address)
    return parts.hostname or "" if parts.scheme in CHAT_HOSTS else ""


# --- Private -----------------------------------------------------------------------------------


def _of(project: Project, configuration: Configuration | None) -> list[Subscription]:
    return list(Subscription.objects.filter(project=project, configuration=configuration).order_by("pk"))


def _is(subscription: Subscription, wanted: Wanted) -> bool:
    same = (subscription.event, subscription.channel, subscription.component_id, subscription.overtime_percent) == (
        wanted.event,
        wanted.channel,
        wanted.component_id,
        wanted.overtime_percent,
    )
    if not same or subscription.expires_at != wanted.expires_at:
        return False
    if subscription.channel == Channel.CHAT:
        return wanted.address in (subscription.address, chat_address_of(subscription))
    return subscription.address == wanted.address


def _create(
    project: Project, configuration: Configuration | None, wanted: Wanted, actor: Actor, now: datetime
) -> Subscription:
    if Subscription.objects.filter(project=project).count() >= PER_PROJECT:
        raise InvalidSubscription("recipient", f"a project has at most {PER_PROJECT} of them.")
    is_chat = wanted.channel == Channel.CHAT
    created: Subscription = Subscription.objects.create(
        project=project,
        configuration=configuration,
        component_id=wanted.component_id,
        event=wanted.event,
        overtime_percent=wanted.overtime_percent,
        channel=wanted.channel,
        address=shown(wanted.address) if is_chat else wanted.address,
        encrypted_address=_encrypted(project.pk, wanted.address) if is_chat else "",
        encrypted_secret=_encrypted(project.pk, new_secret()) if wanted.channel == Channel.WEBHOOK else "",
        expires_at=wanted.expires_at,
        created_at=now,
        created_by=actor.user,
        created_with=actor.token.description if actor.token else "",
    )
    return created


def new_secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"


def shown(chat_address: str) -> str:
    """What people may see of it: the service, the host of one of their own, and where it ends."""
    host = own_host_of(chat_address)
    return f"{urlsplit(chat_address).scheme}://{host or '…'}/…{chat_address.rstrip('/')[-4:]}"


def _checked_address(channel: str, address: str) -> str:
    address = address.strip()
    if not address:
        raise InvalidSubscription("recipient.address", "is missing.")
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise InvalidSubscription("recipient.address", f"has at most {LONGEST_ADDRESS} printable characters.")
    if channel == Channel.EMAIL:
        return _checked_email(address)
    parts = urlsplit(address)
    if channel == Channel.WEBHOOK and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise InvalidSubscription("recipient.address", f"{address} is not an http or https address.")
    if channel == Channel.CHAT and parts.scheme not in CHAT_SERVICES | CHAT_HOSTS:
        known = ", ".join(sorted(CHAT_SERVICES | CHAT_HOSTS))
        raise InvalidSubscription("recipient.address", f"expected the address of a chat service: {known}.")
    return address


def _checked_email(address: str) -> str:
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidSubscription("recipient.address", f"{address} is not an e-mail address.") from error
    return address.lower()


def _checked_percent(wanted: Wanted) -> int | None:
    if wanted.event != EventType.LONG:
        return None
    percent = wanted.overtime_percent
    if percent is None or not 0 <= percent <= PERCENT_AT_MOST:
        raise InvalidSubscription("durationOvertimePercentage", f"expected a number from 0 to {PERCENT_AT_MOST} %.")
    return percent


def _encrypted(project_id: int, text: str) -> str:
    return str(encrypt_document({"#it": text}, secrets_scope(project_id), settings.ENCRYPTION_KEYS)["#it"])


def _decrypted(project_id: int, text: str) -> str:
    document, _ = decrypt_document({"#it": text}, secrets_scope(project_id), settings.ENCRYPTION_KEYS)
    return str(document["#it"])
