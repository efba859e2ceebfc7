"""Orchestrations with their last runs: the overview, and the switch."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jobs.queries import runs as run_queries
from jobs.views.answers import find_orchestration, go_to, page_or_fragment
from orchestrations import editing, queries
from orchestrations.lib.htmx import wants_fragment
from orchestrations.models import Orchestration, Role
from orchestrations.views.members import Member, MemberRequest, for_members


@require_safe
@for_members()
def overview(request: MemberRequest) -> HttpResponse:
    member = request.member
    found = run_queries.overview(queries.orchestrations_of(member.project), project=member.project, now=member.now)
    rows = [_row(each, member) for each in found]
    active = sum(bool(each.last_run and each.last_run.is_active) for each in found)
    context = {"orchestrations": rows, "active_count": active, "live_url": request.get_full_path() if active else ""}
    return page_or_fragment(
        request, "orchestrations/orchestration_list.html", "orchestrations/_orchestration_table.html", context
    )


@require_POST
@for_members(Role.OPERATOR)
def switch(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST enabled=1 or 0. htmx gets the switch, or the row of the overview when that holds it."""
    member = request.member
    orchestration = find_orchestration(request, orchestration_id)
    editing.set_enabled(orchestration, request.POST.get("enabled") == "1", actor=member.actor, now=member.now)
    orchestration = find_orchestration(request, orchestration_id)
    if not wants_fragment(request):
        back = "orchestrations" if request.POST.get("from") == "list" else "orchestration"
        arguments = [member.project.pk] if back == "orchestrations" else [member.project.pk, orchestration.pk]
        return go_to(request, reverse(back, args=arguments))
    if request.htmx.target == f"orchestration-{orchestration.pk}":
        row = _row(run_queries.overview_of(orchestration, now=member.now), member)
        return render(request, "orchestrations/_orchestration_row.html", {"row": row})
    context = {**basics_of(orchestration, member), "target": "switch", "with_words": True}
    return render(request, "orchestrations/_enabled_switch.html", context)


def _row(found: run_queries.Overview, member: Member) -> dict[str, Any]:
    orchestration = found.orchestration
    return {
        **basics_of(orchestration, member),
        "description": orchestration.description,
        "tasks_words": found.size.words,
        "last_run": found.last_run,
        "spark": found.spark,
    }


def basics_of(orchestration: Orchestration, member: Member) -> dict[str, Any]:
    """What list and page both show and offer."""
    address = [member.project.pk, orchestration.pk]
    return {
        "id": orchestration.pk,
        "name": orchestration.name,
        "url": reverse("orchestration", args=address),
        "is_enabled": not orchestration.is_disabled,
        "run_url": reverse("orchestration-run", args=address) if member.may_operate else "",
        "toggle_url": reverse("orchestration-switch", args=address) if member.may_operate else "",
    }
