"""Finding the project through its members: strangers get 404, readers 403, anonymous people the login page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from orchestrations import access
from orchestrations.access import Actor
from orchestrations.lib.htmx import redirect_htmx, vary_on_htmx
from orchestrations.models import Project, Role, User


class PersonRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


@dataclass(frozen=True)
class Member:
    """A person inside a project that the person may see, at the moment of the request."""

    user: User
    project: Project
    role: Role
    now: datetime

    @property
    def actor(self) -> Actor:
        return Actor(user=self.user)

    def may(self, role: Role) -> bool:
        return access.RANK[self.role] >= access.RANK[role]

    @property
    def may_operate(self) -> bool:
        """Run, retry, terminate, enable and disable."""
        return self.may(Role.OPERATOR)


class MemberRequest(PersonRequest):
    """A request of a member of the project that its address names."""

    member: Member
    section: str
    """The name of the page that the navigation marks, where that is not the one whose address this is."""
    workers: Any
    """What the page has already found out about them (jobs.health); the frame shows it too."""


View = Callable[..., HttpResponseBase]


def for_people(view: View) -> View:
    """Anonymous people are led to the login page and back; a part of a page is led there as a whole."""
    led = login_required(view)

    @wraps(view)
    def wrapper(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.htmx and not request.user.is_authenticated:
            here = request.htmx.current_url_abs_path or "/"
            return redirect_htmx(HttpResponse(status=204), redirect_to_login(here).url)
        return led(request, *args, **kwargs)

    return wrapper


def for_members(role: Role = Role.VIEWER) -> Callable[[View], View]:
    """The view gets a MemberRequest; ``role`` is the least that the project must have given. Refusals become 403."""

    def decorate(view: View) -> View:
        @for_people
        @wraps(view)
        def wrapper(request: MemberRequest, project_id: int, *args: Any, **kwargs: Any) -> HttpResponseBase:
            visited = access.visit(request.user, project_id)
            if visited is None:
                raise Http404("There is no such project, or it is not yours.")
            member = Member(request.user, *visited, timezone.now())
            if not member.may(role):
                raise PermissionDenied(f"This needs the role {role.label.lower()}.")
            request.member = member
            try:
                response = view(request, *args, **kwargs)
            except access.Denied as error:
                raise PermissionDenied(str(error)) from error
            return vary_on_htmx(response) if isinstance(response, HttpResponse) else response

        return wrapper

    return decorate
