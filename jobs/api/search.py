"""``GET search/jobs``: filtered, ordered and cut by the database, in a constant number of queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet

from jobs.api import presenting
from jobs.api.jobs import MODES, RUN_ID, visible_jobs
from jobs.api.schemas import JOB
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.api.errors import QUEUE, Invalid
from orchestrations.api.fields import Fields
from orchestrations.api.operations import operation
from orchestrations.api.wire import Call, endpoint, number_of, origin
from orchestrations.lib import moments
from orchestrations.lib.openapi import TEXT, list_of, one_of, whole

DURATION = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
MOST = 1000
LONGEST_SECONDS = 10**9
STATUSES = frozenset({*JobStatus.values, "created"})
"""A job is created by being put into the queue, so nothing is ever merely created."""
TYPES = {"standard": False, "orchestrationContainer": True}
NEVER_SENT = frozenset({"phaseContainer", "container", "retryContainer"})
TIMES = {"createdTime": "created_at", "startTime": "started_at", "endTime": "finished_at"}
ORDERS = {
    "id": ["pk"],
    "runId": ["parent_run_id", "pk"],
    "createdTime": ["created_at"],
    "startTime": ["started_at"],
    "endTime": ["finished_at"],
    "durationSeconds": ["took"],
    "status": ["status"],
    "componentId": ["component_id"],
    "configId": ["configuration__key"],
    "tokenId": ["token_id", "created_with_id"],
    "tokenDescription": ["token__description", "created_with__description"],
    "projectId": ["pk"],
    "projectName": ["pk"],
    "branchId": ["pk"],
}
QUERY = {
    "status": list_of(one_of(sorted(STATUSES))),
    "mode": list_of(one_of(MODES)),
    "type": list_of(one_of(sorted({*TYPES, *NEVER_SENT}))),
    **{
        name: list_of(TEXT)
        for name in (
            *("componentId", "component", "configId", "config", "id", "runId", "parentRunId"),
            *("tokenId", "tokenDescription", "branchId"),
        )
    },
    **{f"{name}{end}": TEXT for name in TIMES for end in ("From", "To")},
    **{f"durationSeconds{end}": whole(0, LONGEST_SECONDS) for end in ("From", "To")},
    "limit": whole(1, MOST, 100),
    "offset": whole(0, 2**31 - 1, 0),
    "sortBy": one_of(ORDERS),
    "sortOrder": one_of(["asc", "desc"]),
}
NEVER_NULL = frozenset({"pk", "parent_run_id", "created_at", "status", "component_id"})


@operation("Search jobs", {200: list_of(JOB)}, query=QUERY, description="Moments may be relative, as in “-8 hours”.")
def _search(call: Call) -> Any:
    query = call.query
    offset = query.whole("offset", 0)
    limit = query.whole("limit", 100, least=1, most=MOST)
    found = _ordered(_filtered(visible_jobs(call), query, call.now), query)
    rows = presenting.with_neighbours(found)[offset : offset + limit]
    return presenting.jobs(rows, origin=origin(call.request), now=call.now)


def _filtered(jobs: QuerySet[Job], query: Fields, now: datetime) -> QuerySet[Job]:
    jobs = _by_words(jobs.annotate(took=DURATION), query)
    jobs = _by_ids(jobs, query)
    for name, field in TIMES.items():
        for end, lookup in (("From", "gte"), ("To", "lte")):
            if query.text(f"{name}{end}"):
                jobs = jobs.filter(**{f"{field}__{lookup}": _moment(f"{name}{end}", query, now)})
    for end, lookup in (("From", "gte"), ("To", "lte")):
        if query.text(f"durationSeconds{end}"):
            seconds = query.whole(f"durationSeconds{end}", 0, most=LONGEST_SECONDS)
            jobs = jobs.filter(**{f"took__{lookup}": timedelta(seconds=seconds)})
    return jobs


def _by_words(jobs: QuerySet[Job], query: Fields) -> QuerySet[Job]:
    if statuses := _known("status", query, STATUSES):
        jobs = jobs.filter(status__in=statuses)
    if components := query.texts("componentId", "component"):
        jobs = jobs.filter(component_id__in=components)
    if configurations := query.texts("configId", "config"):
        jobs = jobs.filter(configuration__key__in=configurations)
    if modes := _known("mode", query, frozenset(MODES)):
        unsaid = Q(request__mode__isnull=True) if "run" in modes else Q()
        jobs = jobs.filter(Q(request__mode__in=modes) | unsaid)
    if types := _known("type", query, frozenset(TYPES) | NEVER_SENT):
        jobs = jobs.filter(is_run__in=[TYPES[each] for each in types if each in TYPES])
    if descriptions := query.texts("tokenDescription"):
        jobs = jobs.filter(
            Q(token__description__in=descriptions)
            | Q(token__isnull=True, created_with__description__in=descriptions)
            | Q(token__isnull=True, created_with__isnull=True, created_by__email__in=descriptions)
        )
    if branches := query.texts("branchId"):
        jobs = jobs if {"null", "default"} & set(branches) else jobs.none()
    return jobs


def _by_ids(jobs: QuerySet[Job], query: Fields) -> QuerySet[Job]:
    if ids := query.texts("id"):
        jobs = jobs.filter(pk__in=[number_of(each) for each in ids])
    if tokens := [number_of(each) for each in query.texts("tokenId")]:
        jobs = jobs.filter(Q(token__in=tokens) | Q(token__isnull=True, created_with__in=tokens))
    if parents := query.texts("parentRunId"):
        jobs = jobs.filter(parent_run_id__in=parents)
    if runs := query.texts("runId"):
        matching = Q(pk__in=[])
        for run in filter(RUN_ID.fullmatch, runs):
            parent, _, number = run.rpartition(".")
            matching |= Q(pk=number_of(number), parent_run_id=parent)
        jobs = jobs.filter(matching)
    return jobs


def _known(name: str, query: Fields, words: frozenset[str]) -> list[str]:
    given = query.texts(name)
    unknown = sorted(set(given) - words)
    if unknown:
        raise Invalid(name, f"{unknown[0]!r} is not one of {', '.join(sorted(words))}.")
    return given


def _moment(name: str, query: Fields, now: datetime) -> datetime:
    try:
        return moments.parse(query.text(name), now)
    except moments.InvalidMoment as error:
        raise Invalid(name, str(error)) from error


def _ordered(jobs: QuerySet[Job], query: Fields) -> QuerySet[Job]:
    """What has no value comes last either way, on every database; equals in the order of their creation."""
    by = query.choice("sortBy", "id", ORDERS)
    descending = query.choice("sortOrder", "desc", ("asc", "desc")) == "desc"
    order: list[Any] = []
    for field in [*ORDERS[by], "pk"]:
        nulls_last = None if field in NEVER_NULL else True
        order.append(F(field).desc(nulls_last=nulls_last) if descending else F(field).asc(nulls_last=nulls_last))
    return jobs.order_by(*order)


search = endpoint(QUEUE, get=_search)
