"""The form of a new or changed token: what it may run, read and write, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.http import QueryDict

from orchestrations.components import catalogue
from orchestrations.granting import Grant, InvalidToken
from orchestrations.models import Bucket, Project, Token

LIVES = {
    "": ("Never", None),
    "3600": ("In 1 hour", timedelta(hours=1)),
    "86400": ("In 1 day", timedelta(days=1)),
    "604800": ("In 1 week", timedelta(weeks=1)),
    "2592000": ("In 30 days", timedelta(days=30)),
    "7776000": ("In 90 days", timedelta(days=90)),
    "31536000": ("In 1 year", timedelta(days=365)),
    "custom": ("In … days", None),
}
FULL, CUSTOM = "full", "custom"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One component, with whether the token may run it."""

    id: str
    name: str
    kind: str
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class BucketChoice:
    id: str
    permission: str
    """ "", "read" or "write"."""


@dataclass(kw_only=True)
class TokenForm:
    """``life`` and ``days`` are of a new token alone."""

    description: str = ""
    access: str = CUSTOM
    components: list[Choice] = field(default_factory=list)
    buckets: list[BucketChoice] = field(default_factory=list)
    may_manage_buckets: bool = False
    life: str = ""
    days: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def lives(self) -> list[tuple[str, str, bool]]:
        return [(value, words, value == self.life) for value, (words, _) in LIVES.items()]

    def wanted(self) -> Grant:
        """Raises InvalidToken for a number of days that is none."""
        is_full = self.access == FULL
        buckets = {each.id: each.permission for each in self.buckets if each.permission}
        return Grant(
            description=self.description,
            component_access=None if is_full else [each.id for each in self.components if each.is_chosen],
            bucket_permissions=None if is_full else buckets,
            may_manage_buckets=is_full and self.may_manage_buckets,
            expires_in=self._expires_in(),
        )

    def _expires_in(self) -> timedelta | None:
        if self.life != CUSTOM:
            return LIVES.get(self.life, LIVES[""])[1]
        if not self.days.isascii() or not self.days.isdigit() or not 0 < int(self.days[:6]) <= 3660:
            raise InvalidToken("expiresIn", "Expected a number of days from 1 to 3660.")
        return timedelta(days=int(self.days))

    def refuse(self, error: InvalidToken) -> None:
        message = error.message
        self.errors[error.field.split(".")[0]] = f"{message[:1].upper()}{message[1:]}"


def blank(project: Project) -> TokenForm:
    return _filled(TokenForm(), project, set(), {})


def of_token(token: Token) -> TokenForm:
    form = TokenForm(
        description=token.description,
        access=FULL if token.component_access is None and token.bucket_permissions is None else CUSTOM,
        may_manage_buckets=token.may_manage_buckets,
    )
    return _filled(form, token.project, set(token.component_access or ()), token.bucket_permissions or {})


def of_post(post: QueryDict, project: Project) -> TokenForm:
    """Buckets are posted as ``bucket-in.c-sales=read``."""
    form = TokenForm(
        description=post.get("description", ""),
        access=FULL if post.get("access") == FULL else CUSTOM,
        may_manage_buckets="manage_buckets" in post,
        life=post.get("life", ""),
        days=post.get("days", "").strip(),
    )
    buckets = {name.removeprefix("bucket-"): str(value) for name, value in post.items() if name.startswith("bucket-")}
    return _filled(form, project, set(post.getlist("component")), buckets)


def _filled(form: TokenForm, project: Project, components: set[str], permissions: dict[str, str]) -> TokenForm:
    form.components = [
        Choice(id=each.id, name=each.name, kind=each.kind.value, is_chosen=each.id in components)
        for each in catalogue.all()
        if not each.is_hidden
    ]
    known = Bucket.objects.in_project(project).order_by("stage", "name")
    form.buckets = [
        BucketChoice(id=each.bucket_id, permission=permissions.get(each.bucket_id, "").strip()) for each in known
    ]
    return form
