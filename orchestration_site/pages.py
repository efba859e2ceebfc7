"""Pages that join floors: what a lower one shows, with what the floors above add to it."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.views import dashboard as dashboards
from jobs.views import notifications as listening
from jobs.views import orchestrations, running, runs, tables
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest, for_members
from scheduling.queries.cards import of_many
from scheduling.views import cards, schedules


@require_safe
@for_members()
def dashboard(request: MemberRequest) -> HttpResponse:
    """What runs, waits and failed, and what starts next."""
    return dashboards.dashboard(request, more=cards.of_dashboard)


@require_safe
@for_members()
def overview(request: MemberRequest) -> HttpResponse:
    """The orchestrations with their last runs and their next starts."""
    return orchestrations.overview(request, automations=of_many)


@require_POST
@for_members(Role.OPERATOR)
def switch(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """Switches an orchestration on or off, on its page or in the overview; on again, it offers what was missed."""
    answer = orchestrations.switch(request, orchestration_id, automations=of_many)
    return schedules.offer_missed(request, orchestration_id, answer) if request.POST.get("enabled") == "1" else answer


@require_safe
@for_members()
def orchestration(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """The orchestration with its runs, its schedules and its trigger."""
    return runs.detail(request, orchestration_id, more=cards.of_page)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def run(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """The dialog that runs an orchestration by hand, and what its next start by itself would meet."""
    return running.run(request, orchestration_id, more=cards.of_run_form)


@require_safe
@for_members()
def notifications(request: MemberRequest) -> HttpResponse:
    """Who is told about what, and which orchestrations start by themselves and tell nobody."""
    return listening.of_project(request, unattended=cards.of_notifications)


@require_safe
@for_members()
def table(request: MemberRequest, table_id: str) -> HttpResponse:
    """The table with what reads, writes and watches it."""
    return tables.detail(request, table_id, more=cards.of_table)
