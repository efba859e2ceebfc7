""" "Automate": the dialog that makes a scheduled orchestration of one configuration."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs.views.configurations import crumbs_of, find, page_url
from orchestrations.automating import default_name
from orchestrations.editing import InvalidConfiguration
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Configuration, Role
from orchestrations.views.members import MemberRequest, for_members
from scheduling import automating
from scheduling.forms import times
from scheduling.planning import InvalidSchedule
from scheduling.views import time_fields

DRAW = "draw"
BY_SCHEDULE = "schedule"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def automate(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """POST name="" for the default name, starts=schedule with the fields of one; action=draw changes nothing yet."""
    member, post = request.member, request.POST
    configuration = find(request, configuration_id)
    if request.method != "POST":
        return _drawn(request, configuration, times.blank("UTC"), by_schedule=True)
    form, by_schedule = times.of_post(post), post.get("starts") == BY_SCHEDULE
    if post.get("action") == DRAW or "preset" in post:
        return _drawn(request, configuration, form, by_schedule=by_schedule)
    if by_schedule and form.error:
        return _drawn(request, configuration, form, by_schedule=True, status=422)
    name, wanted = post.get("name", ""), form.wanted() if by_schedule else None
    try:
        created = automating.automate(configuration, wanted, actor=member.actor, now=member.now, name=name)
    except InvalidSchedule as refused:
        form.errors[refused.field] = str(refused)
        return _drawn(request, configuration, form, by_schedule=True, status=422)
    except InvalidConfiguration as refused:
        error = str(refused).removeprefix("name: ")
        return _drawn(request, configuration, form, by_schedule=by_schedule, error=error, status=422)
    messages.success(request, f"{created.name} created.")
    return go_to(request, reverse("orchestration", args=[created.project_id, created.pk]))


def _drawn(
    request: MemberRequest,
    configuration: Configuration,
    form: times.TimesForm,
    *,
    by_schedule: bool,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        **crumbs_of(configuration),
        **time_fields.context_of(form, request.member.now),
        "fragment": wants_fragment(request),
        "configuration": {"name": configuration.name, "url": page_url(configuration)},
        "action_url": request.path,
        "default_name": default_name(configuration),
        "name": request.POST.get("name", ""),
        "by_schedule": by_schedule,
        "error": f"{error[:1].upper()}{error[1:]}",
    }
    return render(request, "scheduling/automate_form.html", context, status=status)
