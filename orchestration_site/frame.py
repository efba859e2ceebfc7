"""What the frame around every page shows: context processor of base.html. Fragments never ask for it, so it is lazy."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from jobs import health
from orchestrations import accounts
from orchestrations.models import Project, User
from orchestrations.models.accounts import Theme

# (label, name of the URL, how the names of the URLs that belong to it begin)
NAVIGATION = [
    ("Components", "components", ("component", "configuration")),
    ("Orchestrations", "orchestrations", ("orchestration",)),
    ("Jobs", "jobs", ("job",)),
]


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"frame": SimpleLazyObject(lambda: _frame(request))}


def _frame(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return {"theme": ""}
    member = getattr(request, "member", None)
    project: Project | None = member.project if member is not None else None
    projects = accounts.projects_of(user)
    return {
        "theme": "" if user.theme == Theme.SYSTEM else user.theme,
        "home_url": reverse("orchestrations", args=[project.pk]) if project else reverse("home"),
        "user": {"name": user.name, "email": user.email},
        "project": project,
        "projects": [
            {"name": each.name, "url": reverse("orchestrations", args=[each.pk]), "current": each == project}
            for each in projects
        ],
        "nav": _navigation(request, project) if project else [],
        "health": _health(),
        "theme_url": reverse("theme"),
        "admin_url": reverse("admin:index") if user.is_staff else "",
    }


def _navigation(request: HttpRequest, project: Project) -> list[dict[str, Any]]:
    match = request.resolver_match
    here = (match.url_name or "") if match else ""
    return [
        {"label": label, "url": reverse(name, args=[project.pk]), "current": here == name or here.startswith(stem)}
        for label, name, stem in NAVIGATION
    ]


def _health() -> dict[str, str]:
    now = timezone.now()
    found = health.look(now)
    sentence = found.sentence(now, timezone.get_current_timezone())
    return {"status": "success" if found.workers else "error", "sentence": sentence}
