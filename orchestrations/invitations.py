"""Inviting people by e-mail address. A known address is added; an unknown one gets an account without a password and a
link that sets it: signed, good for one use, valid for a week (PASSWORD_RESET_TIMEOUT).

Whoever holds the link is the person. So a link is made only by somebody who is admin of every project that the account
belongs to, never for one that administers the site or has been used, and a newer link ends the older ones. Nobody has
proved the address of an account: who adds a known one is told whose it says it is, and confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from orchestrations import access, memberships
from orchestrations.access import Actor
from orchestrations.models import Membership, Project, Role, User


class _Links(PasswordResetTokenGenerator):
    """Signs the person's password too, so a link ends when the password is set, and when another is made."""

    key_salt = "orchestrations.invitations"


_links = _Links()


class CannotInvite(Exception):
    """The sentence is for the admin."""


class Unconfirmed(Exception):
    """An account has this address already; the sentence asks the admin whether it is the one that is meant."""

    def __init__(self, user: User) -> None:
        super().__init__(
            f"{user.email} has an account here already, by the name “{user}”, since {user.created_at:%Y-%m-%d}. "
            "Nobody has checked that the address is theirs: add it only if you know this person."
        )
        self.user = user


@dataclass(frozen=True)
class Invitation:
    """``secret`` is the end of the link, "" when the person had an account and was just added."""

    membership: Membership
    secret: str = ""


@transaction.atomic
def invite(
    project: Project, email: str, role: Role, *, actor: Actor, now: datetime, confirmed: int | None = None
) -> Invitation:
    """``confirmed``: the account that the admin means. Raises Denied, AlreadyMember, CannotInvite, Unconfirmed."""
    access.require(actor, project, Role.ADMIN)
    email = _checked(email)
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, None, name=email.partition("@")[0][:150])
    membership = memberships.add(project, user, role, actor=actor, now=now)
    if user.has_usable_password():
        if user.pk != confirmed:
            raise Unconfirmed(user)
        return Invitation(membership)
    return Invitation(membership, _new_secret(user, actor))


@transaction.atomic
def renew(membership: Membership, *, actor: Actor) -> str:
    """The end of a new link; the older one is of no use any more. Raises Denied, CannotInvite."""
    access.require(actor, membership.project, Role.ADMIN)
    if membership.user.has_usable_password():
        raise CannotInvite(f"{membership.user} has an account and needs no invitation.")
    return _new_secret(membership.user, actor)


def find(user_id: int, secret: str) -> User | None:
    """Whom the link invites; None when it was used, replaced or has expired, or the person was removed again."""
    user: User | None = User.objects.filter(pk=user_id, memberships__isnull=False).first()
    if user is None or not _is_new(user) or not _links.check_token(user, secret):
        return None
    return user


def accept(user: User, *, name: str, password: str) -> bool:
    """Sets both; False when somebody else has used the link since ``user`` was read."""
    invited_with = user.password
    user.name = name.strip()
    user.set_password(password)
    found = User.objects.filter(pk=user.pk, password=invited_with)
    return found.update(name=user.name, password=user.password) == 1


def _checked(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise CannotInvite("This is not an e-mail address.") from error
    if len(email) > 254:
        raise CannotInvite("An e-mail address has at most 254 characters.")
    return email


def _is_new(user: User) -> bool:
    """Nobody has used the account, and it opens nothing but what it was invited to."""
    opens_more = user.is_superuser or user.is_staff or user.user_permissions.exists() or user.groups.exists()
    return user.is_active and user.last_login is None and not user.has_usable_password() and not opens_more


def _new_secret(user: User, actor: Actor) -> str:
    if not _is_new(user):
        raise CannotInvite(
            f"{user.email} has an account that no invitation can open: ask the administrator of this site."
        )
    for membership in user.memberships.select_related("project"):
        if not access.may(actor, membership.project, Role.ADMIN):
            raise CannotInvite(f"{user.email} was invited to another project too and has not answered yet.")
    user.set_unusable_password()
    user.save(update_fields=["password"])
    return _links.make_token(user)
