"""``GET events`` and ``POST events``, which stand under Storage: what happened to the jobs of a run."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from django.db.models import Q, QuerySet

from jobs import noting
from jobs.api.jobs import RUN_ID, visible_jobs
from jobs.api.schemas import EVENT, NEW_EVENT
from jobs.models import Job, JobEvent
from jobs.noting import Said
from orchestrations import access
from orchestrations.api.errors import STORAGE, Invalid, NotFound
from orchestrations.api.fields import Fields
from orchestrations.api.operations import LIMIT_AND_OFFSET, operation
from orchestrations.api.schemas import LONGEST_RUN_ID
from orchestrations.api.schemas import RUN_ID as RUN_ID_HEADER
from orchestrations.api.wire import Answer, Call, endpoint, moment, number_of
from orchestrations.lib.openapi import TEXT, list_of

MOST = 1000
LONGEST_MESSAGE = 10_000
NAMES = UUID("5a0d7c53-5c53-4f0a-9c0e-4a1f5a8c1d11")
"""Of our events: the same row has the same uuid on every machine."""
OF_COMPONENT = ("component", "configurationId")


@operation("List events of jobs, newest first", {200: list_of(EVENT)}, query={**LIMIT_AND_OFFSET, "runId": TEXT})
def _list(call: Call) -> Any:
    query = call.query
    offset = query.whole("offset", 0)
    limit = query.whole("limit", 100, least=1, most=MOST)
    run_id = query.text("runId")
    events = JobEvent.objects.filter(job__project=call.project).order_by("-pk").select_related("job__configuration")
    if run_id or access.visible_components(call.actor) is not None:
        jobs = visible_jobs(call)
        events = events.filter(job__in=jobs.filter(_of_run(jobs, run_id)) if run_id else jobs)
    slim = events.defer("job__result", "job__request", "job__configuration__document", "job__configuration__state")
    return [_event(event) for event in slim[offset : offset + limit]]


@operation("Write an event of a job", {201: EVENT}, body=NEW_EVENT, headers=RUN_ID_HEADER)
def _create(call: Call) -> Any:
    """About a job, that of ``runId`` in the body or of the header X-KBC-RunId."""
    body = call.body
    message = body.text("message", most=LONGEST_MESSAGE)
    if not message:
        raise Invalid("message", "is missing.")
    run_id = body.text("runId") or call.request.headers.get("X-KBC-RunId", "").strip()
    if not run_id:
        raise Invalid("runId", "is missing: an event is about a job.")
    job = _find_by_run_id(visible_jobs(call).select_related("project", "configuration"), run_id)
    if job is None:
        raise NotFound(f"runId: there is no job with the run id {run_id[:LONGEST_RUN_ID]!r} in this project.")
    said = Said(
        message=message, level=body.choice("type", JobEvent.Level.INFO, JobEvent.Level.values), data=_data(body)
    )
    return Answer(_event(noting.note(job, said, actor=call.actor, now=call.now)), 201)


def _data(body: Fields) -> dict[str, Any]:
    data: dict[str, Any] = {name: body.text(name) for name in OF_COMPONENT}
    data |= {name: body.object(name) for name in ("params", "results")}
    data["description"] = body.text("description", most=LONGEST_MESSAGE)
    return {name: value for name, value in data.items() if value}


def _of_run(jobs: QuerySet[Job], run_id: str) -> Q:
    """The job with this run id and everything below it."""
    job = _find_by_run_id(jobs, run_id)
    if job is None:
        return Q(pk__in=[])
    if job.root_id is None:
        return Q(pk=job.pk) | Q(root=job.pk)
    below = Q(root=job.root_id) & (Q(parent=job.pk) | Q(parent_run_id__startswith=f"{job.run_id}."))
    return Q(pk=job.pk) | below


def _find_by_run_id(jobs: QuerySet[Job], run_id: str) -> Job | None:
    if not RUN_ID.fullmatch(run_id):
        return None
    parent, _, number = run_id.rpartition(".")
    return jobs.filter(pk=number_of(number), parent_run_id=parent).first()


def _event(event: JobEvent) -> dict[str, Any]:
    job, data = event.job, event.data
    configuration = job.configuration.key if job.configuration is not None else None
    return {
        "uuid": str(uuid5(NAMES, str(event.pk))),
        "id": str(event.pk),
        "event": event.kind,
        "message": event.message,
        "description": data.get("description", ""),
        "type": event.level,
        "created": moment(event.at),
        "runId": job.run_id,
        "component": data.get("component") or job.component_id,
        "configurationId": data.get("configurationId") or configuration,
        "params": data.get("params", {}),
        "results": data.get("results", {}),
    }


events = endpoint(STORAGE, get=_list, post=_create)
