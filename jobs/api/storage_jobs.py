"""Storage jobs: loads and unloads of tables, which are jobs of hidden components, in the shape that clients await."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from jobs import storing
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.api import done_jobs
from orchestrations.api.done_jobs import Status
from orchestrations.api.errors import STORAGE, ApiError
from orchestrations.api.operations import operation
from orchestrations.api.storage_finding import may_see
from orchestrations.api.storage_schemas import STORAGE_JOB
from orchestrations.api.wire import Answer, Call, endpoint, moment, number_of, origin
from orchestrations.lib.openapi import list_of, whole

MOST = 500
NEW_TABLE = "new-table"
"""The tag of a load that is to make its table."""
STATUSES = {
    JobStatus.WAITING: Status.WAITING,
    JobStatus.PROCESSING: Status.PROCESSING,
    JobStatus.TERMINATING: Status.PROCESSING,
    JobStatus.SUCCESS: Status.SUCCESS,
    JobStatus.WARNING: Status.SUCCESS,
}
"""Every other end is an error."""


@operation(
    "List loads and unloads of tables",
    {200: list_of(STORAGE_JOB)},
    query={"limit": whole(1, MOST, 100), "offset": whole(0, 2**31 - 1, 0)},
)
def _list(call: Call) -> Any:
    limit, offset = call.query.whole("limit", 100, least=1, most=MOST), call.query.whole("offset", 0)
    rows = _jobs(call).order_by("-pk")[offset : offset + limit]
    return [_document(call, job) for job in rows if _is_visible(call, job)]


@operation("Show a load or unload of a table", {200: STORAGE_JOB})
def _show(call: Call, job_id: str) -> Any:
    return done_jobs.find(call, job_id) or _document(call, find_job(call, job_id))


def find_job(call: Call, job_id: str) -> Job:
    """One that the token may see, by the bucket of its table. Raises ApiError 404."""
    job = _jobs(call).filter(pk=number_of(job_id)).first()
    if job is None or not _is_visible(call, job):
        raise ApiError(404, f'Job "{job_id[:100]}" not found.', "storage.jobs.notFound")
    return job


def accepted(call: Call, job: Job) -> Answer:
    return Answer(_document(call, job), 202)


# --- Private -----------------------------------------------------------------------------------


def _jobs(call: Call) -> QuerySet[Job]:
    found: QuerySet[Job] = (
        Job.objects.in_project(call.project)
        .filter(component_id__in=(storing.LOAD, storing.UNLOAD))
        .select_related("token", "created_with")
        .prefetch_related("imports__table__bucket")
    )
    return found


def _is_visible(call: Call, job: Job) -> bool:
    return may_see(call, storing.table_of(job).rpartition(".")[0])


def _document(call: Call, job: Job) -> dict[str, Any]:
    status = STATUSES.get(JobStatus(job.status), Status.ERROR)
    token = job.token or job.created_with
    return {
        "id": str(job.pk),
        "status": status,
        "url": f"{origin(call.request)}/v2/storage/jobs/{job.pk}",
        "tableId": storing.table_of(job) or None,
        "operationName": _operation(job),
        "operationParams": {},
        "createdTime": moment(job.created_at),
        "startTime": moment(job.started_at),
        "endTime": moment(job.finished_at),
        "runId": job.run_id,
        "results": _results(job) if status == Status.SUCCESS else None,
        "error": _error(job) if status == Status.ERROR else None,
        "creatorToken": {"id": str(token.pk), "description": token.description} if token is not None else None,
        "metrics": {},
    }


def _operation(job: Job) -> str:
    if job.component_id == storing.UNLOAD:
        return "tableExport"
    if not job.request.get("configData", {}).get("parameters", {}).get("file"):
        return "tableRowsDelete"
    return "tableCreate" if job.request.get("tag") == NEW_TABLE else "tableImport"


def _results(job: Job) -> dict[str, Any]:
    table_id = storing.table_of(job)
    if job.component_id == storing.UNLOAD:
        return {"file": {"id": str(job.pk)}}
    found = next(iter(job.imports.all()), None)
    if found is None:
        return {"id": table_id, "warnings": []}
    return {
        "id": table_id,
        "transaction": None,
        "rows": found.rows,
        "totalRowsCount": found.table.rows,
        "totalDataSizeBytes": found.table.size_bytes,
        "importedColumns": [column["name"] for column in found.table.columns],
        "warnings": [],
    }


def _error(job: Job) -> dict[str, Any]:
    message = job.message or f"The job has ended with the status {job.status}."
    return {"code": "storage.jobs.failed", "message": message, "exceptionId": f"job-{job.pk}"}


of_project = endpoint(STORAGE, get=_list)
job = endpoint(STORAGE, get=_show)
