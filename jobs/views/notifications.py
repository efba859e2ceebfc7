"""Notifications: the form of an orchestration, the page of a project with its log, the bell, and the outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.notifying import testing
from jobs.queries import notifications as queries
from jobs.views.answers import find_orchestration
from orchestrations import subscribing
from orchestrations.forms import recipients
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.lib.pages import page_of
from orchestrations.models import Configuration, Role, Subscription
from orchestrations.subscribing import InvalidSubscription
from orchestrations.views.members import MemberRequest, PersonRequest, for_members, for_people

UNTOLD = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def of_orchestration(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST action=save, or anything else to draw the form again with what was added or taken out."""
    orchestration = find_orchestration(request, orchestration_id)
    if request.method != "POST":
        own = Subscription.objects.filter(configuration=orchestration).order_by("pk")
        return _form(request, orchestration, recipients.of_subscriptions(own))
    member = request.member
    form = recipients.of_post(request.POST, member.now)
    if request.POST.get("action") != "save" or form.is_refused:
        return _form(request, orchestration, form, 422 if form.is_refused else 200)
    try:
        subscribing.replace(orchestration, form.wanted(), actor=member.actor, now=member.now)
    except InvalidSubscription as error:
        return _form(request, orchestration, recipients.refuse(form, error), 422)
    messages.success(request, "Notifications saved.")
    return go_to(request, reverse("orchestration", args=[orchestration.project_id, orchestration.pk]))


def of_project(request: MemberRequest, *, unattended: Callable[[MemberRequest], list[int]]) -> HttpResponse:
    """Who is told about what, whether it reaches them, and the last messages.

    ``unattended``: which orchestrations something starts without a person.
    """
    member = request.member
    log = page_of(queries.log_of(member.project), request.GET, request.path, name="log")
    found = page_of(queries.subscriptions_of(member.project), request.GET, request.path, name="recipients")
    untold = queries.silent(member.project, unattended(request), member.now)
    context = {
        "untold": [
            {"name": each.name, "url": reverse("orchestration", args=[member.project.pk, each.pk])}
            for each in untold[:UNTOLD]
        ],
        "untold_more": len(untold[UNTOLD:]),
        "listeners": queries.listeners(found.rows, may_test=member.may(Role.EDITOR), now=member.now),
        "listeners_page": found,
        "log": queries.rows_of(log.rows, with_tries=True),
        "log_page": log,
        "orchestrations_url": reverse("orchestrations", args=[member.project.pk]),
    }
    return render(request, "jobs/notification_list.html", context)


@require_POST
@for_members(Role.EDITOR)
def test(request: MemberRequest, subscription_id: int) -> HttpResponse:
    found = (
        Subscription.objects.filter(project=request.member.project, pk=subscription_id)
        .select_related("project", "configuration")
        .first()
    )
    if found is None:
        raise Http404("There is no such subscription in this project.")
    testing.send_test(found, actor=request.member.actor, now=request.member.now)
    messages.success(request, f"A test is on its way to {found.address}.")
    return go_to(request, f"{reverse('notifications', args=[found.project_id])}#log")


@require_safe
@for_people
def mine(request: PersonRequest) -> HttpResponse:
    """What was sent to me; as a fragment the list behind the bell."""
    found = page_of(queries.told_to(request.user), request.GET, request.path)
    context = {
        "rows": queries.rows_of(found.rows),
        "page": found,
        "mine_url": request.path,
        "profile_url": reverse("profile"),
    }
    page = "jobs/_notifications_of_mine.html" if wants_fragment(request) else "jobs/notifications_of_mine.html"
    return render(request, page, context)


@require_http_methods(["GET", "HEAD"])
@for_people
def outbox(request: PersonRequest) -> HttpResponse:
    """Mails that wait for a mail server; they may hold links that open accounts."""
    if not request.user.is_superuser:
        raise PermissionDenied("The outbox is for the administrators of this site.")
    found = page_of(queries.kept_mails(), request.GET, request.path)
    return render(request, "jobs/outbox_list.html", {"mails": found.rows, "page": found})


def _form(
    request: MemberRequest, orchestration: Configuration, form: recipients.RecipientsForm, status: int = 200
) -> HttpResponse:
    page_url = reverse("orchestration", args=[orchestration.project_id, orchestration.pk])
    context: dict[str, Any] = {
        "fragment": wants_fragment(request),
        "orchestration": {"name": orchestration.name, "url": page_url},
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "action_url": reverse("orchestration-notifications", args=[orchestration.project_id, orchestration.pk]),
        "form": form,
        "offered": queries.members_to_offer(request.member.project),
    }
    return render(request, "jobs/notifications_form.html", context, status=status)
