""" "Terminate job": asks first, on a page that is also a dialog."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs import terminating
from jobs.models import Job
from jobs.queries import facts
from jobs.queries.rows import url_of
from jobs.states import JobStatus
from jobs.views.answers import find_job
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest, for_members


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def terminate(request: MemberRequest, job_id: int) -> HttpResponse:
    job = find_job(request, job_id)
    if request.method != "POST":
        return _ask(request, job)
    try:
        terminating.terminate(job, actor=request.member.actor, now=request.member.now)
    except terminating.AlreadySettled as error:
        return _ask(request, job, error=str(error))
    return go_to(request, url_of(job))


def _ask(request: MemberRequest, job: Job, error: str = "") -> HttpResponse:
    context = {
        "fragment": wants_fragment(request),
        "job": {
            "id": job.pk,
            "url": url_of(job),
            "name": job.name,
            "status": job.status,
            "is_waiting": job.status == JobStatus.WAITING,
            "is_orchestration": job.is_run,
            "active_children": job.children.unsettled().count() if job.is_run else 0,
        },
        "crumbs": [*facts.crumbs_of(job), {"name": f"Job {job.pk}", "url": url_of(job)}],
        "action_url": reverse("job-termination", args=[job.project_id, job.pk]),
        "grace_seconds": settings.GRACE_SECONDS,
        "error": error,
    }
    return render(request, "jobs/job_confirm_terminate.html", context, status=422 if error else 200)
