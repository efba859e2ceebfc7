"""Tokens that people make and take back: what they may do, and for how long (R18, R19, DESIGN §8).

Admins make, change, refresh and delete limited ones; everybody makes and deletes their own. An orchestration's own is
left alone by all of that: it is replaced by ``replace_own``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from orchestrations import access, lineage, table_uses, tokens
from orchestrations.access import Actor
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import lock_project
from orchestrations.models import Bucket, Configuration, Project, Role, Task, Token, TokenEvent

LONGEST_LIFE = timedelta(days=3660)
PER_PROJECT = 2_000
PERMISSIONS = ("read", "write")


class InvalidToken(ValueError):
    """Nothing was changed; ``field`` is named as in the API, the message is for the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class IsProtected(Exception):
    """An orchestration's own token, or a person's: this is not the way to change it; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a limited token may do. None means every component, every bucket; a life of None never ends."""

    description: str
    component_access: list[str] | None
    bucket_permissions: Mapping[str, str] | None
    may_manage_buckets: bool = False
    expires_in: timedelta | None = None


def of_project(project: Project) -> QuerySet[Token]:
    """The living ones: people's own, limited ones, and those of orchestrations."""
    return (
        Token.objects.filter(project=project, replaced_at__isnull=True)
        .select_related("user", "orchestration", "created_by", "project")
        .defer("orchestration__document", "orchestration__state")
        .order_by("pk")
    )


@transaction.atomic
def grant(project: Project, wanted: Grant, *, actor: Actor, now: datetime) -> tuple[Token, str]:
    """A new limited token and its text, which is kept nowhere. Raises Denied, InvalidToken."""
    access.require(actor, project, Role.ADMIN)
    _check(project, wanted)
    lock_project(project.pk)
    if of_project(project).count() >= PER_PROJECT:
        raise InvalidToken("description", f"a project has at most {PER_PROJECT} tokens; delete some first.")
    assert actor.user is not None
    token, text = tokens.create_limited(
        project,
        description=wanted.description.strip(),
        component_access=wanted.component_access,
        bucket_permissions=_plain(wanted.bucket_permissions),
        may_manage_buckets=wanted.may_manage_buckets,
        expires_at=now + wanted.expires_in if wanted.expires_in is not None else None,
        created_by=actor.user,
        now=now,
    )
    _note(token, "created", f"Created by {actor}.", actor, now)
    return token, text


@transaction.atomic
def grant_personal(project: Project, description: str, *, actor: Actor, now: datetime) -> tuple[Token, str]:
    """A token of the person's own: may do what the person may. Raises Denied, InvalidToken."""
    access.require(actor, project, Role.VIEWER)
    assert actor.user is not None
    token, text = tokens.create_personal(project, actor.user, description=_described(description), now=now)
    _note(token, "created", f"Created by {actor}.", actor, now)
    return token, text


@transaction.atomic
def change(token: Token, wanted: Grant, *, actor: Actor, now: datetime) -> Token:
    """Of a limited token everything but its life. Raises Denied, InvalidToken, IsProtected."""
    access.require(actor, token.project, Role.ADMIN)
    _refuse_protected(token)
    _check(token.project, wanted)
    fields: dict[str, Any] = {
        "description": wanted.description.strip(),
        "component_access": wanted.component_access,
        "bucket_permissions": _plain(wanted.bucket_permissions),
        "may_manage_buckets": wanted.may_manage_buckets,
    }
    changed = [name for name, value in fields.items() if getattr(token, name) != value]
    for name, value in fields.items():
        setattr(token, name, value)
    token.save(update_fields=list(fields))
    if changed:
        _note(token, "changed", f"Changed by {actor}.", actor, now)
    return token


@transaction.atomic
def refresh(token: Token, *, actor: Actor, now: datetime) -> str:
    """A new secret; the old one is refused from here on. Its holder may, and admins. Raises Denied, IsProtected.

    That of a person is for that person alone: whoever knows it acts, and is told of jobs, under that name.
    """
    if actor.token is None or actor.token.pk != token.pk:
        _require_power_over(token, actor)
    if token.orchestration is not None:
        raise IsProtected(_belongs(token))
    if token.user is not None and (actor.user is None or actor.user.pk != token.user.pk):
        raise IsProtected(f"This is a token of {token.user}, who alone can refresh it. You can delete it.")
    text = tokens.renew(token, now=now)
    _note(token, "refreshed", f"Refreshed by {actor}.", actor, now)
    return text


def delete(token: Token, *, actor: Actor) -> None:
    """It is refused from here on. Its owner may, and admins. Raises Denied, IsProtected."""
    _require_power_over(token, actor)
    if token.orchestration is not None:
        raise IsProtected(_belongs(token))
    token.delete()


