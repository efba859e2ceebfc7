"""The page of an orchestration: what it consists of, and its runs at a glance, live while one is active."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from jobs import usual
from jobs.queries import notifications
from jobs.queries import runs as run_queries
from jobs.queries.rows import component_of, configuration_url, rows_of
from jobs.queries.scores import score_of
from jobs.views import ticks
from jobs.views.answers import find_orchestration
from jobs.views.orchestrations import basics_of
from orchestrations import granting, queries
from orchestrations.lib import links
from orchestrations.lib.htmx import wants_fragment
from orchestrations.lib.pages import page_of
from orchestrations.models import Orchestration, Phase, Role, Task
from orchestrations.views.members import Member, MemberRequest

FILTER = "runs"
PAGE = 10
More = Callable[[MemberRequest, Orchestration], dict[str, Any]]
Phases = list[tuple[Phase, list[Task]]]


@ticks.live(ticks.of_jobs)
def detail(request: MemberRequest, orchestration_id: int, *, more: More) -> HttpResponse:
    """The orchestration with its runs; as a fragment the runs alone. ``more``: what the floors above add to it."""
    orchestration = find_orchestration(request, orchestration_id)
    phases = queries.phases_of(orchestration)
    usual_seconds = usual.seconds(orchestration.pk)
    runs = _runs(request, orchestration, phases, usual_seconds)
    if wants_fragment(request):
        return render(request, "orchestrations/_run_list.html", runs)
    context = {
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "orchestration": {**_facts(orchestration, phases, request.member), "usual_seconds": usual_seconds},
        "links": _links(orchestration, request.member),
        "token": (token := queries.token_of(orchestration)),
        "token_url": links.of("token", orchestration.project_id, token.pk) if token else "",
        "token_lacks": granting.lacks(orchestration, request.member.now),
        "notifications": notifications.card_of(orchestration, request.member.now),
        "versions": _versions(orchestration),
        "phases": _phases(phases),
        **runs,
        **more(request, orchestration),
    }
    return render(request, "orchestrations/orchestration_detail.html", context)


def _facts(orchestration: Orchestration, phases: Phases, member: Member) -> dict[str, Any]:
    filled = [(phase, tasks) for phase, tasks in phases if tasks]
    size = queries.Size(sum(len(tasks) for _, tasks in filled), len(filled))
    return {
        **basics_of(orchestration, member),
        "description": orchestration.description,
        "tasks_words": size.words,
        "phase_names": [phase.name for phase, _ in filled],
        "version": orchestration.version,
    }


def _links(orchestration: Orchestration, member: Member) -> dict[str, str]:
    """Pages about it, "" for those that do not exist or that the viewer may not use."""
    address = [orchestration.project_id, orchestration.pk]
    found = {
        "export": links.find("orchestration-export", *address),
        "help": reverse("orchestrations-help", args=address[:1]),
        "versions": links.find("versions", *address),
        "compare": _compare_url(orchestration, orchestration.version),
    }
    changing = {
        "edit": "orchestration-edit",
        "tasks": "orchestration-tasks",
        "notifications": "orchestration-notifications",
        "token": "orchestration-token",
        "copy": "configuration-copy",
        "trash": "configuration-trash",
    }
    may_change = member.may(Role.EDITOR)
    return found | {key: links.find(name, *address) if may_change else "" for key, name in changing.items()}


def _compare_url(orchestration: Orchestration, version: int) -> str:
    """What this save changed."""
    page = links.find("version-compare", orchestration.project_id, orchestration.pk)
    return f"{page}?from={version - 1}&to={version}" if page and version > 1 else ""


def _versions(orchestration: Orchestration) -> list[dict[str, Any]]:
    return [
        {
            "version": each.version,
            "change_description": each.change_description,
            "created_at": each.created_at,
            "created_by": each.created_by,
            "created_with": each.created_with,
            "compare_url": _compare_url(orchestration, each.version),
        }
        for each in queries.last_versions(orchestration)
    ]


def _phases(phases: Phases) -> list[dict[str, Any]]:
    return [
        {
            "name": phase.name,
            "tasks": [
                {
                    "name": task.name or (task.configuration.name if task.configuration else task.component_id),
                    "url": configuration_url(task.configuration),
                    "component": component_of(task.component_id)[0],
                    "kind": component_of(task.component_id)[1],
                    "is_active": task.is_enabled,
                    "continues_on_failure": task.continue_on_failure,
                }
                for task in tasks
            ],
        }
        for phase, tasks in phases
    ]


def _runs(
    request: MemberRequest, orchestration: Orchestration, phases: Phases, usual_seconds: float | None
) -> dict[str, Any]:
    """The runs that the filter keeps: a page of them as rows, and the score of the thirty from its first row on."""
    which = request.GET.get(FILTER, "")
    if which not in run_queries.FILTERS:
        raise Http404("There is no such filter of runs.")
    member, path = request.member, request.path
    found = run_queries.of_orchestration(orchestration, which)
    page = page_of(found, request.GET, path, PAGE)
    rows = rows_of(page.rows, project=member.project, now=member.now)
    zone = timezone.get_current_timezone()
    shown = found.filter(pk__lte=page.rows[0].pk) if page.rows else found.none()
    run_url = reverse("orchestration-run", args=[orchestration.project_id, orchestration.pk])
    score = score_of(orchestration, shown, phases, usual_seconds=usual_seconds, now=member.now, zone=zone)
    return {
        "score": score,
        "runs": rows,
        "live_url": request.get_full_path() if score and score.is_active else "",
        "filters": [
            {"label": label, "url": f"{path}?{FILTER}={value}" if value else path, "current": value == which}
            for value, label in run_queries.FILTERS.items()
        ],
        "is_filtered": bool(which),
        "all_url": path,
        "run_url": run_url if member.may_operate else "",
        "tasks_url": _links(orchestration, member)["tasks"],
        "has_tasks": any(tasks for _, tasks in phases),
        "newer_url": page.newer_url,
        "older_url": page.older_url,
    }
