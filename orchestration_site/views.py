import re

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orchestration_site import health as site_health
from orchestrations.templatetags import ui
from orchestrations.views.members import PersonRequest, for_people

SCORE_MARKS = {key: f"st-{key}" for key in ui.STATUS_WORDS} | {"success": "", "error": "close"}
"""The sign in a cell of the score; most cells are of success, and say nothing more than their colour and title."""


@require_safe
@for_people
def styleguide(request: PersonRequest) -> HttpResponse:
    """Every component in every state, to be looked at after a change of the stylesheet."""
    if not request.user.is_staff:
        raise PermissionDenied("The style guide is for administrators of this site.")
    sprite = (settings.BASE_DIR / "static" / "icons.svg").read_text(encoding="utf-8")
    context = {"icons": re.findall(r'<symbol id="([a-z-]+)"', sprite), "score_marks": SCORE_MARKS}
    return render(request, "styleguide.html", context)


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """For monitors: 200 while the database answers and a worker and a scheduler are alive, 503 otherwise.

    Figures only for people.
    """
    try:
        found, is_known = site_health.look(timezone.now()), request.user.is_authenticated
    except DatabaseError:
        return JsonResponse({"ok": False}, status=503)
    answer: dict[str, object] = {"ok": found.is_good}
    if is_known:
        answer |= found.figures()
    return JsonResponse(answer, status=200 if found.is_good else 503)
