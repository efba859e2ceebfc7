"""Pages of a person: where they land, and how the pages look to them."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from orchestrations import accounts
from orchestrations.models.accounts import Theme
from orchestrations.views.members import PersonRequest, for_people


@require_safe
@for_people
def home(request: PersonRequest) -> HttpResponseBase:
    project = accounts.first_project_of(request.user)
    if project is None:
        return render(request, "home.html")
    return redirect("dashboard", project_id=project.pk)


@require_POST
@for_people
def theme(request: PersonRequest) -> HttpResponse:
    """POST theme="" (as the system), "light" or "dark"; back to ``next``."""
    chosen = request.POST.get("theme") or Theme.SYSTEM
    if chosen not in Theme.values:
        return HttpResponse("There is no such theme.", status=422, content_type="text/plain")
    accounts.choose_theme(request.user, Theme(chosen))
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_ours else "home")
