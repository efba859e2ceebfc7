"""Who belongs to a project: adding, changing the role, removing. At least one admin who can sign in stays.

Every change holds the project's row, so that two admins who demote each other at once are asked one after the other.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction

from orchestrations import access
from orchestrations.access import Actor
from orchestrations.editing import lock_project
from orchestrations.models import Membership, Project, Role, User


class LastAdmin(Exception):
    """The project would be left without an admin."""

    def __init__(self, project: Project) -> None:
        super().__init__(f"{project.name} needs an admin: make somebody else admin first.")


class AlreadyMember(Exception):
    """The person is in the project."""

    def __init__(self, user: User, project: Project) -> None:
        super().__init__(f"{user.email} is a member of {project.name} already.")


class NotAMember(Exception):
    """Somebody else has removed the person meanwhile."""

    def __init__(self, user: User) -> None:
        super().__init__(f"{user} is no member any more.")


@transaction.atomic
def add(project: Project, user: User, role: Role, *, actor: Actor, now: datetime) -> Membership:
    """Raises Denied, AlreadyMember."""
    lock_project(project.pk)
    access.require(actor, project, Role.ADMIN)
    if project.memberships.filter(user=user).exists():
        raise AlreadyMember(user, project)
    membership: Membership = Membership.objects.create(project=project, user=user, role=role, created_at=now)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: Role, *, actor: Actor) -> None:
    """Raises Denied, LastAdmin, NotAMember."""
    _hold(membership, actor)
    if role != Role.ADMIN:
        _require_another_admin(membership)
    membership.role = role
    membership.save(update_fields=["role"])


@transaction.atomic
def remove(membership: Membership, *, actor: Actor) -> None:
    """The person and their programs are shut out at once: the role is looked up at every request.

    Raises Denied, LastAdmin, NotAMember.
    """
    _hold(membership, actor)
    _require_another_admin(membership)
    membership.delete()


def _hold(membership: Membership, actor: Actor) -> None:
    """Under the lock both the actor's role and the member's are looked at anew."""
    project = lock_project(membership.project_id)
    access.require(actor, project, Role.ADMIN)
    try:
        membership.refresh_from_db(fields=["role"])
    except Membership.DoesNotExist as error:
        raise NotAMember(membership.user) from error


def _require_another_admin(membership: Membership) -> None:
    if membership.role != Role.ADMIN:
        return
    others = Membership.objects.filter(project=membership.project_id, role=Role.ADMIN, user__is_active=True)
    # Who was invited and has not come cannot manage anything.
    others = others.exclude(pk=membership.pk).exclude(user__password__startswith=UNUSABLE_PASSWORD_PREFIX)
    if not others.exists():
        raise LastAdmin(membership.project)
