"""Whether something that is shown live has changed, asked for less than it takes to show it.

What has settled never changes again; so a list is as it was while the newest job is the same, and the same jobs have
not settled, each as far as it was. What depends on other things besides (the clock, workers, other projects) is not
asked here: who shows it renews it now and then all the same.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery, Sum

from jobs.models import Job, LogChunk
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Project

Parts = tuple[Any, ...]


def of_project(project: Project) -> Parts:
    """Of any list of its jobs. Two statements."""
    newest = _NEWEST.first(project=project)
    return newest, tuple(_UNSETTLED.rows(project=project)), project.paused_at, project.parallel_jobs


def of_job(project: Project, job_id: int) -> Parts | None:
    """Of a job with all below it and their logs; None when there is none. At most three statements."""
    own = _OWN.first(project=project, pk=job_id)
    if own is None:
        return None
    *_, is_run, root, _ = own
    if not is_run:
        return own
    return own, tuple(_BELOW.rows(root=root or job_id)), _COUNT.first(root=root or job_id)


def _last_chunk() -> Subquery:
    chunks = LogChunk.objects.filter(job=OuterRef("pk")).order_by("-sequence")
    return Subquery(chunks.values("sequence")[:1])


def _unsettled() -> QuerySet[Job, Any]:
    """By status: how many, which, which attempts of them, and the last start."""
    of_project = Job.objects.filter(project=Param("project")).unsettled().order_by().values("status")
    counted = of_project.annotate(count=Count("pk"), ids=Sum("pk"), attempts=Sum("attempt"), last=Max("started_at"))
    found: QuerySet[Job, Any] = counted.order_by("status").values_list("status", "count", "ids", "attempts", "last")
    return found


_NEWEST = Query(lambda: Job.objects.filter(project=Param("project")).order_by("-pk").values_list("pk")[:1])
_UNSETTLED = Query(_unsettled)
_OWN = Query(
    lambda: Job.objects.filter(project=Param("project"), pk=Param("pk")).values_list(
        "pk",
        "status",
        "message",
        "progress",
        "attempt",
        "terminated_by",
        "project__paused_at",
        "is_run",
        "root_id",
        _last_chunk(),
    )
)
_BELOW = Query(
    lambda: (
        Job.objects.filter(root=Param("root"))
        .unsettled()
        .order_by("pk")
        .values_list("pk", "status", "attempt", _last_chunk())
    )
)
_COUNT = Query(
    lambda: (
        Job.objects.filter(root=Param("root")).order_by().values("root").annotate(Count("pk")).values_list("pk__count")
    )
)
