"""One configuration: its page with its jobs, its switch, and running it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs import launching, trying, usual, waiting
from jobs.queries import configurations as queries
from jobs.queries import mapped, reasons
from jobs.queries.rows import component_of, rows_of
from jobs.views import ticks
from jobs.views.answers import tell_scheduled
from orchestrations import configuration_drafts as drafts
from orchestrations import editing, table_uses
from orchestrations.components import parameters
from orchestrations.components.catalogue import ORCHESTRATOR, Component
from orchestrations.forms import mapping
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.lib.pages import page_of
from orchestrations.models import Configuration, Role
from orchestrations.views.members import Member, MemberRequest, for_members

AS, JSON = "as", "json"
JOBS_SHOWN = 10


@require_safe
@for_members()
@ticks.live(ticks.of_jobs)
def detail(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """As a fragment its jobs alone. An orchestration has a page of its own."""
    configuration = find_any(request, configuration_id)
    if configuration.component_id == ORCHESTRATOR:
        return redirect("orchestration", request.member.project.pk, configuration.pk)
    jobs = _jobs(request, configuration)
    if wants_fragment(request):
        return render(request, "configurations/_configuration_jobs.html", jobs)
    context = {**crumbs_of(configuration), "configuration": _facts(configuration, request.member), **jobs}
    context |= _content(request, configuration)
    context["uses"] = [
        {
            "name": use.name,
            "phase": use.phase,
            "is_enabled": use.is_enabled,
            "url": reverse("orchestration", args=[configuration.project_id, use.orchestration_id]),
        }
        for use in queries.uses_of(configuration)
    ]
    context["unmapped"] = sorted(table_uses.of_configuration(configuration).unmapped)
    return render(request, "configurations/configuration_detail.html", context)


@require_POST
@for_members(Role.OPERATOR)
def switch(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """POST enabled=1 or 0; htmx gets the switch."""
    member = request.member
    configuration = find_any(request, configuration_id)
    editing.set_enabled(configuration, request.POST.get("enabled") == "1", actor=member.actor, now=member.now)
    configuration = find_any(request, configuration_id)
    if not wants_fragment(request):
        return go_to(request, page_url(configuration))
    facts = _facts(configuration, member)
    context = {**facts, "target": "switch", "with_words": True}
    return render(request, "orchestrations/_enabled_switch.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def run(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """The dialog that asks before a job of it is created."""
    configuration = find(request, configuration_id)
    if request.method != "POST":
        return _run_form(request, configuration)
    try:
        job = launching.launch(
            request.member.project,
            configuration.component_id,
            configuration,
            # The dialog says that it is disabled: by hand it runs all the same (R15).
            launching.Request(forced=True),
            actor=request.member.actor,
            now=request.member.now,
        )
    except (launching.Refused, LookupError) as error:
        return _run_form(request, configuration, error=str(error))
    tell_scheduled(request, job)
    return go_to(request, page_url(configuration))


def find_any(request: MemberRequest, configuration_id: int) -> Configuration:
    """Orchestrations too."""
    found = queries.find(request.member.project, configuration_id)
    if found is None:
        raise Http404("There is no such configuration in this project.")
    return found


def find(request: MemberRequest, configuration_id: int) -> Configuration:
    found = find_any(request, configuration_id)
    if found.component_id == ORCHESTRATOR:
        raise Http404("This is an orchestration: it has pages of its own.")
    return found


def page_url(configuration: Configuration) -> str:
    name = "orchestration" if configuration.component_id == ORCHESTRATOR else "configuration"
    return reverse(name, args=[configuration.project_id, configuration.pk])


def crumbs_of(configuration: Configuration) -> dict[str, Any]:
    name, kind = component_of(configuration.component_id)
    return {
        "list_url": reverse("components", args=[configuration.project_id]),
        "component": {
            "name": name,
            "kind": kind,
            "url": reverse("component", args=[configuration.project_id, configuration.component_id]),
        },
    }


def _facts(configuration: Configuration, member: Member) -> dict[str, Any]:
    address = [configuration.project_id, configuration.pk]
    component = queries.component(configuration.component_id)
    is_installed = component is not None
    may_edit = member.may(Role.EDITOR)
    return {
        "id": configuration.pk,
        "name": configuration.name,
        "description": configuration.description,
        "version": configuration.version,
        "edited_at": configuration.updated_at,
        "is_enabled": not configuration.is_disabled,
        "is_installed": is_installed,
        "is_empty": not configuration.document,
        "usual_seconds": usual.seconds(configuration.pk),
        "run_url": reverse("configuration-run", args=address) if member.may_operate and is_installed else "",
        "toggle_url": reverse("configuration-switch", args=address) if member.may_operate else "",
        "edit_url": reverse("configuration-edit", args=address) if may_edit and is_installed else "",
        "test_url": reverse("configuration-test", args=address) if may_edit and trying.may_try(component) else "",
        "automate_url": reverse("configuration-automate", args=address) if may_edit and is_installed else "",
        "copy_url": links.find("configuration-copy", *address) if may_edit else "",
        "trash_url": links.find("configuration-trash", *address) if may_edit else "",
        "versions_url": links.find("versions", *address),
    }


def _content(request: MemberRequest, configuration: Configuration) -> dict[str, Any]:
    """What it is set to: by the fields of its component, or as JSON."""
    component = queries.component(configuration.component_id)
    as_json = request.GET.get(AS) == JSON or component is None
    document = configuration.document
    return {
        "is_json": as_json,
        "form_url": request.path if component else "",
        "json_url": f"{request.path}?{AS}={JSON}",
        "text": drafts.masked_text(document) if as_json else "",
        "fields": None if as_json or component is None else drafts.tree_of(component, document),
        "mapping": None if as_json else _mapping(configuration, component),
        "others": sorted(key for key in document if key not in (drafts.PARAMETERS, mapping.STORAGE) and document[key]),
    }


def _mapping(configuration: Configuration, component: Component | None) -> mapped.Sides | None:
    """None when the component takes and gives no tables, and none are mapped all the same."""
    found = mapped.of_document(configuration.project, configuration.document)
    may_have = component is not None and (component.takes_input_tables or component.gives_output_tables)
    return found if may_have or found.inputs or found.outputs else None


def _jobs(request: MemberRequest, configuration: Configuration) -> dict[str, Any]:
    page = page_of(queries.jobs_of(configuration), request.GET, request.path, JOBS_SHOWN)
    rows = rows_of(page.rows, project=request.member.project, now=request.member.now)
    address = [configuration.project_id, configuration.pk]
    return {
        "jobs": rows,
        "live_url": request.get_full_path() if any(row.is_active for row in rows) else "",
        "run_url": reverse("configuration-run", args=address) if request.member.may_operate else "",
        "newer_url": page.newer_url,
        "older_url": page.older_url,
    }


def _run_form(request: MemberRequest, configuration: Configuration, error: str = "") -> HttpResponse:
    address = [configuration.project_id, configuration.pk]
    context = {
        **crumbs_of(configuration),
        "fragment": wants_fragment(request),
        "action_url": reverse("configuration-run", args=address),
        "configuration": {
            "name": configuration.name,
            "url": page_url(configuration),
            "is_enabled": not configuration.is_disabled,
            "usual_seconds": usual.seconds(configuration.pk),
        },
        "waiting": _would_wait_for(configuration, request.member),
        "would_fail": _would_fail(configuration),
        "error": error,
    }
    return render(request, "configurations/configuration_run_form.html", context, status=422 if error else 200)


def _would_wait_for(configuration: Configuration, member: Member) -> Any:
    reason = waiting.reason_before_launch(configuration, now=member.now)
    if reason is None:
        return ""
    zone = timezone.get_current_timezone()
    return reasons.sentence(reason, project_id=member.project.pk, now=member.now, zone=zone)


def _would_fail(configuration: Configuration) -> str:
    """What is missing in a draft."""
    component = queries.component(configuration.component_id)
    if component is None:
        return f"The component {configuration.component_id} is not installed."
    try:
        parameters.validate(component, configuration.document)
    except parameters.InvalidParameters as error:
        return f"{error}."
    return ""
