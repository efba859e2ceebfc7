"""Next 24 hours and 7 days: what the schedules of a project will start, drawn and as a table."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from orchestrations.views.members import MemberRequest, for_members
from scheduling.queries import charts, outlook

SPANS = {"": ("Next 24 hours", outlook.DAY), "week": ("Next 7 days", outlook.WEEK)}


@require_safe
@for_members()
def next_starts(request: MemberRequest) -> HttpResponse:
    """``?span=week`` for seven days."""
    span = request.GET.get("span", "")
    if span not in SPANS:
        raise Http404("There is no such span.")
    member = request.member
    title, length = SPANS[span]
    found = outlook.of(member.project, now=member.now, span=length)
    context = {
        "title": title,
        "spans": [
            {"label": label, "url": f"{request.path}?span={key}" if key else request.path, "current": key == span}
            for key, (label, _) in SPANS.items()
        ],
        "chart": charts.of(found, timezone.get_current_timezone()),
        "paused_at": member.project.paused_at,
        "orchestrations_url": reverse("orchestrations", args=[member.project.pk]),
    }
    return render(request, "scheduling/next_starts.html", context)
