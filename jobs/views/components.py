"""The catalogue of components, and one component with its configurations."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs.queries import configurations as queries
from jobs.queries.rows import component_of
from jobs.views import ticks
from jobs.views.answers import page_or_fragment
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib import links
from orchestrations.models import Role
from orchestrations.views.members import Member, MemberRequest, for_members

SEARCH = "q"
LONGEST_SEARCH = 200
MOST_ROWS = 50


@require_safe
@for_members()
def catalogue(request: MemberRequest) -> HttpResponse:
    member = request.member
    sought = request.GET.get(SEARCH, "")[:LONGEST_SEARCH].strip()
    groups = [
        {"title": group.title, "entries": [_entry(each, member) for each in group.entries]}
        for group in queries.catalogue_of(member.project, sought)
    ]
    context = {"groups": groups, "sought": sought, "all_url": request.path}
    return page_or_fragment(
        request, "configurations/component_list.html", "configurations/_component_groups.html", context
    )


@require_safe
@for_members()
@ticks.live(ticks.of_jobs)
def detail(request: MemberRequest, component_id: str) -> HttpResponse:
    """Also of a component that is not installed any more, while it has configurations."""
    member = request.member
    if component_id == ORCHESTRATOR:
        return redirect("orchestrations", member.project.pk)
    component = queries.component(component_id)
    sought = request.GET.get(SEARCH, "")[:LONGEST_SEARCH].strip()
    found = queries.of_component(member.project, component_id, sought, most=MOST_ROWS)
    if component is None and not found.total:
        raise Http404("There is no such component.")
    shown = queries.rows(found.first, project=member.project, now=member.now)
    rows = [_row(each, member) for each in shown]
    is_active = any(row["last_job"] and row["last_job"].is_active for row in rows)
    may_add = component is not None and member.may(Role.EDITOR)
    context = {
        "list_url": reverse("components", args=[member.project.pk]),
        "component": {
            "id": component_id,
            "name": component_of(component_id)[0],
            "kind": component_of(component_id)[1],
            "description": component.description if component else "",
            "is_installed": component is not None,
            "documentation_url": component.documentation_url if component else "",
        },
        "new_url": reverse("configuration-new", args=[member.project.pk, component_id]) if may_add else "",
        "rows": rows,
        "has_any": bool(found.total),
        "more_count": max(0, found.matching - MOST_ROWS),
        "sought": sought,
        "all_url": request.path,
        "live_url": request.get_full_path() if is_active else "",
    }
    return page_or_fragment(
        request, "configurations/component_detail.html", "configurations/_configuration_table.html", context
    )


def _entry(entry: queries.Entry, member: Member) -> dict[str, Any]:
    url = reverse("component", args=[member.project.pk, entry.id])
    if entry.is_orchestrator:
        url = reverse("orchestrations", args=[member.project.pk])
    noun = "orchestration" if entry.is_orchestrator else "configuration"
    words = f"{entry.count} {noun}{'' if entry.count == 1 else 's'}" if entry.count else f"No {noun}s yet"
    return {
        "id": entry.id,
        "name": entry.name,
        "kind": entry.kind,
        "description": entry.description,
        "words": words,
        "url": url,
    }


def _row(row: queries.Row, member: Member) -> dict[str, Any]:
    configuration = row.configuration
    address = (member.project.pk, configuration.pk)
    return {
        "id": configuration.pk,
        "name": configuration.name,
        "description": configuration.description,
        "url": links.of("configuration", *address),
        "run_url": links.of("configuration-run", *address) if member.may_operate else "",
        "is_enabled": not configuration.is_disabled,
        "edited_at": configuration.updated_at,
        "version": configuration.version,
        "last_job": row.last_job,
    }
