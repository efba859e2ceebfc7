""" "Run orchestration": the dialog and page where tasks are chosen for one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from jobs import launching, waiting
from jobs.queries import reasons, selections
from jobs.queries.expectations import expectation_of
from jobs.views.answers import find_orchestration, tell_scheduled
from orchestrations import granting, plans, queries
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Configuration, Orchestration, Role
from orchestrations.views.members import Member, MemberRequest

More = Callable[[MemberRequest, Orchestration], dict[str, Any]]

TASK = "task"
EXPECTATION = "expectation"
"""The id of the part of the dialog that is asked for again whenever the choice changes."""

CHANGED = "The orchestration was changed while this was open. Here is how it stands now: choose again, then run."


def run(request: MemberRequest, orchestration_id: int, *, more: More) -> HttpResponse:
    """``?task=…`` or ``?from=<n>`` choose beforehand; as the expectation's fragment it says how long that takes.

    ``more``: what the floors above add to the form where the token will expire.
    """
    orchestration = find_orchestration(request, orchestration_id)
    plan = queries.plan_of(orchestration)
    if asks_expectation(request):
        return answer_expectation(request, plan, request.GET.getlist(TASK), orchestration)
    if request.method != "POST":
        return _form(request, orchestration, plan, _asked_for(request, plan), more)
    chosen = request.POST.getlist(TASK)
    if request.POST.get("version", str(orchestration.version)) != str(orchestration.version):
        # What was chosen from then would leave out, unseen, what has come since.
        return _form(request, orchestration, plan, chosen, more, CHANGED)
    try:
        job = launching.launch(
            request.member.project,
            orchestration.component_id,
            orchestration,
            # The dialog says that it is disabled: by hand it runs all the same (R15).
            launching.Request(only_task_keys=_selection(plan, chosen), forced=True),
            actor=request.member.actor,
            now=request.member.now,
        )
    except launching.Refused as error:
        return _form(request, orchestration, plan, chosen, more, str(error))
    tell_scheduled(request, job)
    return go_to(request, reverse("orchestration", args=[orchestration.project_id, orchestration.pk]))


def asks_expectation(request: MemberRequest) -> bool:
    return request.method == "GET" and wants_fragment(request) and request.htmx.target == EXPECTATION


def answer_expectation(
    request: MemberRequest, plan: plans.Plan, chosen: list[str], orchestration: Configuration | None
) -> HttpResponse:
    """How long these tasks should take, while somebody chooses them."""
    found = expectation_of(plan, chosen, orchestration, project_id=request.member.project.pk)
    return render(request, "components/_expectation.html", {"expectation": found, "url": request.path})


def _asked_for(request: MemberRequest, plan: plans.Plan) -> list[str]:
    """Tasks by name, a phase and everything after it, or all active tasks."""
    chosen = request.GET.getlist(TASK)
    return chosen or selections.active_from(plan, selections.place_of(request.GET.get("from", "")) or 0)


def _selection(plan: plans.Plan, chosen: list[str]) -> list[str] | None:
    """None when exactly the active tasks are chosen: that is an ordinary run, not a partial one."""
    return None if set(chosen) == set(selections.active_from(plan, 0)) and chosen else chosen


def _form(
    request: MemberRequest,
    orchestration: Orchestration,
    plan: plans.Plan,
    chosen: list[str],
    more: More,
    error: str = "",
) -> HttpResponse:
    member = request.member
    address = [member.project.pk, orchestration.pk]
    url, token = reverse("orchestration-run", args=address), queries.token_of(orchestration)
    context = {
        "fragment": wants_fragment(request),
        "list_url": reverse("orchestrations", args=[member.project.pk]),
        "action_url": url,
        "orchestration": {
            "name": orchestration.name,
            "version": orchestration.version,
            "url": reverse("orchestration", args=address),
            "is_enabled": not orchestration.is_disabled,
            "tasks_url": links.find("orchestration-tasks", *address) if member.may(Role.EDITOR) else "",
            "token_url": reverse("orchestration-token", args=address) if member.may(Role.EDITOR) else "",
        },
        "token": token,
        "token_lacks": granting.lacks(orchestration, member.now),
        "waiting": _would_wait_for(orchestration, member),
        "phases": selections.phases_of(plan, chosen, project=member.project, from_url=f"{url}?from="),
        "expectation": expectation_of(plan, chosen, orchestration, project_id=member.project.pk),
        "error": error,
        **(more(request, orchestration) if token is not None and token.expires_at is not None else {}),
    }
    return render(request, "orchestrations/orchestration_run_form.html", context, status=422 if error else 200)


def _would_wait_for(orchestration: Orchestration, member: Member) -> Any:
    reason = waiting.reason_before_launch(orchestration, now=member.now)
    if reason is None:
        return ""
    zone = timezone.get_current_timezone()
    return reasons.sentence(reason, project_id=member.project.pk, now=member.now, zone=zone)
