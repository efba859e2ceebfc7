"""How long configurations usually run: the average of the last 20 executions that ended well (R20)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Avg, F, OuterRef, Subquery

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration

SAMPLE = 20
WELL = (JobStatus.SUCCESS, JobStatus.WARNING)


def seconds(configuration_id: int | None) -> float | None:
    """None before the first."""
    return seconds_of([configuration_id]).get(configuration_id or 0)


def seconds_of(configuration_ids: Iterable[int | None]) -> dict[int, float]:
    """By configuration, those that have run: one query, a range of the index (configuration, id) each."""
    ids = {pk for pk in configuration_ids if pk is not None}
    if not ids:
        return {}
    last = (
        Job.objects.filter(configuration=OuterRef(OuterRef("pk")), status__in=WELL)
        .order_by("-pk")
        .values("pk")[:SAMPLE]
    )
    average = (
        Job.objects.filter(pk__in=Subquery(last))
        .order_by()
        .values("configuration")
        .annotate(average=Avg(F("finished_at") - F("started_at")))
        .values("average")
    )
    rows = Configuration.objects.filter(pk__in=ids).annotate(usual=Subquery(average)).values_list("pk", "usual")
    return {pk: usual.total_seconds() for pk, usual in rows if usual is not None}
