"""What the frame around every page shows: context processor of base.html. Fragments never ask for it, so it is lazy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from orchestration_site import health
from orchestrations import accounts
from orchestrations.lib import links
from orchestrations.models import Project, Role, User
from orchestrations.models.accounts import Theme
from orchestrations.views.members import Member

NAVIGATION = [
    ("Dashboard", "dashboard", ("dashboard",)),
    ("Components", "components", ("component", "configuration")),
    ("Storage", "storage", ("storage", "bucket", "table")),
    ("Orchestrations", "orchestrations", ("orchestration", "schedule", "event-trigger", "next-starts")),
    ("Jobs", "jobs", ("job",)),
]
"""Label, name of the address, and how the names of the pages below it begin."""
PROJECT_MENU = [
    ("Members", "members", "people", Role.VIEWER),
    ("API Tokens", "tokens", "key", Role.VIEWER),
    ("Notifications", "notifications", "bell", Role.VIEWER),
    ("Trash", "trash", "trash", Role.VIEWER),
    ("Settings", "project-settings", "gear", Role.ADMIN),
]
"""Label, name of the address, icon, and who may go there. Pages that are not there (yet) are left out."""


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"frame": SimpleLazyObject(lambda: _frame(request))}


def _frame(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return {"theme": ""}
    member: Member | None = getattr(request, "member", None)
    projects = list(accounts.projects_of(user))
    project = member.project if member is not None else _left(request, projects)
    return {
        "theme": "" if user.theme == Theme.SYSTEM else user.theme,
        "home_url": reverse("dashboard", args=[project.pk]) if project else reverse("home"),
        "user": {"name": user.name, "email": user.email},
        "project": project,
        "projects": [
            {"name": each.name, "url": reverse("dashboard", args=[each.pk]), "current": each == project}
            for each in projects
        ],
        "new_project_url": reverse("project-new") if _makes_projects(user, member) else "",
        "nav": _navigation(request, project) if project else [],
        "menu": _project_menu(request, member) if member else [],
        "search_url": reverse("search", args=[project.pk]) if project else "",
        "is_search": _here(request) == "search",
        "bell_url": reverse("my-notifications"),
        "outbox_url": reverse("outbox") if user.is_superuser and not settings.EMAIL_HOST else "",
        "health": _health(request, project),
        "paused_at": member.project.paused_at if member is not None else None,
        "resume_url": reverse("project-pause", args=[member.project.pk]) if member and member.may_operate else "",
        "profile_url": f"{reverse('profile')}?project={project.pk}" if project else reverse("profile"),
        "time_zone_url": reverse("time-zone") if user.time_zone is None else "",
        "theme_url": reverse("theme"),
        "admin_url": reverse("admin:index") if user.is_staff else "",
    }


def _makes_projects(user: User, member: Member | None) -> bool:
    """By what is known here: an editor of another project alone knows the address."""
    return user.is_superuser or (member is not None and member.may(Role.EDITOR))


def _left(request: HttpRequest, projects: list[Project]) -> Project | None:
    """A page that belongs to no project leads back to the one that it was reached from: ?project=<id>."""
    return next((each for each in projects if str(each.pk) == request.GET.get("project")), None)


def _here(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.url_name or "") if match else ""


def _navigation(request: HttpRequest, project: Project) -> list[dict[str, Any]]:
    here = getattr(request, "section", "") or _here(request)
    return [
        {"label": label, "url": url, "current": here == name or here.startswith(stems)}
        for label, name, stems in NAVIGATION
        if (url := links.find(name, project.pk))
    ]


def _project_menu(request: HttpRequest, member: Member) -> list[dict[str, Any]]:
    here = _here(request)
    return [
        {"label": label, "url": url, "icon": icon, "current": here == name}
        for label, name, icon, role in PROJECT_MENU
        if member.may(role) and (url := links.find(name, member.project.pk))
    ]


def _health(request: HttpRequest, project: Project | None) -> dict[str, str]:
    now = timezone.now()
    found = health.look(now, workers=getattr(request, "workers", None))
    return {
        "status": "success" if found.is_good else "error",
        "sentence": found.sentence(now, timezone.get_current_timezone()),
        "url": f"{reverse('dashboard', args=[project.pk])}#health" if project else "",
    }
