"""The list of a project's jobs, and finding one of them."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from jobs.models import Job
from jobs.queries.rows import listed
from jobs.states import JobStatus
from orchestrations.models import Project


def of_project(project: Project) -> QuerySet[Job]:
    return listed(Job.objects.in_project(project))


def counts(project: Project) -> dict[str, int]:
    """How many process and wait now; served by the indexes of unsettled jobs."""
    found: dict[str, int] = (
        Job.objects.in_project(project)
        .unsettled()
        .aggregate(
            processing=Count("pk", filter=~Q(status=JobStatus.WAITING)),
            waiting=Count("pk", filter=Q(status=JobStatus.WAITING)),
        )
    )
    return found


def find(project: Project, job_id: int) -> Job | None:
    """One job with what its page shows."""
    found: Job | None = (
        Job.objects.in_project(project)
        .select_related("project", "configuration", "created_by", "created_with", "previous_job", "parent")
        .filter(pk=job_id)
        .first()
    )
    return found
