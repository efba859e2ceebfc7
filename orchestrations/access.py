"""Who may do what (DESIGN §8, R18, R19). The one place that decides.

A person acts by the role in the project; a program by its token. A job acts by the token it is bound to.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Membership, Project, Role, Token, User

RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.EDITOR: 2, Role.ADMIN: 3}


class Denied(PermissionError):
    """The actor may not do this; the sentence is for the user."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: a person in the browser (user), a person's program (both), or a limited token alone."""

    user: User | None = None
    token: Token | None = None

    @property
    def is_person(self) -> bool:
        return self.user is not None

    def __str__(self) -> str:
        if self.user is not None:
            return str(self.user)
        return self.token.description if self.token is not None else "Tutti"


def role_of(user: User, project: Project) -> Role | None:
    """The person's role, None for a stranger. Administrators of the site are administrators of every project."""
    if not user.is_active:
        return None
    if user.is_superuser:
        return Role.ADMIN
    membership = Membership.objects.filter(user=user, project=project).first()
    return Role(membership.role) if membership is not None else None


def may(actor: Actor, project: Project, role: Role) -> bool:
    """Whether the actor has at least this role in the project. A limited token has no role at all."""
    if actor.token is not None and actor.token.project_id != project.pk:
        return False
    if actor.user is None:
        return False
    own = role_of(actor.user, project)
    return own is not None and RANK[own] >= RANK[role]


def require(actor: Actor, project: Project, role: Role) -> None:
    """Raises Denied with a sentence that names the role."""
    if not may(actor, project, role):
        raise Denied(f"This needs the role {Role(role).label.lower()} in the project {project.name}.")


def require_run(actor: Actor, project: Project, component_id: str, now: datetime) -> None:
    """Raises Denied unless the actor may start jobs of the component (R19)."""
    if actor.user is not None:
        require(actor, project, Role.OPERATOR)
        return
    if actor.token is None or actor.token.project_id != project.pk:
        raise Denied("This token belongs to another project.")
    sentence = refusal(actor.token, component_id=component_id, now=now)
    if sentence:
        raise Denied(sentence)


def visible_components(actor: Actor) -> frozenset[str] | None:
    """The components whose configurations and jobs the actor may look at; None for all of them.

    For one that belongs to the project: a person may look at everything, a limited token at what it may run.
    """
    if actor.user is not None:
        return None
    if actor.token is None or actor.token.component_access is None:
        return None if actor.token is not None else frozenset()
    return frozenset(actor.token.component_access or [ORCHESTRATOR])


def refusal(
    token: Token | None,
    *,
    component_id: str,
    now: datetime,
    reads: Collection[str] = (),
    writes: Collection[str] = (),
    bound: bool = False,
) -> str | None:
    """Why a job may not run, read or write with this token; None when it may (R18).

    ``bound``: the token was bound to the run before it was replaced, so a replaced one still serves.
    """
    if token is None:
        return "The token of this job has been deleted."
    name = f'The token "{token.description}"'
    if token.expires_at is not None and token.expires_at <= now:
        return f"{name} expired on {token.expires_at:%Y-%m-%d %H:%M} UTC."
    if token.replaced_at is not None and not bound:
        return f"{name} has been replaced by a newer one."
    if not _may_run(token, component_id):
        return f"{name} has no access to the component {component_id}."
    for bucket in sorted({*reads, *writes}):
        permission = "write" if bucket in writes else "read"
        if not _may_touch(token, bucket, permission):
            return f"{name} needs {permission} access to {bucket}."
    return None


def _may_run(token: Token, component_id: str) -> bool:
    if token.component_access is None:
        return True
    if component_id == ORCHESTRATOR and not token.component_access:
        return True
    return component_id in token.component_access


def _may_touch(token: Token, bucket: str, permission: str) -> bool:
    if token.bucket_permissions is None:
        return True
    granted = token.bucket_permissions.get(bucket)
    return granted == "write" or granted == permission
