"""The trash: moving a configuration there, the list, taking it out again, removing it for good."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from orchestrations import editing, history
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR, ComponentKind, UnknownComponent
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Configuration, Role
from orchestrations.views.finding import crumbs_of, find_configuration, home_of, list_of, number_of
from orchestrations.views.members import MemberRequest, for_members


@require_safe
@for_members()
def trash_list(request: MemberRequest) -> HttpResponse:
    page = max(1, number_of(request.GET.get("page")) or 1)
    found = history.trash_of(request.member.project, (page - 1) * history.PAGE)
    return render(
        request,
        "orchestrations/trash_list.html",
        {
            "rows": [_row(request, each) for each in found.rows],
            "newer_url": f"{request.path}?page={page - 1}" if page > 1 else "",
            "older_url": f"{request.path}?page={page + 1}" if found.has_more else "",
            "may_restore": request.member.may(Role.EDITOR),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def trash(request: MemberRequest, configuration_id: int) -> HttpResponse:
    configuration = find_configuration(request, configuration_id)
    if request.method != "POST":
        context = _question(request, configuration, back_url=home_of(configuration))
        return render(request, "orchestrations/configuration_confirm_trash.html", context)
    editing.trash(configuration, actor=request.member.actor, now=request.member.now)
    there = reverse("trash", args=[configuration.project_id])
    messages.success(request, format_html('Moved to trash. <a href="{}">Trash</a>', there))
    return go_to(request, list_of(configuration))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def restore(request: MemberRequest, configuration_id: int) -> HttpResponse:
    configuration = find_configuration(request, configuration_id, in_trash=True)
    if request.method != "POST":
        return _ask_to_restore(request, configuration)
    try:
        editing.restore(configuration, actor=request.member.actor, now=request.member.now)
    except editing.InvalidConfiguration as error:
        return _ask_to_restore(request, configuration, error=str(error))
    link = format_html('<a href="{}">{}</a>', home_of(configuration), configuration.name)
    messages.success(request, format_html("{} is back from the trash.", link))
    return go_to(request, reverse("trash", args=[configuration.project_id]))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.ADMIN)
def purge(request: MemberRequest, configuration_id: int) -> HttpResponse:
    configuration = find_configuration(request, configuration_id, in_trash=True)
    if request.method != "POST":
        return _ask_to_purge(request, configuration)
    try:
        editing.purge(configuration, actor=request.member.actor)
    except editing.StillInUse as error:
        return _ask_to_purge(request, configuration, error=str(error))
    messages.success(request, f"{configuration.name} is removed for good.")
    return go_to(request, reverse("trash", args=[configuration.project_id]))


# --- Private -----------------------------------------------------------------------------------


def _ask_to_restore(request: MemberRequest, configuration: Configuration, error: str = "") -> HttpResponse:
    context = _question(request, configuration, error=error)
    status = 422 if error else 200
    return render(request, "orchestrations/configuration_confirm_restore.html", context, status=status)


def _ask_to_purge(request: MemberRequest, configuration: Configuration, error: str = "") -> HttpResponse:
    context = {**_question(request, configuration, error=error), "versions": configuration.version}
    status = 422 if error else 200
    return render(request, "orchestrations/configuration_confirm_purge.html", context, status=status)


def _question(
    request: MemberRequest, configuration: Configuration, *, back_url: str = "", error: str = ""
) -> dict[str, Any]:
    there = reverse("trash", args=[configuration.project_id])
    return {
        "fragment": wants_fragment(request),
        "configuration": configuration,
        "noun": "orchestration" if configuration.component_id == ORCHESTRATOR else "configuration",
        "crumbs": crumbs_of(configuration) if back_url else [{"name": "Trash", "url": there}],
        "back_url": back_url or there,
        "action_url": request.path,
        "use": history.use_of(configuration),
        "error": error,
    }


def _row(request: MemberRequest, configuration: Configuration) -> dict[str, Any]:
    address = [configuration.project_id, configuration.pk]
    component, kind = _component_of(configuration.component_id)
    return {
        "id": configuration.pk,
        "name": configuration.name,
        "component": component,
        "kind": kind,
        "deleted_at": configuration.deleted_at,
        "deleted_by": configuration.deleted_by,
        "version": configuration.version,
        "is_busy": getattr(configuration, "is_busy", False),
        "restore_url": reverse("configuration-restore", args=address) if request.member.may(Role.EDITOR) else "",
        "purge_url": reverse("configuration-purge", args=address) if request.member.may(Role.ADMIN) else "",
    }


def _component_of(component_id: str) -> tuple[str, str]:
    """Name and kind, also of a component that this installation knows no more."""
    try:
        component = catalogue.get(component_id)
    except UnknownComponent:
        return component_id, ComponentKind.APPLICATION.value
    return component.name, component.kind.value
