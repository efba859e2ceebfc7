""" "New Orchestration", and the name and description of one that is there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orchestrations import editing, queries
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import Content
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Configuration, Orchestration, Role
from orchestrations.views.finding import about_name, number_of
from orchestrations.views.members import MemberRequest, for_members

IN_PLACE = "heading"
"""The id of the element of the orchestration's page that becomes the form when htmx asks for it there."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def new(request: MemberRequest) -> HttpResponse:
    member = request.member
    if request.method != "POST":
        return _form(request)
    name = request.POST.get("name", "")
    try:
        created = editing.create(member.project, ORCHESTRATOR, Content(name=name), actor=member.actor, now=member.now)
    except editing.InvalidConfiguration as error:
        return _form(request, name=name, error=about_name(error))
    messages.success(request, f"{created.name} created.")
    return go_to(request, after_creation(created))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def edit(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST name, description, expected=<version that was the newest when the form was drawn>."""
    orchestration = find_orchestration(request, orchestration_id)
    if request.method != "POST":
        stored = {"name": orchestration.name, "description": orchestration.description}
        return _edit_form(request, orchestration, stored)
    # Browsers send the ends of lines as \r\n; stored ones would differ from it for ever.
    typed = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in ("name", "description")}
    try:
        _save(request, orchestration, typed)
    except editing.StaleEdit as error:
        current = find_orchestration(request, orchestration_id)
        told = f"{error} Its name is “{current.name}” now. Save again to put yours in its place."
        return _edit_form(request, current, typed, error=told)
    except editing.InvalidConfiguration as error:
        return _edit_form(request, orchestration, typed, name_error=about_name(error))
    return go_to(request, reverse("orchestration", args=[orchestration.project_id, orchestration.pk]))


def find_orchestration(request: MemberRequest, orchestration_id: int) -> Orchestration:
    found = queries.find_orchestration(request.member.project, orchestration_id)
    if found is None:
        raise Http404("There is no such orchestration in this project.")
    return found


def after_creation(orchestration: Configuration, *, to_tasks: bool = True) -> str:
    """A new one has no tasks yet, so the editor of tasks comes first."""
    address = [orchestration.project_id, orchestration.pk]
    editor = links.find("orchestration-tasks", *address) if to_tasks else ""
    return editor or reverse("orchestration", args=address)


# --- Private -----------------------------------------------------------------------------------


def _save(request: MemberRequest, orchestration: Orchestration, typed: dict[str, str]) -> None:
    if typed["name"].strip() == orchestration.name and typed["description"] == orchestration.description:
        return
    is_renamed = typed["name"].strip() != orchestration.name
    editing.update(
        orchestration,
        Content(name=typed["name"], description=typed["description"]),
        actor=request.member.actor,
        now=request.member.now,
        expected_version=number_of(request.POST.get("expected")),
        change_description="Rename orchestration" if is_renamed else "Update description",
    )
    messages.success(request, "Name saved." if is_renamed else "Description saved.")


def _form(request: MemberRequest, name: str = "", error: str = "") -> HttpResponse:
    project_id = request.member.project.pk
    context = {
        "fragment": wants_fragment(request),
        "list_url": reverse("orchestrations", args=[project_id]),
        "import_url": links.find("orchestration-import", project_id),
        "action_url": request.path,
        "name": name,
        "error": error,
    }
    return render(request, "orchestrations/orchestration_form.html", context, status=422 if error else 200)


def _edit_form(
    request: MemberRequest,
    orchestration: Orchestration,
    typed: dict[str, Any],
    *,
    error: str = "",
    name_error: str = "",
) -> HttpResponse:
    address = [orchestration.project_id, orchestration.pk]
    context = {
        "fragment": wants_fragment(request),
        "list_url": reverse("orchestrations", args=address[:1]),
        "orchestration": {"name": orchestration.name, "url": reverse("orchestration", args=address)},
        "action_url": request.path,
        "expected": orchestration.version,
        "error": error,
        "name_error": name_error,
        **typed,
    }
    is_in_place = wants_fragment(request) and request.htmx.target == IN_PLACE
    template = "_heading_form" if is_in_place else "orchestration_edit_form"
    return render(request, f"orchestrations/{template}.html", context, status=422 if error or name_error else 200)
