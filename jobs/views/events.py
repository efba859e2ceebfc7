"""What happened to a job: the last of it on its page, and all of it page by page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs.models import Job, JobEvent
from jobs.queries import facts
from jobs.queries.rows import url_of
from jobs.states import UNSETTLED
from jobs.views.answers import find_job
from orchestrations.lib.pages import number_of
from orchestrations.lib.prepared import Param, Query
from orchestrations.views.members import MemberRequest, for_members

LAST, SIZE = 20, 100


@require_safe
@for_members()
def event_list(request: MemberRequest, job_id: int) -> HttpResponse:
    """From the first one on, or before ``?before=<id>``."""
    job = find_job(request, job_id)
    rows, has_earlier, has_later = _page(request, job.events.all())
    context = {
        "job": {"id": job.pk, "name": job.name, "url": url_of(job)},
        "crumbs": [*facts.crumbs_of(job), {"name": f"Job {job.pk}", "url": url_of(job)}],
        "events": _shown(rows),
        "earlier_url": f"{request.path}?before={rows[0].pk}" if rows and has_earlier else "",
        "later_url": f"{request.path}?after={rows[-1].pk}" if rows and has_later else "",
    }
    return render(request, "jobs/job_events.html", context)


def last_of(job: Job) -> dict[str, Any]:
    """The last ones, and the address of all when there are more."""
    rows = _LAST.instances(job=job.pk, count=LAST + 1)
    return {
        "job": {"id": job.pk, "is_active": job.status in UNSETTLED},
        "events": _shown(rows[:LAST][::-1]),
        "events_url": reverse("job", args=[job.project_id, job.pk]),
        "all_events_url": reverse("job-events", args=[job.project_id, job.pk]) if len(rows) > LAST else "",
    }


def _page(request: MemberRequest, events: QuerySet[JobEvent]) -> tuple[list[JobEvent], bool, bool]:
    """Oldest first, and whether there are others before and after them."""
    before, after = number_of(request.GET.get("before")), number_of(request.GET.get("after"))
    if before is not None:
        rows = list(events.filter(pk__lt=before).order_by("-pk")[: SIZE + 1])
        return rows[:SIZE][::-1], len(rows) > SIZE, True
    rows = list(events.filter(pk__gt=after or 0).order_by("pk")[: SIZE + 1])
    return rows[:SIZE], after is not None, len(rows) > SIZE


def _shown(rows: list[JobEvent]) -> list[dict[str, Any]]:
    return [{"at": row.at, "text": row.message, "by": ""} for row in rows]


_LAST = Query(lambda: JobEvent.objects.filter(job=Param("job")).order_by("-pk"), limit="count")
