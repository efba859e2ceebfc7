"""The link of an invitation: sets name and password, and signs in."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from orchestrations import accounts, invitations
from orchestrations.views.people_forms import AcceptForm


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def accept(request: HttpRequest, user_id: int, secret: str) -> HttpResponse:
    user = invitations.find(user_id, secret)
    if user is None:
        return render(request, "orchestrations/invitation_gone.html", status=404)
    form = AcceptForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        if not invitations.accept(user, **form.cleaned_data):
            return render(request, "orchestrations/invitation_gone.html", status=404)
        login(request, user)
        return redirect("home")
    context = {"form": form, "email": user.email, "projects": accounts.projects_of(user)}
    return render(request, "orchestrations/invitation_form.html", context, status=422 if form.errors else 200)
