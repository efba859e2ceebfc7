"""A forgotten password: asked for by address, set by a link that was mailed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.http import require_http_methods

from orchestrations import mailing, sessions
from orchestrations.api.wire import origin
from orchestrations.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """POST email=. The answer never tells whether there is such an account."""
    if request.method != "POST" or not mailing.is_set_up():
        return render(request, "registration/password_forgotten.html", {"is_set_up": mailing.is_set_up()})
    email = request.POST.get("email", "").strip().lower()
    user = User.objects.filter(email=email, is_active=True).first() if "\x00" not in email else None
    if user is not None and user.has_usable_password():
        mailing.lead_to_new_password(user, link=_link(request, user), now=timezone.now())
    messages.success(request, "If there is an account with this address, a mail with a link is on its way.")
    return redirect("login")


class NewPassword(PasswordResetConfirmView):
    """Django's: the link's secret moves into the session, so that it is in no log and no referrer."""

    template_name = "registration/password_new.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Password set. Every session has ended; log in with the new one.")
        response = super().form_valid(form)
        if self.user is not None:
            sessions.end_others(self.user)
        return response


def _link(request: HttpRequest, user: User) -> str:
    secret = default_token_generator.make_token(user)
    path = reverse("password-new", args=[urlsafe_base64_encode(force_bytes(user.pk)), secret])
    return f"{origin(request)}{path}"
