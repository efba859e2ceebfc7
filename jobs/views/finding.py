"""The search of the top bar, as a page and as the list below the box."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from jobs.queries import finding
from jobs.views.answers import page_or_fragment
from orchestrations.views.members import MemberRequest, for_members

LONGEST = 200


@require_safe
@for_members()
def search(request: MemberRequest) -> HttpResponse:
    """?q= a part of a name, or the id of a job or configuration."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST]
    found = finding.find(request.member.project, text, now=request.member.now)
    context = {"text": text, "found": found, "shortest": finding.SHORTEST, "action_url": request.path}
    return page_or_fragment(request, "jobs/search_list.html", "jobs/_search_results.html", context)
