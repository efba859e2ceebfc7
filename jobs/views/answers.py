"""How views answer: the same address gives a page or a fragment, a plain form or htmx a redirect."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html

from jobs.models import Job
from jobs.queries import jobs as job_queries
from jobs.queries.rows import component_of, url_of
from orchestrations import queries
from orchestrations.lib.htmx import wants_fragment
from orchestrations.models import Orchestration
from orchestrations.views.members import MemberRequest


def page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, fragment if wants_fragment(request) else page, context, status=status)


def tell_scheduled(request: HttpRequest, job: Job) -> None:
    component = "Orchestrator" if job.is_run else component_of(job.component_id)[0]
    messages.success(
        request, format_html('{} job has been scheduled. <a href="{}">Job {}</a>', component, url_of(job), job.pk)
    )


def find_orchestration(request: MemberRequest, orchestration_id: int) -> Orchestration:
    found = queries.find_orchestration(request.member.project, orchestration_id)
    if found is None:
        raise Http404("There is no such orchestration in this project.")
    return found


def find_job(request: MemberRequest, job_id: int) -> Job:
    found = job_queries.find(request.member.project, job_id)
    if found is None:
        raise Http404("There is no such job in this project.")
    if found.is_run and found.parent_id is None:
        request.section = "orchestrations"  # as the way to it says
    return found
