"""API tokens: the list, a new one, what one may do, its refresh and its end; an orchestration's own is replaced."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orchestrations import granting, queries
from orchestrations.forms import grants
from orchestrations.granting import InvalidToken, IsProtected
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.lib.pages import page_of
from orchestrations.models import Role, Token
from orchestrations.views.members import Member, MemberRequest, for_members

SHOWN_ONCE = "token"
"""The session keeps the text of a new token until the next look at the list, and no longer."""


@require_safe
@never_cache
@for_members()
def token_list(request: MemberRequest) -> HttpResponse:
    member = request.member
    tokens = granting.of_project(member.project)
    own = page_of(tokens.filter(orchestration__isnull=True), request.GET, request.path, name="own-tokens")
    of_orchestrations = tokens.filter(orchestration__isnull=False)
    others = page_of(of_orchestrations, request.GET, request.path, name="orchestration-tokens")
    context = {
        "own": [_row(each, member) for each in own.rows],
        "own_page": own,
        "of_orchestrations": [_row(each, member) for each in others.rows],
        "others_page": others,
        "new_url": reverse("token-new", args=[member.project.pk]),
        "docs_url": links.find("api-docs"),
        "made": request.session.pop(SHOWN_ONCE, None),
        "may_manage": member.may(Role.ADMIN),
    }
    return render(request, "orchestrations/token_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members()
def new(request: MemberRequest) -> HttpResponse:
    """POST kind=own for a token of the person's own; else what it may. Others than admins make only their own."""
    member = request.member
    if request.method != "POST":
        return _form(request, grants.blank(member.project))
    form = grants.of_post(request.POST, member.project)
    try:
        if request.POST.get("kind") == "own":
            made = granting.grant_personal(member.project, form.description, actor=member.actor, now=member.now)
        else:
            made = granting.grant(member.project, form.wanted(), actor=member.actor, now=member.now)
    except InvalidToken as error:
        form.refuse(error)
        return _form(request, form, status=422)
    return _shown_once(request, *made)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members()
def detail(request: MemberRequest, token_id: int) -> HttpResponse:
    """What it may do, and what has happened to it; POST changes a limited one."""
    token, member = _find(request, token_id), request.member
    form = grants.of_token(token)
    if request.method == "POST":
        form = grants.of_post(request.POST, member.project)
        try:
            granting.change(token, form.wanted(), actor=member.actor, now=member.now)
        except InvalidToken as error:
            form.refuse(error)
        except IsProtected as error:
            messages.error(request, str(error))
            return go_to(request, request.path)
        else:
            messages.success(request, f"{form.description} saved.")
            return go_to(request, reverse("tokens", args=[token.project_id]))
    events = page_of(token.events.all(), request.GET, request.path, name="events")
    context = {
        "token": _row(token, member),
        "form": form,
        "events": events,
        "may_change": member.may(Role.ADMIN) and token.user is None and token.orchestration is None,
        "list_url": reverse("tokens", args=[token.project_id]),
    }
    return render(request, "orchestrations/token_detail.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members()
def refresh(request: MemberRequest, token_id: int) -> HttpResponse:
    token, member = _find(request, token_id), request.member
    if request.method != "POST":
        return _confirm(request, token, "refresh")
    try:
        text = granting.refresh(token, actor=member.actor, now=member.now)
    except IsProtected as error:
        return _confirm(request, token, "refresh", str(error))
    return _shown_once(request, token, text)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members()
def delete(request: MemberRequest, token_id: int) -> HttpResponse:
    token, member = _find(request, token_id), request.member
    if request.method != "POST":
        return _confirm(request, token, "delete")
    try:
        granting.delete(token, actor=member.actor)
    except IsProtected as error:
        return _confirm(request, token, "delete", str(error))
    messages.success(request, f"{token.description} deleted.")
    return go_to(request, reverse("tokens", args=[token.project_id]))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def replace_own(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST immediately=1 to refuse the old one to the runs under way as well."""
    member = request.member
    orchestration = queries.find_orchestration(member.project, orchestration_id)
    if orchestration is None:
        raise Http404("There is no such orchestration in this project.")
    page_url = reverse("orchestration", args=[orchestration.project_id, orchestration.pk])
    if request.method != "POST":
        list_url = reverse("orchestrations", args=[orchestration.project_id])
        about = {"name": orchestration.name, "list_url": list_url, "page_url": page_url}
        context = {"fragment": wants_fragment(request), **about}
        return render(request, "orchestrations/token_confirm_replace.html", context)
    immediately = "immediately" in request.POST
    granting.replace_own(orchestration, actor=member.actor, now=member.now, immediately=immediately)
    messages.success(request, f"{orchestration.name} has a new token.")
    return go_to(request, page_url)


def _shown_once(request: MemberRequest, token: Token, text: str) -> HttpResponse:
    request.session[SHOWN_ONCE] = {"description": token.description, "text": text}
    return go_to(request, reverse("tokens", args=[token.project_id]))


def _find(request: MemberRequest, token_id: int) -> Token:
    found = granting.of_project(request.member.project).filter(pk=token_id).first()
    if found is None:
        raise Http404("There is no such token in this project.")
    return found


def _form(request: MemberRequest, form: grants.TokenForm, status: int = 200) -> HttpResponse:
    member = request.member
    context = {
        "fragment": wants_fragment(request),
        "form": form,
        "is_own": request.POST.get("kind") == "own" or not member.may(Role.ADMIN),
        "may_limit": member.may(Role.ADMIN),
        "role": member.role.label.lower(),
        "action_url": request.path,
        "list_url": reverse("tokens", args=[member.project.pk]),
    }
    return render(request, "orchestrations/token_form.html", context, status=status)


def _confirm(request: MemberRequest, token: Token, verb: str, error: str = "") -> HttpResponse:
    context = {
        "fragment": wants_fragment(request),
        "token": _row(token, request.member),
        "error": error,
        "is_deletion": verb == "delete",
        "action_url": request.path,
        "list_url": reverse("tokens", args=[token.project_id]),
    }
    return render(request, "orchestrations/token_confirm.html", context, status=422 if error else 200)


def _row(token: Token, member: Member) -> dict[str, Any]:
    address = [token.project_id, token.pk]
    is_mine = token.user_id == member.user.pk
    may_end = token.orchestration is None and (member.may(Role.ADMIN) or is_mine)
    return {
        "id": token.pk,
        "description": token.description,
        "access": _access_words(token),
        "owner": str(token.user) if token.user is not None else "",
        "orchestration": token.orchestration,
        "created_at": token.created_at,
        "created_by": str(token.created_by or token.user or ""),
        "expires_at": token.expires_at,
        "is_expired": token.expires_at is not None and token.expires_at <= member.now,
        "last_used_at": token.last_used_at,
        "url": reverse("token", args=address),
        "refresh_url": reverse("token-refresh", args=address) if may_end and (is_mine or not token.is_master) else "",
        "delete_url": reverse("token-delete", args=address) if may_end else "",
    }


def _access_words(token: Token) -> str:
    if token.user is not None:
        return f"What {token.user} may do"
    components, buckets = token.component_access, token.bucket_permissions
    if components is None and buckets is None:
        return "Full access"
    runs = "all components" if components is None else _counted(len(components), "component") or "orchestrations"
    reach = "all buckets" if buckets is None else _counted(len(buckets), "bucket") or "no bucket"
    return f"Runs {runs}; {reach}"


def _counted(count: int, noun: str) -> str:
    return "" if not count else f"{count} {noun}{'' if count == 1 else 's'}"
