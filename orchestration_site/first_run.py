"""What a first start makes: the administrator and the first project."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from orchestration_site import demo, environment
from orchestrations import accounts
from orchestrations.access import Actor
from orchestrations.models import Project, User

DEFAULT_EMAIL = "admin@localhost"
DEMO_PROJECT = "Demo"
EMPTY_PROJECT = "Project 1"


@dataclass(frozen=True)
class FirstRun:
    """``password`` is None when the person has chosen it, or had it before; ``warnings`` are sentences."""

    email: str
    password: str | None
    warnings: tuple[str, ...] = ()


class InvalidAdministrator(ValueError):
    """TUTTI_ADMIN_EMAIL cannot be used; the sentence says why."""


@transaction.atomic
def set_up(*, with_demo: bool, now: datetime) -> FirstRun | None:
    """All of it or nothing, so that a start that was cut off is a first start again. None when there is nothing to do.

    Raises InvalidAdministrator.
    """
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    made = None if admin is not None else _make_administrator()
    if made is not None:
        admin = User.objects.get(email=made.email)
    assert admin is not None
    if not Project.objects.exists():
        project = accounts.create_project(DEMO_PROJECT if with_demo else EMPTY_PROJECT, creator=admin, now=now)
        if with_demo:
            demo.load(project, actor=Actor(user=admin), now=now)
    return made


def _make_administrator() -> FirstRun:
    email = environment.text("ADMIN_EMAIL", DEFAULT_EMAIL).lower()
    given = environment.admin_password()
    password = given or secrets.token_urlsafe(12)
    try:
        User.objects.create_superuser(email, password, name="Administrator")
    except ValidationError as error:
        raise InvalidAdministrator(f"TUTTI_ADMIN_EMAIL {email!r}: {' '.join(error.messages)}") from error
    return FirstRun(email, None if given else password, tuple(_weaknesses(given)))


def _weaknesses(password: str) -> list[str]:
    """The person's choice stands, and is told what is wrong with it."""
    if not password:
        return []
    try:
        validate_password(password)
    except ValidationError as error:
        return [f"TUTTI_ADMIN_PASSWORD is weak: {' '.join(error.messages)}"]
    return []
