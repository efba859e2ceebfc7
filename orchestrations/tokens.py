"""Making and recognising tokens. The text is ``{projectId}-{tokenId}-{secret}`` (API.md)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from orchestrations.access import Actor
from orchestrations.lib.prepared import Param, Query, Update
from orchestrations.lib.secrets import decrypt_document, encrypt_document
from orchestrations.models import Configuration, Project, Token, User

USE_IS_NOTED_EVERY = timedelta(minutes=1)
NO_BUCKETS: dict[str, str] | None = {}


def text_of(token: Token, secret: str) -> str:
    return f"{token.project_id}-{token.pk}-{secret}"


def create_personal(project: Project, user: User, *, description: str, now: datetime) -> tuple[Token, str]:
    """A person's own token: may do what the person may. Returns it and its text, which is not kept."""
    return _create(
        project, description=description, user=user, may_manage_tokens=True, may_manage_buckets=True, now=now
    )


def create_limited(
    project: Project,
    *,
    description: str,
    component_access: list[str] | None,
    created_by: User,
    now: datetime,
    bucket_permissions: dict[str, str] | None = NO_BUCKETS,
    **fields: object,
) -> tuple[Token, str]:
    """A token for a program (R19). ``component_access`` None is all of them, ``bucket_permissions`` None every bucket.

    The caller has checked who may (orchestrations.granting).
    """
    return _create(
        project,
        description=description,
        component_access=component_access,
        bucket_permissions=bucket_permissions,
        created_by=created_by,
        now=now,
        **fields,
    )


def create_for_orchestration(orchestration: Configuration, *, actor: Actor, now: datetime) -> Token:
    """The orchestration's own: all components and buckets, no expiry, no right to manage tokens (R18)."""
    token, text = _create(
        orchestration.project,
        description=f"Orchestrator {orchestration.name}"[:255],
        orchestration=orchestration,
        may_manage_buckets=True,
        created_by=actor.user,
        now=now,
    )
    token.encrypted_secret = encrypt_document({"#token": text}, _scope(token), settings.ENCRYPTION_KEYS)["#token"]
    token.save(update_fields=["encrypted_secret"])
    return token


def reveal(token: Token) -> str:
    """The text of an orchestration's own token, to be handed to its components."""
    document, _ = decrypt_document({"#token": token.encrypted_secret}, _scope(token), settings.ENCRYPTION_KEYS)
    return str(document["#token"])


def renew(token: Token, *, now: datetime) -> str:
    """A new secret in place of the old one, which is of no use from here on. Returns the token's new text."""
    secret = secrets.token_urlsafe(30)
    Token.objects.filter(pk=token.pk).update(secret_hash=_hash(secret), refreshed_at=now)
    return text_of(token, secret)


def permit(token: Token | None, bucket_id: str, permission: str) -> None:
    """Add the bucket to those of a limited token; one that reaches every bucket needs no more."""
    if token is None or token.is_master or token.bucket_permissions is None:
        return
    found = Token.objects.select_for_update(no_key=True).get(pk=token.pk)
    if found.bucket_permissions is not None:
        found.bucket_permissions = {**found.bucket_permissions, bucket_id: permission}
        found.save(update_fields=["bucket_permissions"])
        token.bucket_permissions = found.bucket_permissions


def forbid(project: Project, bucket_id: str) -> None:
    """Take a bucket that is gone from every limited token of the project."""
    holders = Token.objects.filter(project=project, bucket_permissions__has_key=bucket_id)
    for token in holders.select_for_update(no_key=True).order_by("pk"):
        held = token.bucket_permissions or {}
        token.bucket_permissions = {each: held[each] for each in held if each != bucket_id}
        token.save(update_fields=["bucket_permissions"])


def find(text: str, now: datetime) -> Token | None:
    """The token that the text belongs to, unless it has expired; constant time in the secret."""
    parts = text.strip().split("-", 2)
    if len(parts) != 3 or not all(re.fullmatch("[0-9]{1,18}", number, re.ASCII) for number in parts[:2]):
        return None
    token = _FOUND.instance(pk=int(parts[1]), project=int(parts[0]))
    if token is None or not hmac.compare_digest(token.secret_hash, _hash(parts[2])):
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    if token.replaced_at is not None or (token.user is not None and not token.user.is_active):
        return None
    note_use(token, now)
    return token


def note_use(token: Token, now: datetime) -> None:
    """Once in a while: who is used often costs no write each time."""
    if token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY:
        _USED.run(pk=token.pk, now=now)


@transaction.atomic
def _create(project: Project, *, now: datetime, **fields: object) -> tuple[Token, str]:
    secret = secrets.token_urlsafe(30)
    token = Token.objects.create(project=project, secret_hash=_hash(secret), created_at=now, **fields)
    return token, text_of(token, secret)


def _hash(secret: str) -> str:
    """A plain hash is enough: the secret has 240 random bits, there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _scope(token: Token) -> str:
    return f"token:{token.pk}"


_FOUND = Query(
    lambda: Token.objects.select_related("project", "user").filter(pk=Param("pk"), project_id=Param("project"))
)
_USED = Update(lambda: Token.objects.filter(pk=Param("pk")), {"last_used_at": Param("now")})
