"""Downloading a table as CSV: a job writes the file, this page waits for it and hands it over."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from jobs import storing
from jobs.models import Job
from jobs.queries import facts
from jobs.queries import jobs as job_queries
from jobs.queries.tables import url_of
from jobs.states import UNSETTLED
from jobs.views.answers import page_or_fragment
from jobs.views.buckets import crumbs_of
from jobs.views.tables import find
from orchestrations.lib.pages import number_of
from orchestrations.tables import Found
from orchestrations.views.members import MemberRequest, for_members

JOB = "job"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members()
def download(request: MemberRequest, table_id: str) -> HttpResponse:
    """POST begins it; the page of ?job= waits for that one."""
    bucket, table = find(request, table_id)
    if request.method == "POST":
        found = Found(table=table, bucket=bucket)
        job = storing.unload_once(found, actor=request.member.actor, now=request.member.now)
        return redirect(f"{request.path}?{JOB}={job.pk}")
    asked = number_of(request.GET.get(JOB))
    context = {
        "crumbs": [*crumbs_of(bucket), {"name": table.name, "url": url_of(bucket, table.name)}],
        "table": {"id": table_id, "name": table.name, "rows": table.rows},
        "back_url": url_of(bucket, table.name),
        "action_url": request.path,
        **(_state(request, _find_job(request, table_id, asked)) if asked else {"job": None}),
    }
    return page_or_fragment(request, "storage/table_download.html", "storage/_table_download.html", context)


@require_safe
@for_members()
def file(request: MemberRequest, table_id: str, job_id: int) -> FileResponse:
    _bucket, table = find(request, table_id)
    path = storing.unloaded_file(_find_job(request, table_id, job_id))
    if path is None:
        raise Http404("This file is not there (any more): download the table again.")
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"{table.name}.csv", content_type="text/csv")


def _find_job(request: MemberRequest, table_id: str, job_id: int) -> Job:
    """One that unloads this very table."""
    found = job_queries.find(request.member.project, job_id)
    if found is None or found.component_id != storing.UNLOAD or storing.table_of(found) != table_id:
        raise Http404("There is no such download of this table.")
    return found


def _state(request: MemberRequest, job: Job) -> dict[str, Any]:
    found = facts.facts_of(job, None, now=request.member.now, zone=timezone.get_current_timezone())
    path = storing.unloaded_file(job)
    return {
        "job": found,
        "live_url": request.get_full_path() if job.status in UNSETTLED else "",
        "file_url": reverse("table-file", args=[job.project_id, storing.table_of(job), job.pk]) if path else "",
        "size_bytes": path.stat().st_size if path else 0,
    }