@transaction.atomic
def replace_own(orchestration: Configuration, *, actor: Actor, now: datetime, immediately: bool = False) -> Token:
    """A new token for the orchestration (R18). Runs under way keep the old one, unless ``immediately``.

    The old one is refused for anything new, and deleted once its last run has settled (jobs.pruning). Raises Denied.
    """
    access.require(actor, orchestration.project, Role.EDITOR)
    lock_project(orchestration.project_id)
    older = Token.objects.filter(orchestration=orchestration, replaced_at__isnull=True)
    ended: dict[str, Any] = {"replaced_at": now, **({"expires_at": now} if immediately else {})}
    older.update(**ended)
    if immediately:
        Token.objects.filter(orchestration=orchestration, replaced_at__isnull=False).update(expires_at=now)
    token = tokens.create_for_orchestration(orchestration, actor=actor, now=now)
    how = "at once" if immediately else "for anything new"
    _note(token, "created", f"Replaces the one before {how}, by {actor}.", actor, now)
    return token


def lacks(orchestration: Configuration, now: datetime) -> str:
    """Why its token would refuse the next run of the orchestration, or one of its tasks; "" when it would not (R18)."""
    token = Token.objects.filter(orchestration=orchestration, replaced_at__isnull=True).first()
    sentence = access.refusal(token, component_id=orchestration.component_id, now=now)
    if sentence is not None or token is None:
        return sentence or ""
    if token.component_access is None and token.bucket_permissions is None:
        return ""
    return _lacks_for_tasks(orchestration, token, now)


# --- Private -----------------------------------------------------------------------------------


def _lacks_for_tasks(orchestration: Configuration, token: Token, now: datetime) -> str:
    """Of the first active task that would be refused, by the tables that it declares. Two queries.

    A nested orchestration brings a token of its own; its tasks are its own business.
    """
    tasks = list(
        Task.objects.filter(orchestration=orchestration, is_enabled=True, configuration__deleted_at__isnull=True)
        .select_related("configuration")
        .only("component_id", "name", "request", "configuration__name")
        .order_by("phase__position", "position")
    )
    stored = [task.configuration_id for task in tasks if task.configuration_id and task.component_id != ORCHESTRATOR]
    uses = table_uses.of_configurations(stored)
    for task in tasks:
        found = _used_by(task, uses)
        named = {each for each in found.writes if not each.endswith(lineage.WHOLE_BUCKET)}
        sentence = access.refusal(
            token,
            component_id=task.component_id,
            now=now,
            reads=_buckets_of(found.reads),
            # Into its default bucket goes what is named only at run time: certain when nothing else is.
            writes=_buckets_of(named or found.writes),
        )
        if sentence is not None:
            return f"{task.name or task.configuration or task.component_id}: {sentence}"
    return ""


def _used_by(task: Task, uses: Mapping[int, lineage.Tables]) -> lineage.Tables:
    """Content that the task brings runs in place of its configuration."""
    content = task.request.get("configData")
    if content and task.component_id != ORCHESTRATOR:
        return lineage.of_document(None, content)
    return uses.get(task.configuration_id or 0, lineage.NOTHING)


def _buckets_of(table_ids: Iterable[str]) -> set[str]:
    return {each.rpartition(".")[0] for each in table_ids}


def _check(project: Project, wanted: Grant) -> None:
    _described(wanted.description)
    known = {component.id for component in catalogue.all()}
    for component_id in wanted.component_access or ():
        if component_id not in known:
            raise InvalidToken("componentAccess", f"there is no component {component_id!r}.")
    _check_buckets(project, wanted.bucket_permissions or {})
    if wanted.expires_in is not None and not timedelta(0) < wanted.expires_in <= LONGEST_LIFE:
        raise InvalidToken("expiresIn", f"expected seconds, more than 0 and at most {LONGEST_LIFE.days} days.")


def _check_buckets(project: Project, permissions: Mapping[str, str]) -> None:
    known = {bucket.bucket_id for bucket in Bucket.objects.in_project(project)} if permissions else set()
    for bucket_id, permission in permissions.items():
        if permission not in PERMISSIONS:
            raise InvalidToken(f"bucketPermissions.{bucket_id}", f"expected one of {', '.join(PERMISSIONS)}.")
        if bucket_id not in known:
            raise InvalidToken("bucketPermissions", f"there is no bucket {bucket_id!r} in this project.")


def _described(text: str) -> str:
    text = text.strip()
    if not text or len(text) > 255 or "\x00" in text:
        raise InvalidToken("description", "must have 1 to 255 characters.")
    return text


def _plain(permissions: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if permissions is None else dict(permissions)


def _require_power_over(token: Token, actor: Actor) -> None:
    if token.user_id is not None and actor.user is not None and token.user_id == actor.user.pk:
        access.require(actor, token.project, Role.VIEWER)
    else:
        access.require(actor, token.project, Role.ADMIN)


def _refuse_protected(token: Token) -> None:
    if token.orchestration is not None:
        raise IsProtected(_belongs(token))
    if token.user is not None:
        raise IsProtected(f"This is a token of {token.user}: it may do what that person may, and nothing else is set.")


def _belongs(token: Token) -> str:
    return f"This token belongs to the orchestration {token.orchestration}. There is a special API for that."


def _note(token: Token, kind: str, message: str, actor: Actor, now: datetime) -> None:
    TokenEvent.objects.create(token=token, at=now, kind=f"token.{kind}", message=message, by=str(actor)[:255])


def events_of(token: Token, *, offset: int = 0, limit: int = 100) -> Iterable[TokenEvent]:
    """Newest first."""
    return token.events.order_by("-pk")[offset : offset + limit]
