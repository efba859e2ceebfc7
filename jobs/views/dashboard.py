"""The start page of a project: what runs, what waits and why, what failed, how the workers are. Live."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs import health
from jobs.queries import dashboard as queries
from jobs.queries import jobs as job_queries
from jobs.queries.dashboard import MOST_ROWS
from jobs.views.answers import page_or_fragment
from orchestrations.lib import links
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest, for_members


@require_safe
@for_members()
def dashboard(request: MemberRequest) -> HttpResponse:
    project, now, zone = request.member.project, request.member.now, timezone.get_current_timezone()
    since = queries.yesterday(now, zone)
    active = queries.now_of(project, now=now, zone=zone)
    failed = queries.failed_of(project, since=since, now=now)
    has_nothing, has_no_job = queries.is_fresh(project)
    workers = health.look(now)
    may_edit = request.member.may(Role.EDITOR)
    context = {
        "project_name": project.name,
        "live_url": request.path,
        "is_busy": bool(active),
        "active": active[:MOST_ROWS],
        "counts": job_queries.counts(project),
        "has_more_active": len(active) > MOST_ROWS,
        "failed": failed[:MOST_ROWS],
        "has_more_failed": len(failed) > MOST_ROWS,
        "since": since,
        "workers": workers,
        "workers_words": workers.sentence(now, zone),
        "machines": queries.machines(now),
        "load": queries.load_of(project),
        "has_nothing": has_nothing,
        "has_no_job": has_no_job,
        "jobs_url": links.find("jobs", project.pk),
        "orchestrations_url": links.find("orchestrations", project.pk),
        "components_url": links.find("components", project.pk) if may_edit else "",
        "new_orchestration_url": links.find("orchestration-new", project.pk) if may_edit else "",
        "settings_url": links.find("project-settings", project.pk) if request.member.may(Role.ADMIN) else "",
    }
    return page_or_fragment(request, "jobs/dashboard_detail.html", "jobs/_dashboard.html", context)
