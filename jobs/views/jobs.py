"""The page of one job, live while it is active."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.models import Job
from jobs.queries import facts, mapped, revisions, sources, tasks
from jobs.states import UNSETTLED, JobStatus
from jobs.views import events, logs, ticks
from jobs.views.answers import find_job
from orchestrations.lib.htmx import trigger_event, wants_fragment
from orchestrations.views.members import MemberRequest, for_members

OPEN, UNFOLDED = "open", "phase"
MOST_OPEN = 20


@require_safe
@for_members()
@ticks.live(lambda request, job_id: revisions.of_job(request.member.project, job_id))
def detail(request: MemberRequest, job_id: int) -> HttpResponse:
    """The job; as a fragment what changes of it, with the log lines that came after ``?after=``."""
    job = find_job(request, job_id)
    if wants_fragment(request) and request.htmx.target == f"job-{job.pk}-events":
        return render(request, "jobs/_job_events.html", events.last_of(job))
    if wants_fragment(request) and request.htmx.target == f"job-{job.pk}-history":
        return render(request, "jobs/_job_history.html", _history(request, job))
    if wants_fragment(request) and request.htmx.target == f"job-{job.pk}-mapping":
        return render(request, "jobs/_job_mapping.html", _mapping(job))
    context = _live(request, job)
    if not wants_fragment(request):
        return render(request, "jobs/job_detail.html", {**_rest(request, job), **context})
    response = render(request, "jobs/_job_live.html", {**context, "fragment": True})
    if (request.htmx.trigger or "").startswith(("task-", "phase-")):
        # Something was opened or closed: without ``?after=``, which only this request had.
        response["HX-Replace-Url"] = _address(request, request.GET.getlist(OPEN)[:MOST_OPEN])
    return response if job.status in UNSETTLED else trigger_event(response, "job-settled")


def _live(request: MemberRequest, job: Job) -> dict[str, Any]:
    """Reads the children before the log: what is settled here has been logged whole."""
    now, zone = request.member.now, timezone.get_current_timezone()
    children = tasks.children_of(job)
    plan = facts.plan_of(job)
    found = facts.facts_of(job, plan, now=now, zone=zone)
    tail = logs.tail_of(request, sources.sources_of(job, children))
    opened = request.GET.getlist(OPEN)[:MOST_OPEN]
    if request.member.may_operate:
        address = [job.project_id, job.pk]
        may_stop = job.status in UNSETTLED and job.status != JobStatus.TERMINATING
        found.terminate_url = reverse("job-termination", args=address) if may_stop else ""
        found.retry_url = "" if job.status in UNSETTLED else reverse("job-retry", args=address)
    found.live_url = _address(request, opened) if found.is_active else ""
    found.cursor = tail.cursor
    context: dict[str, Any] = {"job": found, "log": logs.log_of(request, job, tail)}
    if plan is not None:
        view = _view(request, opened)
        phases, timeline = tasks.phases_of(job, plan, children, view)
        found.progress = tasks.progress_of(job, plan, children, found.usual_seconds, now)
        context |= {"phases": phases, "timeline": timeline}
    found.announcement = _announcement(found)
    return context


def _view(request: MemberRequest, opened: list[str]) -> tasks.View:
    unfolded = request.GET.getlist(UNFOLDED)[:MOST_OPEN]
    return tasks.View(
        now=request.member.now,
        zone=timezone.get_current_timezone(),
        opened=opened,
        unfolded=unfolded,
        toggle_url=lambda key: _address(request, _toggled(opened, key)),
        fold_url=lambda key: _address(request, opened, _toggled(unfolded, key)),
    )


def _toggled(keys: list[str], key: str) -> list[str]:
    return [each for each in keys if each != key] if key in keys else [*keys, key]


def _address(request: MemberRequest, opened: list[str], unfolded: list[str] | None = None) -> str:
    """This page with these tasks open and these phases unfolded."""
    unfolded = request.GET.getlist(UNFOLDED)[:MOST_OPEN] if unfolded is None else unfolded
    parameters = [(OPEN, key) for key in opened] + [(UNFOLDED, key) for key in unfolded]
    parameters += logs.filters_of(request)
    return f"{request.path}?{urlencode(parameters)}" if parameters else request.path


def _announcement(job: facts.JobFacts) -> str:
    """Changes only when something happens."""
    if job.progress is not None:
        words = f", {job.progress.words}" if job.progress.words else ""
        return f"{job.progress.done} of {job.progress.total} tasks done{words}."
    first_line = job.message.partition("\n")[0]
    return f"Job {job.id}: {JobStatus(job.status).label}. {first_line}".rstrip()


def _history(request: MemberRequest, job: Job) -> dict[str, Any]:
    rows = facts.history_of(job, now=request.member.now)
    has_page = job.is_run and job.configuration is not None and job.configuration.deleted_at is None
    return {
        "job": {"id": job.pk, "is_active": job.status in UNSETTLED},
        "refresh_url": request.path,
        "history": [{"row": row, "is_current": row.id == job.pk} for row in rows],
        "all_url": reverse("orchestration", args=[job.project_id, job.configuration_id]) if has_page else "",
    }


def _mapping(job: Job) -> dict[str, Any]:
    return {
        "job": {"id": job.pk, "is_active": job.status in UNSETTLED},
        "mapping": None if job.is_run else mapped.of_job(job),
    }


def _rest(request: MemberRequest, job: Job) -> dict[str, Any]:
    return {
        **_history(request, job),
        **events.last_of(job),
        **_mapping(job),
        "crumbs": facts.crumbs_of(job),
        "parameters": None if job.is_run else facts.parameters_of(job),
    }
