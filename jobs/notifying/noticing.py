"""Writing down what people may want to be told: within the settle, and while a job takes longer than usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from jobs import usual
from jobs.models import Job, Notice
from jobs.notifying import routing
from jobs.notifying.routing import PERSONAL_OVERTIME_PERCENT, Audience
from orchestrations.lib import prepared
from orchestrations.models import EventType, Subscription


def notice_end(job: Job, status: str, now: datetime) -> None:
    """One row, in the transaction that settles the job; nothing here can hold it up (R21).

    A connection test is answered where it was asked for.
    """
    if not job.is_trial and routing.is_noticed(status, is_run=job.is_run, is_root=job.parent_id is None):
        prepared.insert([Notice(job_id=job.pk, event=routing.EVENT_OF[status], at=now)])  # type: ignore[index]


def is_anything_running(now: datetime) -> bool:
    return Job.objects.active().exists()


def notice_long(*, now: datetime) -> int:
    """Notice each job that has been processing for so much longer than usual as somebody asked for; how many.

    Usual is the average of its last 20 executions that ended well (R20); before the first there is no usual.
    """
    jobs = list(
        Job.objects.active()
        .filter(Q(is_run=True) | Q(parent__isnull=True), configuration__isnull=False, started_at__isnull=False)
        .select_related("created_by")
        .only("pk", "parent_id", "project_id", "component_id", "configuration_id", "started_at", "cause", "created_by")
    )
    if not jobs:
        return 0
    bounds = _bounds(jobs)
    usually = usual.seconds_of(job.configuration_id for job in jobs if bounds[job.pk])
    passed = [
        Notice(job=job, event=EventType.LONG, overtime_percent=percent, usual_seconds=seconds, at=now)
        for job in jobs
        if (seconds := usually.get(job.configuration_id or 0)) is not None
        for percent in sorted(bounds[job.pk])
        if _seconds_of(job, now) > seconds * (1 + percent / 100)
    ]
    return _insert_new(passed)


def _seconds_of(job: Job, now: datetime) -> float:
    return (now - job.started_at).total_seconds() if job.started_at is not None else 0.0


def _bounds(jobs: Iterable[Job]) -> dict[int, set[int]]:
    """By job the percentages that somebody waits for."""
    bounds: dict[int, set[int]] = defaultdict(set)
    unattended = []
    for job in jobs:
        audience = routing.audience(job.cause, is_root=job.parent_id is None)
        if audience == Audience.LISTS:
            unattended.append(job)
        elif audience == Audience.PERSON and job.created_by is not None and job.created_by.mail_on_long:
            bounds[job.pk].add(PERSONAL_OVERTIME_PERCENT)
    projects = {job.project_id for job in unattended}
    wanted = Subscription.objects.filter(project__in=projects, event=EventType.LONG) if projects else []
    for subscription in wanted:
        for job in unattended:
            if concerns(subscription, job) and subscription.overtime_percent is not None:
                bounds[job.pk].add(subscription.overtime_percent)
    return bounds


def concerns(subscription: Subscription, job: Job) -> bool:
    """Whether the subscription is about jobs of this configuration."""
    if subscription.project_id != job.project_id:
        return False
    if subscription.configuration_id is not None:
        return subscription.configuration_id == job.configuration_id
    return subscription.component_id in ("", job.component_id)


def _insert_new(notices: list[Notice]) -> int:
    """Those that are not there yet: several schedulers may look at once."""
    known = set(
        Notice.objects.filter(job__in=[notice.job_id for notice in notices], event=EventType.LONG).values_list(
            "job_id", "overtime_percent"
        )
    )
    new = [notice for notice in notices if (notice.job_id, notice.overtime_percent) not in known]
    if new:
        Notice.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
