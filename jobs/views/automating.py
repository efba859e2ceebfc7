""" "Automate": the dialog that makes an orchestration of one configuration."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs.views.configurations import crumbs_of, find, page_url
from orchestrations import automating
from orchestrations.editing import InvalidConfiguration
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Configuration, Role
from orchestrations.views.members import MemberRequest, for_members


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def automate(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """POST name="" for the default name."""
    member = request.member
    configuration = find(request, configuration_id)
    if request.method != "POST":
        return _form(request, configuration)
    name = request.POST.get("name", "")
    try:
        created = automating.automate(configuration, actor=member.actor, now=member.now, name=name)
    except InvalidConfiguration as error:
        return _form(request, configuration, name=name, error=str(error).removeprefix("name: "))
    messages.success(request, f"{created.name} created.")
    return go_to(request, reverse("orchestration", args=[created.project_id, created.pk]))


def _form(request: MemberRequest, configuration: Configuration, name: str = "", error: str = "") -> HttpResponse:
    context = {
        **crumbs_of(configuration),
        "fragment": wants_fragment(request),
        "configuration": {"name": configuration.name, "url": page_url(configuration)},
        "action_url": reverse("configuration-automate", args=[configuration.project_id, configuration.pk]),
        "default_name": automating.default_name(configuration),
        "name": name,
        "error": f"{error[:1].upper()}{error[1:]}",
    }
    return render(request, "configurations/configuration_automate_form.html", context, status=422 if error else 200)
