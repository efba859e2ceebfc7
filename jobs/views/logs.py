"""The log of a job: what its page shows of it, the pages of the whole, and the download."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.models import Job
from jobs.queries import facts, sources, tasks
from jobs.queries.rows import url_of
from jobs.states import UNSETTLED
from jobs.views.answers import find_job
from orchestrations.lib.htmx import wants_fragment
from orchestrations.lib.pages import number_of
from orchestrations.views.members import MemberRequest, for_members

LEVEL, FIND, AFTER = "level", "find", "after"
BEFORE_CHUNK, AFTER_CHUNK = "before", "after"
LONGEST_TEXT = 200


@require_safe
@for_members()
def log(request: MemberRequest, job_id: int) -> HttpResponse:
    """The log alone, page by page, from its end."""
    job = find_job(request, job_id)
    all_sources, wanted = sources.sources_of(job, tasks.children_of(job)), wanted_by(request)
    later_than = number_of(request.GET.get(AFTER_CHUNK))
    if later_than is not None:
        piece = sources.after(later_than, all_sources, wanted)
    else:
        piece = sources.before(number_of(request.GET.get(BEFORE_CHUNK)), all_sources, wanted)
    here = f"{request.path}?{urlencode(filters_of(request))}"
    context = {
        "job": {"id": job.pk, "name": job.name, "url": url_of(job), "is_active": job.status in UNSETTLED},
        "crumbs": [*facts.crumbs_of(job), {"name": f"Job {job.pk}", "url": url_of(job)}],
        "log": {
            **_filters(request, job, request.path),
            "lines": piece.lines,
            "earlier_url": f"{here}&{BEFORE_CHUNK}={piece.first}" if piece.has_earlier and piece.first else "",
            "later_url": f"{here}&{AFTER_CHUNK}={piece.last}" if piece.has_later and piece.last else "",
        },
    }
    return render(request, "jobs/job_log.html", context)


@require_safe
@for_members()
def download(request: MemberRequest, job_id: int) -> StreamingHttpResponse:
    """The whole log as text."""
    job = find_job(request, job_id)
    pieces = sources.whole(sources.sources_of(job, tasks.children_of(job)), timezone.get_current_timezone())
    response = StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{job.pk}.log"'
    return response


def wanted_by(request: MemberRequest) -> sources.Wanted:
    level = request.GET.get(LEVEL, "")
    if level not in sources.LEVELS:
        raise Http404("There is no such level.")
    return sources.Wanted(level, request.GET.get(FIND, "").replace("\x00", "").strip()[:LONGEST_TEXT])


def tail_of(request: MemberRequest, all_sources: list[sources.Source]) -> sources.Tail:
    """The last lines; for a tick those that came after ``?after=``."""
    wanted = wanted_by(request)
    if wants_fragment(request) and AFTER in request.GET:
        return sources.since(request.GET[AFTER], all_sources, wanted)
    return sources.tail(all_sources, wanted)


def filters_of(request: MemberRequest) -> list[tuple[str, str]]:
    """What of the address says which lines are wanted."""
    return [(name, request.GET[name]) for name in (LEVEL, FIND) if request.GET.get(name)]


def log_of(request: MemberRequest, job: Job, tail: sources.Tail) -> dict[str, Any]:
    """What the page of a job shows."""
    all_of_it = reverse("job-log", args=[job.project_id, job.pk])
    filters = filters_of(request)
    return {
        **_filters(request, job, request.path),
        "lines": tail.lines,
        "has_earlier": tail.has_earlier,
        "earlier_url": f"{all_of_it}?{urlencode(filters)}" if filters else all_of_it,
    }


def _filters(request: MemberRequest, job: Job, url: str) -> dict[str, Any]:
    wanted = wanted_by(request)
    return {
        "levels": [
            {"value": value, "label": label, "is_current": value == wanted.level}
            for value, label in sources.LEVELS.items()
        ],
        "find": wanted.text,
        "is_filtered": bool(wanted.level or wanted.text),
        "form_url": url,
        "download_url": reverse("job-log-download", args=[job.project_id, job.pk]),
    }
