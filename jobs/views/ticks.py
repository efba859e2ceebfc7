"""Answers to what pages ask every second while they are watched: nothing at all when nothing has changed.

A live part tells with each tick which revision of it stands on the page (app.js); the answer to one that stands there
already is 204, which htmx leaves alone. A revision has two halves: what is known without drawing, and what was drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse

from jobs.queries import revisions
from orchestrations.lib.htmx import wants_fragment
from orchestrations.views.members import MemberRequest

HEADER = "X-Revision"
RENEWED_SECONDS = 5
"""So often everything is drawn anew all the same: durations, what waits for others, what others have renamed."""
NOT_SHOWN = ("after",)
"""What of the address says only how much of it is known."""
PASSING = re.compile(rb'data-since="[^"]*">[^<]*|name="csrfmiddlewaretoken" value="[^"]*"')
"""Differs each time and is no change: durations, which the browser counts on by itself, and the masks of tokens."""

View = Callable[..., HttpResponse]


def live(find: Callable[..., Any]) -> Callable[[View], View]:
    """For a view of members that answers ticks. ``find``, of the same arguments: what changes with what is shown."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not wants_fragment(request):
                return view(request, *args, **kwargs)
            # Before the view looks: what changes in between is brought by the next tick.
            revision = _revision(request, find(request, *args, **kwargs))
            stands, _, stands_drawn = request.headers.get(HEADER, "").partition(".")
            if stands == revision:
                return HttpResponse(status=204)
            response = view(request, *args, **kwargs)
            drawn = _drawn(response)
            if stands_drawn == drawn:
                response = HttpResponse(status=204)
            response[HEADER] = f"{revision}.{drawn}"
            return response

        return wrapper

    return decorate


def of_jobs(request: MemberRequest, *args: Any, **kwargs: Any) -> Any:
    """For lists of jobs of the project."""
    return revisions.of_project(request.member.project)


def _revision(request: MemberRequest, parts: Any) -> str:
    member = request.member
    period = int(member.now.timestamp() // RENEWED_SECONDS)
    whole = (_address(request), request.htmx.target, member.user.pk, member.role, period, parts)
    return sha256(repr(whole).encode()).hexdigest()[:32]


def _drawn(response: HttpResponse) -> str:
    return sha256(PASSING.sub(b"", response.content)).hexdigest()[:32]


def _address(request: HttpRequest) -> list[Any]:
    return [request.path, sorted((name, values) for name, values in request.GET.lists() if name not in NOT_SHOWN)]
