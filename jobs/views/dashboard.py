"""The start page of a project: what runs, what waits and why, what failed, how the workers are. Live.

What starts next, the floor above adds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from jobs import health
from jobs.queries import dashboard as queries
from jobs.queries import jobs as job_queries
from jobs.queries.dashboard import MOST_ROWS
from jobs.views import ticks
from jobs.views.answers import page_or_fragment
from orchestrations.lib import links
from orchestrations.models import Role
from orchestrations.views.members import MemberRequest


@ticks.live(ticks.of_jobs)
def dashboard(request: MemberRequest, *, more: Callable[[MemberRequest], dict[str, Any]]) -> HttpResponse:
    project, now, zone = request.member.project, request.member.now, timezone.get_current_timezone()
    since = queries.yesterday(now, zone)
    active = queries.now_of(project, now=now, zone=zone)
    failed = queries.failed_of(project, since=since, now=now)
    workers = request.workers = health.look(now)
    counts = job_queries.counts(project)
    is_quiet = not active and not failed
    may_edit = request.member.may(Role.EDITOR)
    context = {
        "project_name": project.name,
        "live_url": request.path,
        "is_busy": bool(active),
        "active": active[:MOST_ROWS],
        "counts": counts,
        "has_more_active": len(active) > MOST_ROWS,
        "failed": failed[:MOST_ROWS],
        "has_more_failed": len(failed) > MOST_ROWS,
        "since": since,
        "workers": workers,
        "workers_words": workers.sentence(now, zone),
        "machines": queries.machines(now),
        "limit": project.parallel_jobs,
        "paused_at": project.paused_at,
        "start": queries.start_of(project) if is_quiet else None,
        "jobs_url": links.find("jobs", project.pk),
        "orchestrations_url": links.find("orchestrations", project.pk),
        "components_url": links.find("components", project.pk) if may_edit else "",
        "new_orchestration_url": links.find("orchestration-new", project.pk) if may_edit else "",
        "settings_url": links.find("project-settings", project.pk) if request.member.may(Role.ADMIN) else "",
        "pause_url": links.of("project-pause", project.pk) if request.member.may_operate else "",
        **more(request),
    }
    return page_or_fragment(request, "jobs/dashboard_detail.html", "jobs/_dashboard.html", context)
