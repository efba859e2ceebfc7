"""A new project, and the settings of one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from orchestrations import access, accounts
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest, PersonRequest, for_members, for_people
from orchestrations.views.people_forms import ProjectForm, ProjectNameForm


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def new(request: PersonRequest) -> HttpResponse:
    try:
        access.require_to_make_projects(request.user)
    except access.Denied as error:
        raise PermissionDenied(str(error)) from error
    form = ProjectNameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        project = accounts.create_project(form.cleaned_data["name"], creator=request.user, now=timezone.now())
        messages.success(request, f"Project {project.name} created. You are its admin.")
        return go_to(request, reverse("dashboard", args=[project.pk]))
    context = {"fragment": wants_fragment(request), "form": form, "back_url": reverse("home")}
    return render(request, "orchestrations/project_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.ADMIN)
def settings(request: MemberRequest) -> HttpResponse:
    member = request.member
    form = ProjectForm(request.POST if request.method == "POST" else None, project=member.project)
    if request.method == "POST" and form.is_valid():
        accounts.change_project(member.project, **form.cleaned_data, actor=member.actor)
        messages.success(request, "Settings saved.")
        return redirect("project-settings", project_id=member.project.pk)
    context = {
        "form": form,
        "paused_at": member.project.paused_at,
        "pause_url": links.find("project-pause", member.project.pk),
        "dashboard_url": reverse("dashboard", args=[member.project.pk]),
    }
    return render(request, "orchestrations/project_settings.html", context, status=422 if form.errors else 200)
