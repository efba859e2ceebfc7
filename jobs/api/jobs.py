"""Creating, showing and terminating jobs."""

from __future__ import annotations

import json
import re
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from jobs import launching, terminating
from jobs.api import presenting
from jobs.api.schemas import IDEMPOTENCY, JOB, NEW_JOB
from jobs.launching import KeyReused, Refused
from jobs.models import Job
from jobs.terminating import AlreadySettled
from orchestrations import access
from orchestrations.api.errors import QUEUE, ApiError, Invalid, NotFound
from orchestrations.api.fields import MOST_ITEMS, Fields
from orchestrations.api.operations import operation
from orchestrations.api.schemas import LONGEST_RUN_ID
from orchestrations.api.schemas import RUN_ID as RUN_ID_HEADER
from orchestrations.api.tokens import check_branch
from orchestrations.api.wire import Answer, Call, endpoint, has_no_nul, number_of, origin
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib import moments
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Configuration

MODES = ("run", "forceRun", "debug")
RUN_ID = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})*", re.ASCII)
"""Three levels of runs below it must still fit into parent_run_id."""
LONGEST_KEY = 255


@operation("Create a job", {201: JOB}, body=NEW_JOB, headers={**IDEMPOTENCY, **RUN_ID_HEADER})
def _create(call: Call) -> Any:
    body = call.body
    component_id = body.text("component", most=128)
    if not component_id:
        raise Invalid("component", "is missing.")
    configuration = _configuration(call, component_id)
    request = launching.Request(
        only_task_keys=body.texts("onlyOrchestrationTaskIds") if body.given("onlyOrchestrationTaskIds") else None,
        data=_data(call),
        delay_seconds=_delay(call),
        forced=body.text("mode") == "forceRun",
        parent_run_id=_parent_run_id(call),
        previous_job=_previous_job(call),
        idempotency_key=_idempotency_key(call),
        idempotency_digest=_digest_of(call),
    )
    try:
        job = launching.launch(call.project, component_id, configuration, request, actor=call.actor, now=call.now)
    except KeyReused as error:
        raise ApiError(409, str(error)) from error
    except Refused as error:
        raise ApiError(400, str(error)) from error
    return _shown(call, job, 201)


@operation("Show a job", {200: JOB})
def _show(call: Call, job_id: str) -> Any:
    return _shown(call, find_job(call, job_id))


@operation("Terminate a job", {202: JOB})
def _terminate(call: Call, job_id: str) -> Any:
    try:
        job = terminating.terminate(find_job(call, job_id), actor=call.actor, now=call.now)
    except AlreadySettled as error:
        raise ApiError(400, f"{error} It is not in one of killable states.") from error
    return _shown(call, job, 202)


def visible_jobs(call: Call) -> QuerySet[Job]:
    """Those of the project that the token may look at: of its components, and the tasks of its runs."""
    jobs: QuerySet[Job] = Job.objects.in_project(call.project)
    visible = access.visible_components(call.actor)
    if visible is None:
        return jobs
    of_runs = Q(root__isnull=False) if ORCHESTRATOR in visible else Q()
    return jobs.filter(Q(component_id__in=visible) | of_runs)


def find_job(call: Call, job_id: str) -> Job:
    """Raises NotFound."""
    job = presenting.with_neighbours(visible_jobs(call)).filter(pk=number_of(job_id)).first()
    if job is None:
        raise NotFound(f'Job "{job_id[:100]}" not found.')
    return job


# --- Reading a request -------------------------------------------------------------------------


def _configuration(call: Call, component_id: str) -> Configuration | None:
    key = call.body.text("config", most=100)
    if not key:
        return None
    row = _CONFIGURATION.instance(project=call.project.pk, component=component_id, key=key)
    if row is None:
        raise NotFound(f"config: there is no configuration {key!r} of {component_id} in this project.")
    return row


def _data(call: Call) -> dict[str, Any]:
    """What the job keeps of the request, by the names of the API; only what was given."""
    body = call.body
    if body.given("branchId"):
        check_branch(call, body.text("branchId"))
    if body.text("variableValuesId"):
        raise Invalid("variableValuesId", "stored values are not possible; send variableValuesData.")
    data = {
        "configData": body.object("configData"),
        "configRowIds": body.texts("configRowIds"),
        "variableValuesData": _variables(body),
        "tag": body.text("tag", most=128),
        "orchestrationTaskId": body.text("orchestrationTaskId", most=100),
        "mode": body.choice("mode", "run", MODES),
    }
    return {name: value for name, value in data.items() if value}


def _variables(body: Fields) -> dict[str, Any]:
    given = body.object("variableValuesData")
    values = given.get("values") or []
    if not isinstance(values, list) or len(values) > MOST_ITEMS:
        raise Invalid("variableValuesData.values", f"expected a list of at most {MOST_ITEMS} values.")
    read = []
    for place, value in enumerate(values):
        where = f"variableValuesData.values[{place}]"
        if not isinstance(value, dict) or not {"name", "value"} <= value.keys():
            raise Invalid(where, "expected an object with name and value.")
        fields = Fields(value)
        if not fields.text("name"):
            raise Invalid(f"{where}.name", "is missing.")
        if isinstance(value["value"], dict | list):
            raise Invalid(f"{where}.value", "expected a text.")
        read.append({"name": fields.text("name"), "value": value["value"]})
    return {"values": read} if read else {}


def _delay(call: Call) -> float:
    body = call.body
    if not body.given("delayedStartTime"):
        return body.whole("delay", 0)
    if body.given("delay"):
        raise Invalid("delay", "cannot be given together with delayedStartTime.")
    try:
        start = moments.parse(body.text("delayedStartTime"), call.now)
    except moments.InvalidMoment as error:
        raise Invalid("delayedStartTime", str(error)) from error
    return max(0.0, (start - call.now).total_seconds())


def _parent_run_id(call: Call) -> str:
    text = call.request.headers.get("X-KBC-RunId", "").strip()
    if text and (len(text) > LONGEST_RUN_ID or not RUN_ID.fullmatch(text)):
        raise Invalid("X-KBC-RunId", "expected a run id: numbers joined by dots.")
    return text


def _previous_job(call: Call) -> Job | None:
    text = call.body.text("previousJobId")
    if not text:
        return None
    job = visible_jobs(call).filter(pk=number_of(text)).first()
    if job is None:
        raise NotFound(f"previousJobId: there is no job {text!r} in this project.")
    return job


def _idempotency_key(call: Call) -> str | None:
    key = call.request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable() or not has_no_nul(key):
        raise Invalid("Idempotency-Key", f"expected at most {LONGEST_KEY} printable characters.")
    return key or None


def _digest_of(call: Call) -> str:
    """Of what is asked for; keyed, because a body may hold secrets that are short enough to guess."""
    values = {name: value for name, value in call.body.values.items() if value is not None}
    asked = json.dumps([values, call.request.headers.get("X-KBC-RunId", "")], sort_keys=True)
    return salted_hmac("jobs.api.jobs.idempotency", asked, algorithm="sha256").hexdigest()


def _shown(call: Call, job: Job, status: int = 200) -> Answer:
    return Answer(presenting.job(job, origin=origin(call.request), now=call.now), status)


jobs = endpoint(QUEUE, post=_create)
job = endpoint(QUEUE, get=_show)
killed = endpoint(QUEUE, post=_terminate)

_CONFIGURATION = Query(
    lambda: Configuration.objects.filter(
        project=Param("project"), component_id=Param("component"), key=Param("key")
    ).select_related("project")
)
