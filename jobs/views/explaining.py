"""How orchestrations run, told to the people who use them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from orchestrations.lib.htmx import wants_fragment
from orchestrations.views.members import MemberRequest, for_members


@require_safe
@for_members()
def how_they_run(request: MemberRequest) -> HttpResponse:
    context = {
        "fragment": wants_fragment(request),
        "list_url": reverse("orchestrations", args=[request.member.project.pk]),
    }
    return render(request, "orchestrations/orchestration_help.html", context)
