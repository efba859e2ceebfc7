"""A job as the API writes it: always with every key (API.md). Secrets stay the ciphertext that is stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from jobs import waiting
from jobs.models import Job
from jobs.states import JobStatus
from jobs.waiting import WaitReason
from orchestrations.api.wire import moment

STANDARD, RUN = "standard", "orchestrationContainer"
ENDING = frozenset({JobStatus.TERMINATING, JobStatus.TERMINATED, JobStatus.CANCELLED})
CONSTANT: dict[str, Any] = {
    "parallelism": None,
    "backend": {},
    "executor": "dind",
    "metrics": {},
    "usageData": {},
    "branchId": None,
    "variableValuesId": None,
}

Json = dict[str, Any]


def with_neighbours(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """With everything that their JSON needs of other rows."""
    return jobs.select_related("project", "configuration", "token", "created_with", "created_by").defer(
        "configuration__document", "configuration__state", "configuration__description"
    )


def jobs(rows: Iterable[Job], *, origin: str, now: datetime) -> list[Json]:
    """In their order; the reasons of those that wait are looked up together."""
    listed = list(rows)
    reasons = waiting.reasons(listed, now=now)
    return [_job(row, reasons.get(row.pk), origin) for row in listed]


def job(row: Job, *, origin: str, now: datetime) -> Json:
    return jobs([row], origin=origin, now=now)[0]


def _job(row: Job, reason: WaitReason | None, origin: str) -> Json:
    duration = row.duration_seconds
    request = row.request
    return {
        "id": str(row.pk),
        "runId": row.run_id,
        "parentRunId": row.parent_run_id,
        "project": {"id": str(row.project_id), "name": row.project.name},
        "token": _token(row),
        "status": row.status,
        "desiredStatus": JobStatus.TERMINATING.value if row.status in ENDING else JobStatus.PROCESSING.value,
        "mode": request.get("mode") or "run",
        "component": row.component_id,
        "config": row.configuration.key if row.configuration is not None else None,
        "configVersion": row.configuration_version,
        "configData": request.get("configData") or [],
        "configRowIds": request.get("configRowIds") or [],
        "tag": request.get("tag"),
        "createdTime": moment(row.created_at),
        "startTime": moment(row.started_at),
        "endTime": moment(row.finished_at),
        "delayedStartTime": moment(row.delayed_until),
        "durationSeconds": None if duration is None else int(duration),
        "result": _result(row),
        "isFinished": row.is_settled,
        "url": f"{origin}/queue/jobs/{row.pk}",
        "variableValuesData": request.get("variableValuesData") or {"values": []},
        "behavior": {"onError": JobStatus.WARNING.value if row.continue_on_failure else None},
        "type": RUN if row.is_run else STANDARD,
        "orchestrationJobId": _text(row.parent_id),
        "orchestrationTaskId": row.task_key or request.get("orchestrationTaskId"),
        "orchestrationPhaseId": row.phase_key or None,
        "onlyOrchestrationTaskIds": row.only_task_keys,
        "previousJobId": _text(row.previous_job_id),
        "waitReason": _reason(reason),
        "cause": row.cause,
        **CONSTANT,
    }


def _token(row: Job) -> Json:
    """What it runs with; before that is settled, what asked for it; a page asks without any."""
    token = row.token or row.created_with
    if token is not None:
        return {"id": str(token.pk), "description": token.description}
    return {"id": None, "description": row.created_by.email if row.created_by is not None else ""}


def _result(row: Job) -> Json | list[Any]:
    """``[]`` until the job has ended, as PHP writes an empty object."""
    if not row.is_settled:
        return []
    result = {**row.result, "message": row.message or row.result.get("message", "")}
    return {**result, "error": {"type": row.error_type}} if row.error_type else result


def _reason(reason: WaitReason | None) -> Json | None:
    if reason is None:
        return None
    return {
        "code": reason.code,
        "text": reason.text,
        "jobId": _text(reason.job_id),
        "since": moment(reason.since),
        "eta": moment(reason.eta),
    }


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
