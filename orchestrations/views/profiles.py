"""What a person sets for themselves: profile, password, and the time zone that the browser offers once."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orchestrations import accounts, sessions
from orchestrations.lib.htmx import wants_fragment
from orchestrations.models import User
from orchestrations.views.members import PersonRequest, for_people
from orchestrations.views.people_forms import PasswordForm, ProfileForm

PASSWORD = "password"  # noqa: S105 (the name of a form)
END, END_OTHERS = "end-session", "end-other-sessions"


@sensitive_post_parameters("current", "password")
@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def profile(request: PersonRequest) -> HttpResponse:
    """Forms with a button each: POST form=password, end-session (with session=KEY), end-other-sessions, or the rest."""
    # What a refused form has put into a field must not be shown as the person's by the frame.
    user = User.objects.get(pk=request.user.pk)
    if request.method == "POST" and request.POST.get("form") == PASSWORD:
        return _change_password(request, user)
    if request.method == "POST" and request.POST.get("form") in (END, END_OTHERS):
        return _end_sessions(request, user)
    form = ProfileForm(request.POST if request.method == "POST" else None, user=user, now=timezone.now())
    if request.method == "POST" and _is_saved(form, user):
        messages.success(request, "Profile saved.")
        return redirect(request.get_full_path())
    return _page(request, form, PasswordForm(user=user))


@require_POST
@for_people
def time_zone(request: PersonRequest) -> HttpResponse:
    """POST zone=Europe/Prague. Taken once, while none is known; a page drawn in another zone is drawn again."""
    name = request.POST.get("zone", "")
    taken = accounts.offer_time_zone(request.user, name)
    if taken:
        link = format_html('<a href="{}">Change</a>', reverse("profile"))
        messages.info(request, format_html("Times are shown in {}. {}", name, link))
    if not wants_fragment(request):
        return redirect("profile")
    response = HttpResponse(status=204)
    if taken:
        response["HX-Refresh"] = "true"
    return response


def _change_password(request: PersonRequest, user: User) -> HttpResponse:
    form = PasswordForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, ProfileForm(user=user, now=timezone.now()), form)
    accounts.change_password(user, form.cleaned_data["password"])
    update_session_auth_hash(request, user)
    messages.success(request, "Password changed. Every other session has ended.")
    return redirect(request.get_full_path())


def _end_sessions(request: PersonRequest, user: User) -> HttpResponse:
    if request.POST["form"] == END_OTHERS:
        sessions.end_others(user, request.session)
        messages.success(request, "Every other session has ended.")
    elif sessions.end(user, request.POST.get("session", "")[:40].replace("\x00", "")):
        messages.success(request, "The session has ended.")
    else:
        messages.info(request, "This session had ended already.")
    return redirect(request.get_full_path())


def _is_saved(form: ProfileForm, user: User) -> bool:
    if not form.is_valid():
        return False
    try:
        accounts.change_profile(user, **form.cleaned_data)
    except ValidationError as error:
        for name, sentences in error.message_dict.items():
            form.add_error(name if name in form.fields else None, sentences)
        return False
    return True


def _page(request: PersonRequest, form: ProfileForm, password_form: PasswordForm) -> HttpResponse:
    places = sessions.of(request.user, request.session, now=timezone.now())
    refused = bool(form.errors or password_form.errors)
    mails = [form[name] for name in form.fields if name.startswith("mail_on_")]
    context = {
        "form": form,
        "mails": mails,
        "password_form": password_form,
        "places": places,
        "is_cut": len(places) == sessions.MOST,
    }
    return render(request, "orchestrations/profile_form.html", context, status=422 if refused else 200)
