"""Versions of a configuration: the list, two of them side by side, an older one restored, one copied as new."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from orchestrations import editing, history
from orchestrations.components.catalogue import UnknownComponent
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Configuration, ConfigurationVersion, Role
from orchestrations.views.finding import about_name, crumbs_of, find_configuration, home_of, number_of
from orchestrations.views.members import MemberRequest, for_members

REFUSALS = (editing.InvalidConfiguration, editing.StaleEdit, UnknownComponent)


@require_safe
@for_members()
def version_list(request: MemberRequest, configuration_id: int) -> HttpResponse:
    configuration = find_configuration(request, configuration_id)
    found = history.versions_of(configuration, number_of(request.GET.get("before")))
    address = [configuration.project_id, configuration.pk]
    here = reverse("versions", args=address)
    newest = min(configuration.version, (found.newer or configuration.version + 1) - 1)
    return render(
        request,
        "orchestrations/version_list.html",
        {
            "configuration": configuration,
            "crumbs": crumbs_of(configuration),
            "versions": [_row(request, configuration, each) for each in found.rows],
            "compare_url": reverse("version-compare", args=address) if configuration.version > 1 else "",
            "chosen": {"from": found.rows[min(1, len(found.rows) - 1)].version if found.rows else 0, "to": newest},
            "newer_url": "" if found.newer is None else f"{here}?before={found.newer}",
            "older_url": "" if found.older is None else f"{here}?before={found.older}",
        },
    )


@require_safe
@for_members()
def compare(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """?from=2&to=5; without them the newest and the one before it."""
    configuration = find_configuration(request, configuration_id)
    new = _version(configuration, request.GET.get("to"), configuration.version)
    old = _version(configuration, request.GET.get("from"), max(1, new.version - 1))
    may_edit = request.member.may(Role.EDITOR)
    return render(
        request,
        "orchestrations/version_compare.html",
        {
            "configuration": configuration,
            "crumbs": crumbs_of(configuration, "versions"),
            "old": _row(request, configuration, old),
            "new": _row(request, configuration, new),
            "changes": history.compare(old, new),
            "choices": history.choices_of(configuration),
            "swap_url": f"{request.path}?from={new.version}&to={old.version}",
            "may_edit": may_edit,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def restore(request: MemberRequest, configuration_id: int, version: int) -> HttpResponse:
    """POST expected=<the version that was the newest when the page was drawn>."""
    configuration = find_configuration(request, configuration_id)
    old = _version(configuration, str(version), version)
    if request.method != "POST":
        return _ask_to_restore(request, configuration, old)
    try:
        saved = editing.roll_back(
            configuration,
            version,
            actor=request.member.actor,
            now=request.member.now,
            expected_version=number_of(request.POST.get("expected")),
        )
    except REFUSALS as error:
        return _ask_to_restore(request, configuration, old, error=str(error))
    messages.success(request, f"Version {version} restored as version {saved.version}.")
    return go_to(request, home_of(configuration))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def copy(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """ "Copy as new": the newest version, or ?version=."""
    configuration = find_configuration(request, configuration_id)
    asked = request.POST.get("version") or request.GET.get("version")
    version = _version(configuration, asked, configuration.version)
    if request.method != "POST":
        return _ask_to_copy(request, version, f"{version.name[:240]} (copy)")
    name = request.POST.get("name", "")
    try:
        copied = editing.copy(
            configuration, name=name, version=version.version, actor=request.member.actor, now=request.member.now
        )
    except REFUSALS as error:
        return _ask_to_copy(request, version, name, error=about_name(error))
    messages.success(request, f"Copied from {configuration.name} version {version.version}.")
    return go_to(request, home_of(copied))


# --- Private -----------------------------------------------------------------------------------


def _ask_to_restore(
    request: MemberRequest, configuration: Configuration, old: ConfigurationVersion, error: str = ""
) -> HttpResponse:
    current = _version(configuration, None, configuration.version)
    context = {
        "fragment": wants_fragment(request),
        "configuration": configuration,
        "crumbs": crumbs_of(configuration, "versions"),
        "back_url": reverse("versions", args=[configuration.project_id, configuration.pk]),
        "action_url": request.path,
        "version": old,
        "changes": history.compare(current, old, with_switch=False),
        "is_current": old.version == configuration.version,
        "expected": configuration.version,
        "error": error,
    }
    return render(request, "orchestrations/version_confirm_restore.html", context, status=422 if error else 200)


def _ask_to_copy(request: MemberRequest, version: ConfigurationVersion, name: str, error: str = "") -> HttpResponse:
    configuration = version.configuration
    context = {
        "fragment": wants_fragment(request),
        "configuration": configuration,
        "crumbs": crumbs_of(configuration),
        "back_url": home_of(configuration),
        "action_url": request.path,
        "version": version,
        "is_current": version.version == configuration.version,
        "name": name,
        "error": error,
    }
    return render(request, "orchestrations/configuration_copy_form.html", context, status=422 if error else 200)


def _version(configuration: Configuration, text: str | None, default: int) -> ConfigurationVersion:
    number = default if text is None else number_of(text)
    found = history.find_version(configuration, number) if number is not None else None
    if found is None:
        raise Http404("There is no such version.")
    found.configuration = configuration
    return found


def _row(request: MemberRequest, configuration: Configuration, version: ConfigurationVersion) -> dict[str, Any]:
    address = [configuration.project_id, configuration.pk]
    number = version.version
    is_current = number == configuration.version
    may_edit = request.member.may(Role.EDITOR)
    return {
        "number": number,
        "is_current": is_current,
        "change": version.change_description,
        "created_at": version.created_at,
        "by": version.created_by or version.created_with or "Somebody who left",
        "is_machine": version.created_by is None and bool(version.created_with),
        "changes_url": f"{reverse('version-compare', args=address)}?from={number - 1}&to={number}"
        if number > 1
        else "",
        "restore_url": reverse("version-restore", args=[*address, number]) if may_edit and not is_current else "",
        "copy_url": f"{reverse('configuration-copy', args=address)}?version={number}" if may_edit else "",
    }
