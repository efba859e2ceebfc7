"""Who may do what (DESIGN §8, R18, R19). The one place that decides.

A person acts by the role in the project; a program by its token. A job acts by the token it is bound to.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Membership, Project, Role, Token, User

LOAD, UNLOAD = "tutti.load", "tutti.unload"
STORAGE_COMPONENTS = frozenset({LOAD, UNLOAD})
"""What moves data for pages and API: which buckets a token may touch decides alone."""
READING_COMPONENTS = frozenset({"tutti.unload"})
"""Those of them that change nothing, so that whoever may run jobs may give them their content."""
RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.EDITOR: 2, Role.ADMIN: 3}


class Denied(PermissionError):
    """The actor may not do this; the sentence is for the user."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks: a person in the browser (user), a person's program (both), or a limited token alone."""

    user: User | None = None
    token: Token | None = None
    role: Role | None = None
    """The person's in the project of the token, where a request has looked it up already."""

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
    found = _ROLE.first(user=user.pk, project=project.pk)
    return Role(found[0]) if found is not None else None


def visit(user: User, project_id: int) -> tuple[Project, Role] | None:
    """The project and the person's role in it; None for a stranger, and when there is no such project. One query."""
    if user.is_superuser:
        project = Project.objects.filter(pk=project_id).first()
        return (project, Role.ADMIN) if project is not None and user.is_active else None
    # By the project's own key: a foreign key takes a number that no database can hold for one that it can.
    found = Membership.objects.filter(user=user, project__pk=project_id).select_related("project").first()
    return (found.project, Role(found.role)) if found is not None and user.is_active else None


def may(actor: Actor, project: Project, role: Role) -> bool:
    """Whether the actor has at least this role in the project. A limited token has no role at all."""
    if actor.token is not None and actor.token.project_id != project.pk:
        return False
    if actor.user is None:
        return False
    # With a token it is that one's project, see above.
    own = actor.role if actor.role is not None and actor.token is not None else role_of(actor.user, project)
    return own is not None and RANK[own] >= RANK[role]


def require(actor: Actor, project: Project, role: Role) -> None:
    """Raises Denied with a sentence that names the role."""
    if not may(actor, project, role):
        limited = ", which no limited token has" if actor.user is None and actor.token is not None else ""
        raise Denied(f"This needs the role {Role(role).label.lower()} in the project {project.name}{limited}.")


def require_to_make_projects(user: User) -> None:
    """Raises Denied unless the person is an editor somewhere, or an administrator of the site.

    The admin of a project may run any program as the user of the workers: nobody makes themselves that.
    """
    if user.is_superuser or Membership.objects.filter(user=user, role__in=[Role.EDITOR, Role.ADMIN]).exists():
        return
    raise Denied("Projects are made by editors, admins and administrators of the site. Ask one of them to add you.")


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


def require_start(actor: Actor, project: Project, component_id: str, now: datetime) -> None:
    """Raises Denied unless the actor may start a job of the component. Who may look at tables may take them along."""
    if actor.user is not None and component_id == UNLOAD:
        require(actor, project, Role.VIEWER)
    else:
        require_run(actor, project, component_id, now)


def require_buckets(actor: Actor, project: Project) -> None:
    """Raises Denied unless the actor may make, link and delete buckets."""
    if actor.user is not None:
        require(actor, project, Role.EDITOR)
        return
    if actor.token is None or actor.token.project_id != project.pk:
        raise Denied("This token belongs to another project.")
    if not actor.token.may_manage_buckets:
        raise Denied(f'The token "{actor.token.description}" may not manage buckets.')


def require_bucket(actor: Actor, project: Project, bucket: str, *, writes: bool) -> None:
    """Raises Denied unless the actor may read, or write, the tables of this bucket of the project, named by its id."""
    if actor.user is not None:
        require(actor, project, Role.EDITOR if writes else Role.VIEWER)
        return
    if actor.token is None or actor.token.project_id != project.pk:
        raise Denied("This token belongs to another project.")
    permission = "write" if writes else "read"
    if not _may_touch(actor.token, bucket, permission):
        raise Denied(_needs(actor.token, bucket, permission))


def require_some_bucket(actor: Actor, project: Project) -> None:
    """Raises Denied unless there is a bucket whose tables the actor may write: who brings a file loads it."""
    if actor.user is not None:
        require(actor, project, Role.EDITOR)
    elif actor.token is None or (
        actor.token.bucket_permissions is not None and "write" not in actor.token.bucket_permissions.values()
    ):
        raise Denied(f'The token "{actor}" needs write access to a bucket.')


def require_every_bucket(actor: Actor, project: Project) -> None:
    """Raises Denied unless the actor, a token that may run jobs of the project, is limited to no buckets."""
    if actor.user is not None:
        require(actor, project, Role.EDITOR)
    elif actor.token is None or actor.token.bucket_permissions is not None:
        raise Denied(f'The token "{actor}" needs access to every bucket: an orchestration runs with its own token.')


def visible_buckets(actor: Actor) -> frozenset[str] | None:
    """The ids of the buckets that the actor may look into; None for all of the project's."""
    if actor.user is not None:
        return None
    if actor.token is None or actor.token.bucket_permissions is None:
        return None if actor.token is not None else frozenset()
    return frozenset(actor.token.bucket_permissions)


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
            return _needs(token, bucket, permission)
    return None


def _may_run(token: Token, component_id: str) -> bool:
    if token.component_access is None or component_id in STORAGE_COMPONENTS:
        return True
    if component_id == ORCHESTRATOR and not token.component_access:
        return True
    return component_id in token.component_access


def _needs(token: Token, bucket: str, permission: str) -> str:
    return f'The token "{token.description}" needs {permission} access to {bucket}.'


def _may_touch(token: Token, bucket: str, permission: str) -> bool:
    if token.bucket_permissions is None:
        return True
    granted = token.bucket_permissions.get(bucket)
    return granted == "write" or granted == permission


_ROLE = Query(lambda: Membership.objects.filter(user=Param("user"), project=Param("project")).values_list("role"))
