"""How long configurations usually run: the average of the last 20 executions that ended well (R20)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, OuterRef, QuerySet, Subquery

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Query
from orchestrations.models import Configuration

SAMPLE = 20
WELL = (JobStatus.SUCCESS, JobStatus.WARNING)


def seconds(configuration_id: int | None) -> float | None:
    """None before the first."""
    return seconds_of([configuration_id]).get(configuration_id or 0)


def seconds_of(configuration_ids: Iterable[int | None]) -> dict[int, float]:
    """By configuration, those that have run: one query, a range of the index (configuration, id) each."""
    return {pk: usual.seconds for pk, usual in samples_of(configuration_ids).items()}


@dataclass(frozen=True)
class Usual:
    """An average, and of how many executions."""

    seconds: float
    executions: int


def samples_of(configuration_ids: Iterable[int | None]) -> dict[int, Usual]:
    """As ``seconds_of``, with the size of the sample; one query."""
    ids = {pk for pk in configuration_ids if pk is not None}
    if not ids:
        return {}
    return {
        pk: Usual(usual.total_seconds(), number)
        for pk, usual, number in _USUAL.rows(configurations=ids)
        if usual is not None
    }


def _usual() -> QuerySet[Configuration, Any]:
    last = (
        Job.objects.filter(configuration=OuterRef(OuterRef("pk")), status__in=WELL)
        .order_by("-pk")
        .values("pk")[:SAMPLE]
    )
    sample = Job.objects.filter(pk__in=Subquery(last)).order_by().values("configuration")
    average = sample.annotate(average=Avg(F("finished_at") - F("started_at"))).values("average")
    number = sample.annotate(number=Count("pk")).values("number")
    rows = Configuration.objects.filter(Among("pk", "configurations")).order_by()
    return rows.annotate(usual=Subquery(average), number=Subquery(number)).values_list("pk", "usual", "number")


_USUAL = Query(_usual)
