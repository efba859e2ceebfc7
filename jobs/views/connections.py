""" "Test connection" of a configuration: a short job tries it, this page waits for its answer."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from jobs import launching, trying
from jobs.models import Job
from jobs.queries import configurations as queries
from jobs.queries import facts, sources
from jobs.queries import jobs as job_queries
from jobs.states import UNSETTLED, JobStatus
from jobs.views.answers import page_or_fragment
from jobs.views.configurations import crumbs_of, find, page_url
from orchestrations.lib.pages import number_of
from orchestrations.models import Configuration, Role
from orchestrations.views.members import MemberRequest, for_members

JOB = "job"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def test(request: MemberRequest, configuration_id: int) -> HttpResponse:
    """POST begins it; the page of ?job= waits for that one."""
    configuration = find(request, configuration_id)
    if not trying.may_try(queries.component(configuration.component_id)):
        raise Http404("This component has no connection to be tested.")
    context = {
        **crumbs_of(configuration),
        "configuration": {"name": configuration.name, "url": page_url(configuration)},
        "action_url": request.path,
    }
    if request.method == "POST":
        try:
            job = trying.try_connection(configuration, actor=request.member.actor, now=request.member.now)
        except launching.Refused as error:
            refused = {**context, "job": None, "error": str(error)}
            return render(request, "configurations/connection_test.html", refused, status=422)
        return redirect(f"{request.path}?{JOB}={job.pk}")
    asked = number_of(request.GET.get(JOB))
    context |= _state(request, _find_job(request, configuration, asked)) if asked else {"job": None}
    return page_or_fragment(
        request, "configurations/connection_test.html", "configurations/_connection_test.html", context
    )


def _find_job(request: MemberRequest, configuration: Configuration, job_id: int) -> Job:
    found = job_queries.find(request.member.project, job_id)
    if found is None or not trying.is_trial_of(found, configuration):
        raise Http404("There is no such test of this configuration as it is now.")
    return found


def _state(request: MemberRequest, job: Job) -> dict[str, Any]:
    found = facts.facts_of(job, None, now=request.member.now, zone=timezone.get_current_timezone())
    is_good = job.status == JobStatus.SUCCESS
    lines = sources.last_lines([job.pk]).get(job.pk, []) if is_good else []
    return {
        "job": found,
        "is_good": is_good,
        "answer": lines[-1].text if lines else "",
        "live_url": request.get_full_path() if job.status in UNSETTLED else "",
    }
