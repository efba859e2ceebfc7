"""Signing in (throttled), what a person sets for themselves, and projects."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from orchestrations import access, sessions
from orchestrations.access import Actor
from orchestrations.lib import zones
from orchestrations.models import LoginAttempt, Membership, Project, Role, User
from orchestrations.models.accounts import Theme

ATTEMPTS_ARE_KEPT = timedelta(days=30)


class ThrottledEmailBackend(ModelBackend):
    """Refuses an address or an account after too many failures within a while, right password or not (DESIGN §8)."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        email = (username or kwargs.get("email") or "").strip().lower()[:254]
        address = address_of(request) if request is not None else ""
        now = timezone.now()
        if is_throttled(email, address, now):
            return None
        user = super().authenticate(request, username=email, password=password, **kwargs)
        if not isinstance(user, User):
            LoginAttempt.objects.filter(at__lt=now - ATTEMPTS_ARE_KEPT).delete()
            LoginAttempt.objects.create(email=email, address=address, at=now)
            return None
        LoginAttempt.objects.filter(email=email).delete()
        return user


def is_throttled(email: str, address: str, now: datetime) -> bool:
    since = now - timedelta(seconds=settings.LOGIN_WINDOW_SECONDS)
    recent = LoginAttempt.objects.filter(at__gt=since)
    if recent.filter(email=email).count() >= settings.LOGIN_ATTEMPTS:
        return True
    # Many people may sit behind one address.
    return bool(address) and recent.filter(address=address).count() >= 10 * settings.LOGIN_ATTEMPTS


class NotProved(Exception):
    """The password was not the person's, or was asked for too often; the sentence is for the user."""


def prove_password(user: User, password: str, *, now: datetime) -> None:
    """Before what a borrowed session must not do; counts like signing in. Raises NotProved."""
    if is_throttled(user.email, "", now):
        raise NotProved("Too many attempts. Wait a while and try again.")
    if not user.check_password(password):
        LoginAttempt.objects.create(email=user.email, address="", at=now)
        raise NotProved("This is not your current password.")


def address_of(request: HttpRequest) -> str:
    """Behind a proxy everybody comes from the proxy: what it has added last says from where."""
    told = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    return (told.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", ""))[:64]


@transaction.atomic
def create_project(name: str, *, creator: User, now: datetime) -> Project:
    """A project whose creator is its admin."""
    project = Project(name=name.strip(), created_at=now)
    project.full_clean(exclude=["created_at"])
    project.save(force_insert=True)
    Membership.objects.create(project=project, user=creator, role=Role.ADMIN, created_at=now)
    return project


def change_project(project: Project, *, name: str, parallel_jobs: int, actor: Actor) -> None:
    """Raises Denied, ValidationError."""
    access.require(actor, project, Role.ADMIN)
    project.name, project.parallel_jobs = name.strip(), parallel_jobs
    project.full_clean(exclude=["created_at", "paused_at"])
    project.save(update_fields=["name", "parallel_jobs"])


def first_project_of(user: User) -> Project | None:
    """Where the person lands after signing in."""
    found: Project | None = Project.objects.visible_to(user).order_by("pk").first()
    return found


def choose_theme(user: User, theme: Theme) -> None:
    user.theme = theme
    user.save(update_fields=["theme"])


def change_profile(user: User, **fields: Any) -> None:
    """Name, time zone, theme, what to mail. Raises ValidationError.

    Not the address: whoever could rename an account to somebody else's would be invited in their place.
    """
    for name, value in fields.items():
        setattr(user, name, value)
    user.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
    user.save(update_fields=[*fields])


def change_password(user: User, password: str) -> None:
    """Ends every session of the person: their cookies hold a hash of the old password."""
    user.set_password(password)
    user.save(update_fields=["password"])
    sessions.end_others(user)


def offer_time_zone(user: User, name: str) -> bool:
    """What the browser says counts only until a zone is known; False when it is, or when there is no such zone."""
    zone = zones.find(name)
    if zone is None:
        return False
    # The field keeps None as an empty text.
    unknown = User.objects.filter(Q(time_zone__isnull=True) | Q(time_zone=""), pk=user.pk)
    return unknown.update(time_zone=zone) == 1


def projects_of(user: User) -> list[Project]:
    """Those that the person may see, by name."""
    return list(Project.objects.visible_to(user).order_by("name", "pk"))
