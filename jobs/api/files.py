"""Files of Storage: announced before their upload, and found again to be downloaded (API.md, "Storage").

The id of an upload is its key, that of a download the id of the job that wrote it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jobs import blobs, storing
from jobs.api.schemas import FILE, NEW_FILE, PREPARED_FILE
from jobs.api.storage_jobs import find_job
from jobs.blobs import DOWNLOADS, READ, UPLOADS, WRITE, Upload
from jobs.models import Job
from orchestrations import access
from orchestrations.api.errors import STORAGE, ApiError, Invalid
from orchestrations.api.operations import LIMIT_AND_OFFSET, operation
from orchestrations.api.wire import Answer, Call, endpoint, moment, origin
from orchestrations.lib.openapi import TEXT, list_of

NO_FILE = "storage.files.notFound"
MOST_BYTES = 2**62
OF_SLICES = (
    "The slices of a sliced file go to its blobName, each with its own name behind it. Last comes the one called "
    'manifest, {"entries": [{"url": "azure://…/{container}/{blobName}{slice}"}]}. Slices have no line of headers.'
)


@operation(
    "Announce a file and get the address for its bytes", {200: PREPARED_FILE}, body=NEW_FILE, description=OF_SLICES
)
def _prepare(call: Call) -> Any:
    body = call.body
    name = body.text("name")
    if not name:
        raise Invalid("name", "is missing.")
    access.require_some_bucket(call.actor, call.project)
    size = body.whole("sizeBytes", 0, most=MOST_BYTES) if body.given("sizeBytes") else None
    said: dict[str, Any] = {"tags": body.texts("tags"), "size_bytes": size, "is_sliced": body.flag("isSliced")}
    upload = blobs.expect(call.project.pk, name, token_id=call.token.pk, now=call.now, **said)
    document = _of_upload(call, upload)
    place = document["absPath"]
    credentials = _credentials(call, place["container"], upload.key, WRITE)
    params = {"container": place["container"], "blobName": place["name"], "accountName": place["accountName"]}
    return {**document, "absUploadParams": {**params, "absCredentials": credentials}}


@operation("List uploaded files, newest first", {200: list_of(FILE)}, query={**LIMIT_AND_OFFSET, "tags": list_of(TEXT)})
def _list(call: Call) -> Any:
    """Of the uploads that the token may see, those with one of the tags where some are given; newest first."""
    tags = set(call.query.texts("tags"))
    offset, limit = call.query.whole("offset", 0), call.query.whole("limit", 100, least=1, most=1000)
    seen = [
        upload
        for upload in blobs.uploads_of(call.project.pk)
        if _may_see(call, upload) and (not tags or tags & set(upload.tags))
    ]
    return [_of_upload(call, upload) for upload in seen[offset : offset + limit]]


@operation("Show a file and the address of its bytes", {200: FILE})
def _show(call: Call, file_id: str) -> Any:
    upload = _upload(call, file_id)
    return _of_upload(call, upload) if upload is not None else _of_download(call, _download(call, file_id))


@operation("Delete an uploaded file", {204: None})
def _delete(call: Call, file_id: str) -> Any:
    blobs.forget(call.project.pk, find_upload(call, file_id))
    return Answer(None)


def find_upload(call: Call, file_id: str, *, field: str = "") -> Upload:
    """Raises ApiError 404, which names the field that brought the id."""
    upload = _upload(call, file_id)
    if upload is None:
        raise _missing(file_id, field)
    return upload


# --- Private -----------------------------------------------------------------------------------


def _upload(call: Call, file_id: str) -> Upload | None:
    upload = blobs.find_upload(call.project.pk, file_id)
    return upload if upload is not None and _may_see(call, upload) else None


def _may_see(call: Call, upload: Upload) -> bool:
    """A limited token knows the files that it has sent itself."""
    return call.actor.is_person or upload.token_id == call.token.pk


def _download(call: Call, file_id: str) -> Job:
    """Raises ApiError 404."""
    try:
        job = find_job(call, file_id)
    except ApiError as error:
        raise _missing(file_id) from error
    if storing.unloaded_file(job) is None:
        raise _missing(file_id)
    return job


def _missing(file_id: str, field: str = "") -> ApiError:
    where = f"{field}: " if field else ""
    return ApiError(404, f'{where}File "{file_id[:100]}" not found: files are kept for a day.', NO_FILE)


def _of_upload(call: Call, upload: Upload) -> dict[str, Any]:
    name = f"{upload.key}/" if upload.is_sliced else upload.key
    return {
        **_document(call, upload.key, blobs.container_of(UPLOADS, call.project.pk), name),
        "name": upload.name,
        "created": moment(datetime.fromisoformat(upload.created_at)),
        "sizeBytes": blobs.size_of(call.project.pk, upload),
        "tags": list(upload.tags),
        "isSliced": upload.is_sliced,
    }


def _of_download(call: Call, job: Job) -> dict[str, Any]:
    """In one slice, which the manifest beside it names."""
    path = storing.unloaded_file(job)
    document = _document(call, str(job.pk), blobs.container_of(DOWNLOADS, call.project.pk), f"{job.pk}/")
    return {
        **document,
        "name": path.name if path is not None else "",
        "created": moment(job.finished_at),
        "sizeBytes": path.stat().st_size if path is not None else 0,
        "isSliced": True,
    }


def _document(call: Call, file_id: str, container: str, name: str) -> dict[str, Any]:
    here, subject = origin(call.request), name.rstrip("/")
    query, _until = blobs.grant(container, subject, READ, call.now)
    blob = f"{name}manifest" if name.endswith("/") else name
    return {
        "id": file_id,
        "uri": f"{here}/v2/storage/files/{file_id}",
        "url": f"{here}/blob/{container}/{blob}?{query}",
        "provider": "azure",
        "region": "local",
        "isPublic": False,
        "isSliced": False,
        "isEncrypted": False,
        "tags": [],
        "maxAgeDays": 1,
        "creatorToken": {"id": str(call.token.pk), "description": call.token.description},
        "absPath": {"container": container, "name": name, "accountName": "tutti"},
        "absCredentials": _credentials(call, container, subject, READ),
    }


def _credentials(call: Call, container: str, subject: str, permission: str) -> dict[str, Any]:
    query, until = blobs.grant(container, subject, permission, call.now)
    endpoint_ = f"{origin(call.request)}/blob"
    return {
        "SASConnectionString": f"BlobEndpoint={endpoint_};SharedAccessSignature={query}",
        "expiration": moment(until),
    }


files = endpoint(STORAGE, get=_list)
prepare = endpoint(STORAGE, post=_prepare)
file = endpoint(STORAGE, get=_show, delete=_delete)
