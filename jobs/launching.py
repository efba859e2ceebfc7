"""Creating root jobs: by hand, by API, and again from a settled one (R3, R4, R10, R19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs import advancing, afterwards, snapshots
from jobs.locking import retried
from jobs.models import Cause, Job, JobEvent
from jobs.wakeups import Topic, wake
from orchestrations import access, plans
from orchestrations.access import Actor
from orchestrations.components import catalogue, parameters
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.documents import secrets_scope
from orchestrations.lib.secrets import SecretUnreadable, encrypt_document
from orchestrations.models import Configuration, Project, Role

LONGEST_DELAY_SECONDS = 366 * 24 * 3600


class Refused(ValueError):
    """The job cannot be created and nothing was; the message is for the user."""


class IsDisabled(Refused):
    """The configuration is disabled; ``forced`` runs it all the same."""


class NotSettled(Refused):
    """Only a settled job can be retried."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a run is asked for. ``data``: configData, configRowIds, variableValuesData, tag, named as in the API."""

    only_task_keys: Sequence[str] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    delay_seconds: float = 0
    forced: bool = False
    cause: str = ""
    parent_run_id: str = ""
    previous_job: Job | None = None
    version: int | None = None
    idempotency_key: str | None = None


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

    The same idempotency key gives the same job. Raises Denied, UnknownComponent, Refused, IsDisabled.
    """
    access.require_run(actor, project, component_id, now)
    catalogue.get(component_id)
    _check_configuration(project, component_id, configuration, request)
    job = _unsaved(project, component_id, configuration, request, actor, now)
    _check_content(job)
    _require_content(job, actor, now)
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
        name=configuration.name if configuration else catalogue.get(component_id).name,
        request=_encrypted(dict(request.data), project),
        only_task_keys=None if request.only_task_keys is None else list(request.only_task_keys),
        created_at=now,
        delayed_until=now + timedelta(seconds=request.delay_seconds) if request.delay_seconds else None,
        cause=request.cause or (Cause.PERSON if person else Cause.API),
        created_by=actor.user,
        created_with=actor.token,
        token=None if component_id == ORCHESTRATOR else actor.token,
        parent_run_id=request.parent_run_id,
        previous_job=request.previous_job,
        idempotency_key=request.idempotency_key,
        label=catalogue.get(component_id).label,
    )


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


def _require_content(job: Job, actor: Actor, now: datetime) -> None:
    """Content that comes with a request may be any program, so it takes more than running what editors have made.

    A person must be an editor; a limited token must reach every component that the content names, since the run of an
    orchestration has that one's token (R18). Raises Denied.
    """
    given = job.request.get("configData")
    if not given:
        return
    if actor.user is not None:
        if not _is_again(job):
            access.require(actor, job.project, Role.EDITOR)
        return
    try:
        components = _components_in(given) if job.is_run else set()
    except plans.InvalidPlan as error:
        raise Refused(f"configData: {error}") from error
    for component_id in sorted(components):
        access.require_run(actor, job.project, component_id, now)


def _components_in(document: Mapping[str, Any]) -> set[str]:
    """Those of its tasks, and of the orchestrations that stand in them as content of their own."""
    found = set()
    for task in plans.parse(document).tasks:
        found.add(task.component_id)
        inner = task.request.get("configData")
        if task.component_id == ORCHESTRATOR and inner:
            found |= _components_in(inner)
    return found


def _is_again(job: Job) -> bool:
    """Whether an earlier job ran the very same content: to retry it needs no editor."""
    earlier = job.previous_job
    if earlier is None or (earlier.component_id, earlier.configuration_id) != (job.component_id, job.configuration_id):
        return False
    return bool(earlier.request.get("configData") == job.request["configData"])


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
        job.refresh_from_db()
    return job


@retried
def _insert(job: Job, now: datetime) -> None:
    with transaction.atomic():
        job.pk = None
        job.save(force_insert=True)
        JobEvent.objects.create(job=job, at=now, kind="job.created", message=_created_sentence(job))
        wake(Topic.WORK)


def _earlier(job: Job) -> Job | None:
    if not job.idempotency_key:
        return None
    found: Job | None = Job.objects.filter(project=job.project, idempotency_key=job.idempotency_key).first()
    return found


def _created_sentence(job: Job) -> str:
    who = job.created_by or (f"the token {job.created_with.description}" if job.created_with else "Tutti")
    if job.previous_job_id:
        return f"Retry of job {job.previous_job_id} by {who}."
    return f"Created by {who} ({Cause(job.cause).label})."
