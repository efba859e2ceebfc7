"""Creating root jobs: by hand, by API, and again from a settled one (R3, R4, R10, R19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs import advancing, afterwards, bringing, loading, snapshots
from jobs.locking import retried
from jobs.models import Cause, Job, JobEvent
from jobs.wakeups import Topic, wake
from orchestrations import access, plans
from orchestrations.access import Actor
from orchestrations.components import catalogue, parameters
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.documents import secrets_scope
from orchestrations.lib import prepared
from orchestrations.lib.secrets import SecretUnreadable, encrypt_document
from orchestrations.models import Configuration, Project

_FIXED = frozenset({"project", "configuration", "created_by", "created_with", "previous_job"})
_CHANGED_BY_START = [field.attname for field in Job._meta.concrete_fields if field.name not in _FIXED]
"""All that may; the rows that the answer needs beside the job are at hand, and are not asked for once more."""
LONGEST_DELAY_SECONDS = 366 * 24 * 3600
RUN = "run"
"""The action that all programs have."""


class Refused(ValueError):
    """The job cannot be created and nothing was; the message is for the user."""


class IsDisabled(Refused):
    """The configuration is disabled; ``forced`` runs it all the same."""


class KeyReused(Refused):
    """Another job was created with this idempotency key."""


class NotSettled(Refused):
    """Only a settled job can be retried."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a run is asked for. ``data``: configData, configRowIds, variableValuesData, tag, named as in the API.

    ``idempotency_digest`` stands for all that the key came with: the same key for something else is refused.
    """

    only_task_keys: Sequence[str] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    delay_seconds: float = 0
    forced: bool = False
    cause: str = ""
    parent_run_id: str = ""
    previous_job: Job | None = None
    version: int | None = None
    name: str = ""
    """Of a job without a configuration; "": that of its component."""
    idempotency_key: str | None = None
    idempotency_digest: str = ""


def launch(
    project: Project,
    component_id: str,
    configuration: Configuration | None,
    request: Request,
    *,
    actor: Actor,
    now: datetime,
) -> Job:
    """Create a job, and start it at once if it is a run that nothing holds up.

    The same idempotency key gives the same job. Raises Denied, UnknownComponent, Refused, IsDisabled, KeyReused.
    """
    access.require_start(actor, project, component_id, now)
    catalogue.get(component_id)
    _check_configuration(project, component_id, configuration, request)
    job = _unsaved(project, component_id, configuration, request, actor, now)
    _check_content(job)
    try:
        bringing.require(job, actor, now)
    except plans.InvalidPlan as error:
        raise Refused(f"configData: {error}") from error
    return _create(job, now)


def retry(
    job: Job,
    *,
    actor: Actor,
    now: datetime,
    only_task_keys: Sequence[str] | None = None,
    as_it_was: bool = False,
) -> Job:
    """A new job from a settled one (R10). Without a choice of tasks: those that a retry checks by default.

    Raises NotSettled and whatever ``launch`` raises.
    """
    if not job.is_settled:
        raise NotSettled(f"Job {job.pk} has not ended yet: wait for it or terminate it first.")
    if job.is_run and only_task_keys is None:
        only_task_keys = default_retry_selection(job, as_it_was=as_it_was)
    request = Request(
        only_task_keys=only_task_keys if job.is_run else None,
        data=job.request,
        forced=True,
        previous_job=job,
        version=job.configuration_version if as_it_was else None,
        name=job.name,
    )
    return launch(job.project, job.component_id, job.configuration, request, actor=actor, now=now)


def default_retry_selection(job: Job, *, as_it_was: bool = False) -> list[str]:
    """The keys of the tasks that the retry dialog checks. Raises Refused when the plan cannot be read any more."""
    try:
        before, chosen = snapshots.whole_plan_of(job), snapshots.plan_of(job)
        now = snapshots.whole_plan_of(job) if as_it_was else newest_plan_of(job)
    except (snapshots.SnapshotLost, plans.InvalidPlan, plans.InvalidSelection) as error:
        raise Refused(str(error)) from error
    statuses = dict(job.children.values_list("task_key", "status"))
    return plans.retry_selection(before, chosen, now, statuses)


def newest_plan_of(run: Job) -> plans.Plan:
    """The orchestration as it is now; as it was, when it came with the request. Raises SnapshotLost, InvalidPlan."""
    if run.request.get("configData") or run.configuration is None:
        return snapshots.whole_plan_of(run)
    return plans.parse(run.configuration.document)


# --- Private -----------------------------------------------------------------------------------


def _check_configuration(
    project: Project, component_id: str, configuration: Configuration | None, request: Request
) -> None:
    if configuration is None:
        if not request.data.get("configData"):
            raise Refused("config: is missing; give a configuration or configData.")
        return
    if configuration.project_id != project.pk or configuration.component_id != component_id:
        raise Refused(f"config: there is no configuration {configuration.key!r} of {component_id} in this project.")
    if configuration.deleted_at is not None:
        raise Refused(f"{configuration.name} is in the trash: restore it first.")
    if configuration.is_disabled and not request.forced:
        raise IsDisabled(f"{configuration.name} is disabled. Run it with mode forceRun, or enable it.")


def _unsaved(
    project: Project,
    component_id: str,
    configuration: Configuration | None,
    request: Request,
    actor: Actor,
    now: datetime,
) -> Job:
    if not 0 <= request.delay_seconds <= LONGEST_DELAY_SECONDS:
        raise Refused("delay: expected seconds, from 0 up to a year.")
    version = request.version or (configuration.version if configuration else None)
    person = actor.user is not None
    return Job(
        project=project,
        component_id=component_id,
        is_run=component_id == ORCHESTRATOR,
        configuration=configuration,
        configuration_version=version,
        name=configuration.name if configuration else request.name or catalogue.get(component_id).name,
        request=_encrypted(dict(request.data), project),
        is_trial=is_trial(request.data),
        only_task_keys=None if request.only_task_keys is None else list(request.only_task_keys),
        created_at=now,
        delayed_until=now + timedelta(seconds=request.delay_seconds) if request.delay_seconds else None,
        cause=request.cause or (Cause.PERSON if person else Cause.API),
        created_by=actor.user,
        created_with=actor.token,
        token=None if component_id == ORCHESTRATOR else actor.token,
        had_token=actor.token is not None,
        parent_run_id=request.parent_run_id,
        previous_job=request.previous_job,
        idempotency_key=request.idempotency_key,
        idempotency_digest=request.idempotency_digest,
        label=catalogue.get(component_id).label,
    )


def is_trial(data: Mapping[str, Any]) -> bool:
    """Whether content that comes with a request asks for another action than to run."""
    content = data.get("configData")
    return isinstance(content, dict) and (content.get("action") or RUN) != RUN


def _encrypted(data: dict[str, Any], project: Project) -> dict[str, Any]:
    try:
        return dict(encrypt_document(data, secrets_scope(project.pk), settings.ENCRYPTION_KEYS))
    except SecretUnreadable as error:
        raise Refused(f"configData: {error}") from error


def _check_content(job: Job) -> None:
    """Refuse at once what could only fail later: an empty run, an unknown task, parameters against the schema."""
    if job.only_task_keys is not None and not job.is_run:
        raise Refused("onlyOrchestrationTaskIds: only an orchestration has tasks.")
    if not isinstance(job.request.get("configData") or {}, dict):
        raise Refused("configData: expected an object.")
    try:
        parameters.variables_of(job.request)
    except parameters.InvalidParameters as error:
        raise Refused(str(error)) from error
    try:
        if job.is_run:
            snapshots.plan_of(job)
        elif job.request.get("configData"):
            parameters.validate(catalogue.get(job.component_id), job.request["configData"])
    except plans.InvalidSelection as error:
        raise Refused(str(error)) from error
    except (plans.InvalidPlan, parameters.InvalidParameters, snapshots.SnapshotLost) as error:
        raise Refused(f"configData: {error}" if job.request.get("configData") else str(error)) from error


def _create(job: Job, now: datetime) -> Job:
    if job.idempotency_key:
        earlier = _earlier(job)
        if earlier is not None:
            return earlier
    try:
        _insert(job, now)
    except IntegrityError as error:
        earlier = _earlier(job)
        if earlier is not None:
            return earlier
        if job.configuration_id and not Configuration.objects.filter(pk=job.configuration_id).exists():
            raise Refused(f"{job.name} has been purged meanwhile.") from error
        raise
    if job.is_run:
        # Its own transaction: the job is created whatever becomes of the start; the sweep starts what was left.
        afterwards.do(lambda: advancing.start(job.pk, now=timezone.now()))
        _read_anew(job)
    return job


def _read_anew(job: Job) -> None:
    found = loading.job(job.pk)
    for name in _CHANGED_BY_START:
        setattr(job, name, getattr(found, name))


@retried
def _insert(job: Job, now: datetime) -> None:
    with transaction.atomic():
        job.pk = None
        event = JobEvent(at=now, kind="job.created", message=_created_sentence(job))
        prepared.insert_and_tell([job], event, "job_id")
        wake(Topic.WORK)


def _earlier(job: Job) -> Job | None:
    if not job.idempotency_key:
        return None
    found: Job | None = Job.objects.filter(project=job.project, idempotency_key=job.idempotency_key).first()
    if found is not None and found.idempotency_digest not in ("", job.idempotency_digest):
        raise KeyReused("Idempotency-Key: another job was created with this key.")
    return found


def _created_sentence(job: Job) -> str:
    who = job.created_by or (f"the token {job.created_with.description}" if job.created_with else "Tutti")
    if job.previous_job_id:
        return f"Retry of job {job.previous_job_id} by {who}."
    return f"Created by {who} ({Cause(job.cause).label})."
