"""The members of a project: the list, inviting, the role of one, removing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestrations import invitations, mailing, memberships, queries
from orchestrations.invitations import CannotInvite, Unconfirmed
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.memberships import AlreadyMember, LastAdmin, NotAMember
from orchestrations.models import Membership, Role
from orchestrations.views.members import Member, MemberRequest, for_members
from orchestrations.views.people_forms import ROLES, InvitationForm, RoleForm

SHOWN_ONCE = "invitation"
"""The session keeps a new link until the next look at the list, and no longer."""


@require_safe
@never_cache
@for_members()
def member_list(request: MemberRequest) -> HttpResponse:
    member = request.member
    may_manage = member.may(Role.ADMIN)
    context = {
        "members": [_row(each, member) for each in queries.members_of(member.project)],
        "new_url": reverse("member-new", args=[member.project.pk]) if may_manage else "",
        "invitation": request.session.pop(SHOWN_ONCE, None) if may_manage else None,
        "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
        "roles": [{"name": role.label, "words": words} for role, words in ROLES.items()],
    }
    return render(request, "orchestrations/member_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.ADMIN)
def new(request: MemberRequest) -> HttpResponse:
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _is_invited(request, form):
        return go_to(request, reverse("members", args=[request.member.project.pk]))
    context = {"form": form, "roles": _choices(form), **_around(request)}
    return render(request, "orchestrations/member_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.ADMIN)
def detail(request: MemberRequest, membership_id: int) -> HttpResponse:
    """The role of a member; POST role=editor."""
    membership = _find(request, membership_id)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": membership.role})
    error = ""
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        try:
            memberships.change_role(membership, role, actor=request.member.actor)
        except (LastAdmin, NotAMember) as refused:
            error = str(refused)
        else:
            messages.success(request, f"{membership.user} is {role.label.lower()} now.")
            return go_to(request, reverse("members", args=[membership.project_id]))
    context = {
        "form": form,
        "roles": _choices(form),
        "person": _row(membership, request.member),
        "error": error,
        **_around(request),
    }
    return render(request, "orchestrations/member_detail.html", context, status=422 if error or form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.ADMIN)
def removal(request: MemberRequest, membership_id: int) -> HttpResponse:
    membership = _find(request, membership_id)
    error = ""
    if request.method == "POST":
        try:
            memberships.remove(membership, actor=request.member.actor)
        except (LastAdmin, NotAMember) as refused:
            error = str(refused)
        else:
            messages.success(request, f"{membership.user} was removed.")
            is_self = membership.user == request.user
            return go_to(request, reverse("home") if is_self else reverse("members", args=[membership.project_id]))
    context = {"person": _row(membership, request.member), "error": error, **_around(request)}
    return render(request, "orchestrations/member_confirm_delete.html", context, status=422 if error else 200)


@require_POST
@for_members(Role.ADMIN)
def renewal(request: MemberRequest, membership_id: int) -> HttpResponse:
    """A new link for somebody who has not come yet."""
    membership = _find(request, membership_id)
    try:
        secret = invitations.renew(membership, actor=request.member.actor)
    except CannotInvite as refused:
        messages.error(request, str(refused))
    else:
        _hand_over(request, membership, secret)
    return go_to(request, reverse("members", args=[membership.project_id]))


def _is_invited(request: MemberRequest, form: InvitationForm) -> bool:
    member = request.member
    email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
    try:
        invited = invitations.invite(
            member.project, email, role, actor=member.actor, now=member.now, confirmed=form.cleaned_data["confirmed"]
        )
    except Unconfirmed as asked:
        form.ask_whether_it_is(asked.user.pk, str(asked))
        return False
    except (AlreadyMember, CannotInvite) as refused:
        form.add_error("email", str(refused))
        return False
    if invited.secret:
        _hand_over(request, invited.membership, invited.secret)
    else:
        messages.success(request, f"{invited.membership.user} was added.")
    return True


def _hand_over(request: MemberRequest, membership: Membership, secret: str) -> None:
    """By mail, or shown to the admin this once."""
    path = reverse("invitation", args=[membership.user_id, secret])
    link = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
    member = request.member
    if mailing.is_set_up():
        project_name = member.project.name
        mailing.invite(membership.user, link=link, project_name=project_name, by=member.user, now=member.now)
        messages.success(request, f"An invitation is on its way to {membership.user.email}.")
    else:
        request.session[SHOWN_ONCE] = {"email": membership.user.email, "link": link}


def _find(request: MemberRequest, membership_id: int) -> Membership:
    found = queries.find_member(request.member.project, membership_id)
    if found is None:
        raise Http404("There is no such member of this project.")
    return found


def _row(membership: Membership, viewer: Member) -> dict[str, Any]:
    user, address = membership.user, [membership.project_id, membership.pk]
    is_invited = not user.has_usable_password()
    manages = viewer.may(Role.ADMIN)
    return {
        "id": membership.pk,
        "name": user.email if is_invited else str(user),
        "email": user.email,
        "is_invited": is_invited,
        "is_inactive": not user.is_active,
        "is_self": user == viewer.user,
        "role": Role(membership.role).label,
        "since": membership.created_at,
        "url": reverse("member", args=address) if manages else "",
        "removal_url": reverse("member-removal", args=address) if manages else "",
        "renewal_url": reverse("member-renewal", args=address) if manages and is_invited else "",
    }


def _choices(form: InvitationForm | RoleForm) -> list[dict[str, Any]]:
    chosen = form["role"].value()
    return [
        {"value": role.value, "name": role.label, "words": words, "is_chosen": role == chosen}
        for role, words in ROLES.items()
    ]


def _around(request: MemberRequest) -> dict[str, Any]:
    return {
        "fragment": wants_fragment(request),
        "project_name": request.member.project.name,
        "list_url": reverse("members", args=[request.member.project.pk]),
        "action_url": request.path,
    }
