""" "Pause project" and "Resume project": asks first, on a page that is also a dialog."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs import pausing
from jobs.queries import jobs as queries
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest, for_members


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def pause(request: MemberRequest) -> HttpResponse:
    """POST paused=1 or 0."""
    member, project = request.member, request.member.project
    dashboard_url = reverse("dashboard", args=[project.pk])
    if request.method == "POST":
        if request.POST.get("paused") == "1":
            pausing.pause(project, actor=member.actor, now=member.now)
            messages.success(request, "Project paused: nothing new starts.")
        else:
            pausing.resume(project, actor=member.actor)
            messages.success(request, "Project resumed.")
        return go_to(request, dashboard_url)
    context = {
        "fragment": wants_fragment(request),
        "project": project,
        "paused_by": pausing.paused_by(project) if project.paused_at else "",
        "counts": queries.counts(project),
        "action_url": request.path,
        "back_url": dashboard_url,
    }
    return render(request, "jobs/project_pause_form.html", context)
