"""Orchestrations with their last runs: the overview, and the switch. When they start, the floor above says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from jobs.queries import notifications, overviews
from jobs.queries import runs as run_queries
from jobs.views import ticks
from jobs.views.answers import find_orchestration, page_or_fragment
from orchestrations import editing
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Orchestration, Role
from orchestrations.views.members import Member, MemberRequest

FILTERS_FORM = "overview-filters"
"""The id of the form above the overview; what it asks for becomes the address."""
MENU = (
    ("edit", "Edit tasks", "orchestration-tasks", False, False),
    ("calendar", "Add a schedule", "schedule-new", True, False),
    ("bell", "Notifications", "orchestration-notifications", True, False),
    ("copy", "Copy", "configuration-copy", True, False),
    ("trash", "Move to Trash", "configuration-trash", True, True),
)
"""Of a row: icon, words, name of the page, whether that opens as a dialog, whether it takes something away."""


@ticks.live(ticks.of_jobs)
def overview(request: MemberRequest, *, automations: overviews.Automations) -> HttpResponse:
    """?q=&last=&enabled=&starts=&sort=&page=; as a fragment the table alone."""
    member = request.member
    filters = overviews.read(request.GET)
    found = overviews.find(member.project, filters, automations)
    rows = run_queries.overview(found.page, project=member.project, now=member.now)
    untold = notifications.untold(member.project, list(found.automations), member.now)
    response = page_or_fragment(
        request,
        "orchestrations/orchestration_list.html",
        "orchestrations/_orchestration_table.html",
        {
            "orchestrations": [_row(each, member, found.automations, untold) for each in rows],
            "active_count": found.active,
            "live_url": f"{request.path}{filters.query}" if found.active else "",
            **_around(request, filters, found),
        },
    )
    if wants_fragment(request) and request.htmx.trigger == FILTERS_FORM:
        response["HX-Replace-Url"] = f"{request.path}{filters.query}"
    return response


def _around(request: MemberRequest, filters: overviews.Filters, found: overviews.Found) -> dict[str, Any]:
    """What stands above and below the rows."""
    path, project_id = request.path, request.member.project.pk
    page = min(filters.page, found.pages)
    may_edit = request.member.may(Role.EDITOR)
    return {
        "filters": filters,
        "last_runs": [(value, label, found.counts[value]) for value, (label, _) in overviews.LAST_RUNS.items()],
        "fragment": wants_fragment(request),
        "starts": [(value, label) for value, (label, _) in overviews.STARTS.items()],
        "switches": list(overviews.SWITCHES.items()),
        "sorts": list(overviews.SORTS.items()),
        "total": found.total,
        "matching": found.matching,
        "clear_url": path,
        "page": page,
        "pages": found.pages,
        "previous_url": f"{path}{filters.on_page(page - 1).query}" if page > 1 else "",
        "next_url": f"{path}{filters.on_page(page + 1).query}" if page < found.pages else "",
        "new_url": links.find("orchestration-new", project_id) if may_edit else "",
        "next_starts_url": links.find("next-starts", project_id),
        "import_url": links.find("orchestration-import", project_id) if may_edit else "",
    }


def switch(request: MemberRequest, orchestration_id: int, *, automations: overviews.Automations) -> HttpResponse:
    """POST enabled=1 or 0. htmx gets the switch, or the row of the overview when that holds it."""
    member = request.member
    orchestration = find_orchestration(request, orchestration_id)
    try:
        editing.set_enabled(orchestration, request.POST.get("enabled") == "1", actor=member.actor, now=member.now)
    except editing.InvalidConfiguration as error:
        raise Http404(str(error)) from error  # moved to the trash since it was found
    orchestration = find_orchestration(request, orchestration_id)
    if not wants_fragment(request):
        back = "orchestrations" if request.POST.get("from") == "list" else "orchestration"
        arguments = [member.project.pk] if back == "orchestrations" else [member.project.pk, orchestration.pk]
        return go_to(request, reverse(back, args=arguments))
    if request.htmx.target == f"orchestration-{orchestration.pk}":
        found = run_queries.overview_of(orchestration, now=member.now)
        untold = notifications.untold(member.project, [orchestration.pk], member.now)
        row = _row(found, member, automations(member.project, [orchestration.pk]), untold)
        return render(request, "orchestrations/_orchestration_row.html", {"row": row})
    context = {**basics_of(orchestration, member), "target": "switch", "with_words": True}
    return render(request, "orchestrations/_enabled_switch.html", context)


def _row(
    found: run_queries.Overview,
    member: Member,
    automations: Mapping[int, overviews.Automation],
    untold: Collection[int],
) -> dict[str, Any]:
    orchestration = found.orchestration
    return {
        **basics_of(orchestration, member),
        "description": orchestration.description,
        "tasks_words": found.size.words,
        "last_run": found.last_run,
        "spark": found.spark,
        "automation": automations.get(orchestration.pk),
        "tells_nobody": orchestration.pk in untold,
        "links": _links(orchestration, member),
    }


def _links(orchestration: Orchestration, member: Member) -> list[dict[str, Any]]:
    """What the menu of its row offers to who may change it."""
    if not member.may(Role.EDITOR):
        return []
    address = (orchestration.project_id, orchestration.pk)
    return [
        {
            "icon": icon,
            "words": words,
            "url": links.find(name, *address),
            "is_dialog": is_dialog,
            "is_danger": is_danger,
        }
        for icon, words, name, is_dialog, is_danger in MENU
    ]


def basics_of(orchestration: Orchestration, member: Member) -> dict[str, Any]:
    """What list and page both show and offer."""
    address = (member.project.pk, orchestration.pk)
    return {
        "id": orchestration.pk,
        "name": orchestration.name,
        "url": links.of("orchestration", *address),
        "is_enabled": not orchestration.is_disabled,
        "run_url": links.of("orchestration-run", *address) if member.may_operate else "",
        "toggle_url": links.of("orchestration-switch", *address) if member.may_operate else "",
    }
