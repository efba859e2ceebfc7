"""Storage jobs that were over at once: deletions that a client wants as jobs. Nothing is kept; the id says it all."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.core import signing

from orchestrations.api.wire import Answer, Call, moment, origin

_SIGNER = signing.Signer(sep=":", salt="orchestrations.api.done_jobs")


class Status(StrEnum):
    """The words of Storage's own jobs."""

    WAITING = "waiting"
    PROCESSING = "processing"
    SUCCESS = "success"
    ERROR = "error"


def answer(call: Call, operation: str, subject: str) -> Answer:
    """202, as for a job that is still to be done."""
    said = [call.project.pk, operation, subject, int(call.now.timestamp()), call.token.pk, call.token.description]
    return Answer(_document(call, f"done:{_SIGNER.sign_object(said)}", said), 202)


def find(call: Call, job_id: str) -> dict[str, Any] | None:
    """None unless we have said that this one is done, in this project."""
    if not job_id.startswith("done:"):
        return None
    try:
        said = _SIGNER.unsign_object(job_id.removeprefix("done:"))
    except signing.BadSignature:
        return None
    return _document(call, job_id, said) if said[0] == call.project.pk else None


def _document(call: Call, job_id: str, said: list[Any]) -> dict[str, Any]:
    _project, operation, subject, at, token_id, description = said
    when = moment(datetime.fromtimestamp(at, UTC))
    return {
        "id": job_id,
        "status": Status.SUCCESS,
        "url": f"{origin(call.request)}/v2/storage/jobs/{job_id}",
        "tableId": subject if operation.startswith("table") else None,
        "operationName": operation,
        "operationParams": {},
        "createdTime": when,
        "startTime": when,
        "endTime": when,
        "runId": None,
        "results": {"id": subject},
        "error": None,
        "creatorToken": {"id": str(token_id), "description": description},
        "metrics": {},
    }
