"""Making and editing a configuration: by the form of its component, or as JSON."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs.queries import configurations as queries
from jobs.queries import tables
from jobs.views.answers import page_or_fragment
from jobs.views.configurations import AS, JSON, crumbs_of, find, page_url
from orchestrations import configuration_drafts as drafts
from orchestrations import editing
from orchestrations.components.catalogue import Component
from orchestrations.configuration_drafts import Draft
from orchestrations.editing import Content, InvalidConfiguration, StaleEdit
from orchestrations.forms import moving
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.lib.secrets import keep_newest
from orchestrations.models import Configuration, ConfigurationVersion, Role
from orchestrations.views.members import MemberRequest, for_members

EMPTY, OVERWRITE = "empty", "overwrite"
"""Actions: create it without parameters; save over what somebody else has saved meanwhile."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def new(request: MemberRequest, component_id: str) -> HttpResponse:
    component = queries.component(component_id)
    if component is None or component.is_orchestrator or component.is_hidden:
        raise Http404("There is no such component.")
    begun = {**component.defaults, **component.template}
    base = {drafts.PARAMETERS: begun} if begun else {}
    if request.method != "POST":
        return _new_form(
            request, drafts.of_document(component, request.member.project.pk, base, as_json=_as_json(request))
        )
    draft = _posted(request, component, base)
    action = request.POST.get("action", "")
    if moving.is_action(action):
        drafts.act(draft, action)
        return _new_form(request, draft)
    if action == EMPTY:
        document = drafts.without_document(draft)
    else:
        document = drafts.document_of(draft, may_be_empty=False)
    created = None if draft.has_errors else _create(request, draft, document)
    if created is None:
        return _new_form(request, draft)
    messages.success(request, f"{created.name} created.")
    return go_to(request, page_url(created))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def edit(request: MemberRequest, configuration_id: int) -> HttpResponse:
    configuration = find(request, configuration_id)
    component = queries.component(configuration.component_id)
    if component is None:
        raise Http404("Its component is not installed any more, so nothing can be checked.")
    if request.method != "POST":
        draft = drafts.of_document(
            component, configuration.project_id, configuration.document, as_json=_as_json(request)
        )
        draft.name, draft.description = configuration.name, configuration.description
        return _edit_form(request, configuration, draft)
    draft = _posted(request, component, _base(configuration, request.POST.get("base", "")))
    action = request.POST.get("action", "")
    if moving.is_action(action):
        drafts.act(draft, action)
        return _edit_form(request, configuration, draft)
    document = drafts.document_of(draft)
    if draft.has_errors:
        return _edit_form(request, configuration, draft)
    return _save(request, configuration, draft, document)


def _save(request: MemberRequest, configuration: Configuration, draft: Draft, document: dict[str, Any]) -> HttpResponse:
    expected = request.POST.get("base", "")
    if request.POST.get("action") == OVERWRITE:
        expected = request.POST.get("newest", "")
        document = keep_newest(document, draft.base, _base(configuration, expected))
    try:
        saved = editing.update(
            configuration,
            Content(name=draft.name, description=draft.description, document=document),
            actor=request.member.actor,
            now=request.member.now,
            expected_version=_number(expected) or configuration.version,
            change_description=draft.change_description.strip(),
        )
    except StaleEdit as stale:
        return _edit_form(request, configuration, draft, newest=stale.current)
    except InvalidConfiguration as error:
        drafts.refuse(draft, error)
        return _edit_form(request, configuration, draft)
    messages.success(request, f"Saved as version {saved.version}.")
    return go_to(request, page_url(saved))


def _create(request: MemberRequest, draft: Draft, document: dict[str, Any]) -> Configuration | None:
    """None when it was refused; the draft says why."""
    member = request.member
    content = Content(name=draft.name, description=draft.description, document=document)
    try:
        return editing.create(member.project, draft.component.id, content, actor=member.actor, now=member.now)
    except InvalidConfiguration as error:
        drafts.refuse(draft, error)
        return None


def _posted(request: MemberRequest, component: Component, base: dict[str, Any]) -> Draft:
    posted = {str(name): [str(value) for value in values] for name, values in request.POST.lists()}
    return drafts.of_post(component, request.member.project.pk, base, posted, as_json=_as_json(request))


def _base(configuration: Configuration, version: str) -> dict[str, Any]:
    """The document that the form was drawn from, so that places of items and kept secrets mean what they meant then."""
    number = _number(version)
    if number is None or number == configuration.version:
        return dict(configuration.document)
    old = configuration.versions.filter(version=number).first()
    return dict((old or configuration).document)


def _as_json(request: MemberRequest) -> bool:
    return request.GET.get(AS) == JSON


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _new_form(request: MemberRequest, draft: Draft) -> HttpResponse:
    name = draft.component.name
    url = reverse("configuration-new", args=[request.member.project.pk, draft.component.id])
    back = reverse("component", args=[request.member.project.pk, draft.component.id])
    context = {
        "list_url": reverse("components", args=[request.member.project.pk]),
        "component": {"name": name, "kind": draft.component.kind.value, "url": back},
        "is_new": True,
        "title": f"New {name} configuration",
        "back_url": back,
        "back_name": "",
    }
    return _form(request, draft, url, context)


def _edit_form(
    request: MemberRequest, configuration: Configuration, draft: Draft, newest: int | None = None
) -> HttpResponse:
    """``newest``: the version that somebody else has saved meanwhile; it is shown beside what was typed."""
    base = _number(request.POST.get("base", "")) or configuration.version
    context = {
        **crumbs_of(configuration),
        "is_new": False,
        "title": f"Edit {configuration.name}",
        "back_url": page_url(configuration),
        "back_name": configuration.name,
        "base": base,
        "stale": _stale(configuration, newest) if newest else None,
    }
    url = reverse("configuration-edit", args=[configuration.project_id, configuration.pk])
    return _form(request, draft, url, context)


def _stale(configuration: Configuration, newest: int) -> dict[str, Any]:
    found: ConfigurationVersion = configuration.versions.select_related("created_by").get(version=newest)
    return {
        "version": newest,
        "by": str(found.created_by) if found.created_by else found.created_with or "Somebody who left",
        "at": found.created_at,
        "name": found.name,
        "description": found.description,
        "text": drafts.masked_text(found.document),
    }


def _form(request: MemberRequest, draft: Draft, url: str, context: dict[str, Any]) -> HttpResponse:
    drafts.prepare(draft)
    drafts.focus_on_error(draft)
    is_refused = draft.has_errors or bool(context.get("stale"))
    context |= {
        "draft": draft,
        "is_refused": is_refused,
        "is_typed": request.method == "POST",
        **(tables.choices_of(request.member.project) if draft.mapping else {}),
        "form_url": url,
        "json_url": f"{url}?{AS}={JSON}",
        "action_url": f"{url}?{AS}={JSON}" if draft.is_json else url,
        "fragment": wants_fragment(request),
    }
    return page_or_fragment(
        request,
        "configurations/configuration_form.html",
        "configurations/_configuration_form.html",
        context,
        status=422 if is_refused else 200,
    )
