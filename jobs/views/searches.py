"""The list of jobs with its queries: the page and its live table, what could be typed next, and the help sheet."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.queries import jobs as job_queries
from jobs.queries import searching, suggestions
from jobs.queries.matching import match_of
from jobs.queries.names import Names
from jobs.queries.rows import rows_of
from jobs.search import fields
from jobs.search.meanings import Clock
from jobs.search.parsing import parse
from jobs.search.syntax import All, BadQuery, Query
from jobs.views import ticks
from jobs.views.answers import page_or_fragment
from orchestrations.lib.htmx import wants_fragment
from orchestrations.views.members import MemberRequest, for_members

QUERY, CARET = "q", "at"
CHIPS = {
    "Long Running": "duration:>1h",
    "My Jobs": "by:me",
    "My Failed Jobs": "by:me status:error",
    "Failed in Last 7 Days": "status:error created:-7d",
}
EXAMPLES = {
    "status:error by:me": "Terms beside one another must all hold.",
    "status:error OR status:warning": "One of them is enough.",
    "-component:orchestrator": "A minus turns a term round: everything but that.",
    '(orders OR customers) "Daily Sales"': "Words and phrases are looked for in names; parentheses group.",
    "created:yesterday": "A day in your time zone; likewise today, 2026-11-01 and 2026-11.",
    "created:-24h": "Since 24 hours ago; m, h, d and w are minutes, hours, days and weeks.",
    "created:[2026-11-01 TO 2026-11-07]": "From one to the other, both included; { and } leave an end out, * is open.",
    "duration:[90s TO 1h30m]": "So long; also > >= < <= and plain seconds.",
}


@require_safe
@for_members()
@ticks.live(ticks.of_jobs)
def job_list(request: MemberRequest) -> HttpResponse:
    member = request.member
    text = request.GET.get(QUERY, "")
    query, match, problem = _read(request, text)
    found = searching.page_of(member.project, match, request.GET, request.path)
    rows = rows_of(found.page.rows, project=member.project, now=member.now)
    context: dict[str, Any] = {
        "jobs": rows,
        "found": found,
        "live_url": request.get_full_path() if any(row.is_active for row in rows) else "",
        "is_filtered": bool(text.strip()) and not problem,
        "is_page": "before" in request.GET or "after" in request.GET,
        "all_url": request.path,
        "start_url": reverse("orchestrations", args=[member.project.pk]),
    }
    if not wants_fragment(request):
        counts = job_queries.counts(member.project)
        context |= {"query": text, "problem": problem, "chips": _chips(request.path, query, text)}
        context |= {"processing_count": counts["processing"], "waiting_count": counts["waiting"]}
        context |= {
            f"{name}_url": reverse(f"jobs-{name}", args=[member.project.pk]) for name in ("help", "suggestions")
        }
    return page_or_fragment(request, "jobs/job_list.html", "jobs/_job_table.html", context)


@require_safe
@for_members()
def suggest(request: MemberRequest) -> HttpResponse:
    """What could be typed at the caret, as the options of a list."""
    text, caret = request.GET.get(QUERY, ""), request.GET.get(CARET, "")
    place = int(caret) if caret.isascii() and caret.isdigit() and len(caret) < 6 else len(text)
    found = suggestions.at(text, place, Names(request.member.project, request.member.user))
    return render(request, "jobs/_job_suggestions.html", {"suggestions": found})


@require_safe
@for_members()
def explain(request: MemberRequest) -> HttpResponse:
    """The help sheet, a dialog and a page."""
    url = reverse("jobs", args=[request.member.project.pk])
    context = {
        "fragment": wants_fragment(request),
        "jobs_url": url,
        "fields": [{"field": field, "url": _address(url, field.example)} for field in fields.FIELDS.values()],
        "examples": [{"text": text, "what": what, "url": _address(url, text)} for text, what in EXAMPLES.items()],
        "words": fields.WORDS,
    }
    return render(request, "jobs/job_query_help.html", context)


def _read(request: MemberRequest, text: str) -> tuple[Query, Any, dict[str, str]]:
    """The query with what it finds; a text that is none finds everything, and the problem says what is wrong."""
    member = request.member
    names, clock = Names(member.project, member.user), Clock(member.now, timezone.get_current_timezone())
    try:
        query = parse(text)
        return query, match_of(query, names, clock), {}
    except BadQuery as error:
        return All(), match_of(All(), names, clock), _problem(text, error)


def _problem(text: str, error: BadQuery) -> dict[str, str]:
    """The text in three parts, the wrong one in the middle."""
    start = error.place.column - 1
    end = start + max(error.place.length, 1)
    return {
        "message": f"{error.message.removesuffix('.')} (character {error.place.column}).",
        "before": text[:start],
        "marked": text[start:end],
        "after": text[end:],
    }


def _chips(path: str, query: Query, text: str) -> list[dict[str, Any]]:
    written = str(query) if text.strip() else ""
    return [
        {"label": label, "url": path if written == chip else _address(path, chip), "current": written == chip}
        for label, chip in CHIPS.items()
    ]


def _address(path: str, text: str) -> str:
    return f"{path}?{urlencode({QUERY: text})}"
