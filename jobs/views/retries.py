""" "Retry job": the dialog and page where the tasks of a new run are chosen, those that failed being checked (R10)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs import launching, snapshots
from jobs.models import Job
from jobs.queries import facts, selections
from jobs.queries.changes import changes_since
from jobs.queries.expectations import expectation_of
from jobs.queries.outlook import NOT_EXECUTED
from jobs.queries.rows import url_of
from jobs.views.answers import find_job, tell_scheduled
from jobs.views.running import answer_expectation, asks_expectation
from orchestrations import plans
from orchestrations.components.catalogue import UnknownComponent
from orchestrations.lib import links
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest, for_members

AS = "as"
WAS, IS = "it-was", "it-is-now"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def retry(request: MemberRequest, job_id: int) -> HttpResponse:
    job = find_job(request, job_id)
    given = request.POST if request.method == "POST" else request.GET
    as_it_was = given.get(AS) == WAS
    if asks_expectation(request):
        return _expect(request, job, as_it_was)
    if request.method != "POST":
        return _form(request, job, as_it_was=as_it_was)
    chosen = request.POST.getlist("task") if job.is_run else None
    try:
        new = launching.retry(
            job, actor=request.member.actor, now=request.member.now, only_task_keys=chosen, as_it_was=as_it_was
        )
    except (launching.Refused, UnknownComponent) as error:
        return _form(request, job, as_it_was=as_it_was, chosen=chosen, error=str(error))
    tell_scheduled(request, new)
    return go_to(request, url_of(new))


def _form(
    request: MemberRequest, job: Job, *, as_it_was: bool, chosen: list[str] | None = None, error: str = ""
) -> HttpResponse:
    url = reverse("job-retry", args=[job.project_id, job.pk])
    context: dict[str, Any] = {
        "fragment": wants_fragment(request),
        "job": {"id": job.pk, "url": url_of(job), "name": job.name, "is_orchestration": job.is_run},
        "crumbs": [*facts.crumbs_of(job), {"name": f"Job {job.pk}", "url": url_of(job)}],
        "action_url": url,
        "phases": [],
    }
    if job.is_run:
        try:
            context |= _selection(request, job, as_it_was, chosen)
        except (launching.Refused, snapshots.SnapshotLost, plans.InvalidPlan) as refusal:
            error = error or str(refusal)
    if not job.is_settled:
        error = f"Job {job.pk} has not ended yet: wait for it or terminate it first."
    context["error"] = error
    return render(request, "jobs/job_retry_form.html", context, status=422 if error else 200)


def _expect(request: MemberRequest, job: Job, as_it_was: bool) -> HttpResponse:
    try:
        plan = _plan(job, as_it_was)
    except (snapshots.SnapshotLost, plans.InvalidPlan) as refusal:
        raise Http404(str(refusal)) from refusal
    return answer_expectation(request, plan, request.GET.getlist("task"), job.configuration)


def _plan(job: Job, as_it_was: bool) -> plans.Plan:
    return snapshots.whole_plan_of(job) if as_it_was else launching.newest_plan_of(job)


def _selection(request: MemberRequest, job: Job, as_it_was: bool, chosen: list[str] | None) -> dict[str, Any]:
    plan = _plan(job, as_it_was)
    place = selections.place_of(request.GET.get("from", ""))
    if chosen is None and place is not None:
        chosen = selections.active_from(plan, place)
    if chosen is None:
        chosen = launching.default_retry_selection(job, as_it_was=as_it_was)
    url = reverse("job-retry", args=[job.project_id, job.pk])
    way = WAS if as_it_was else IS
    statuses = {task.key: NOT_EXECUTED for task in snapshots.plan_of(job).tasks}
    statuses |= dict(job.children.values_list("task_key", "status"))
    return {
        "phases": selections.phases_of(
            plan, chosen, project=job.project, from_url=f"{url}?{AS}={way}&from=", statuses=statuses
        ),
        "expectation": expectation_of(plan, chosen, job.configuration, project_id=job.project_id),
        "way": way,
        "is_way_chosen": AS in request.GET and "from" not in request.GET,
        "ways": [
            {"label": "As it is now", "url": f"{url}?{AS}={IS}", "current": not as_it_was},
            {"label": "As it was", "url": f"{url}?{AS}={WAS}", "current": as_it_was},
        ],
        "changes": changes_since(job),
        "compare_url": _compare_url(job),
    }


def _compare_url(job: Job) -> str:
    if job.configuration is None or job.configuration_version in (None, job.configuration.version):
        return ""
    page = links.find("version-compare", job.project_id, job.configuration.pk)
    return f"{page}?from={job.configuration_version}&to={job.configuration.version}" if page else ""
