"""The list of a project's jobs, and finding one of them."""

from __future__ import annotations

from django.db.models import BigIntegerField, Count, Q

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Project


def counts(project: Project) -> dict[str, int]:
    """How many process and wait now, and how many of components take a slot (R6); by the indexes of unsettled jobs.

    A connection test is neither, but takes a slot.
    """
    found: dict[str, int] = (
        Job.objects.in_project(project)
        .unsettled()
        .aggregate(
            processing=Count("pk", filter=~Q(status=JobStatus.WAITING) & Q(is_trial=False)),
            waiting=Count("pk", filter=Q(status=JobStatus.WAITING, is_trial=False)),
            slots=Count("pk", filter=~Q(status=JobStatus.WAITING) & Q(is_run=False)),
        )
    )
    return found


def find(project: Project, job_id: int) -> Job | None:
    """One job with what its page shows; None also for a number that no database has."""
    found: Job | None = _JOB.instance(project=project, pk=job_id) if job_id <= BigIntegerField.MAX_BIGINT else None
    if found is not None:
        found.project = project
    return found


_JOB = Query(
    lambda: Job.objects.filter(project=Param("project"), pk=Param("pk")).select_related(
        "configuration", "created_by", "created_with", "parent"
    )
)
