"""``/blob/…``: the bytes of files, sent and fetched as from Azure's Blob Storage, whose clients read these answers.

No token: who shows a grant of ours, good for an hour, may send or fetch the one file that it names.
"""

from __future__ import annotations

import json
import os
import re
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from django.core.exceptions import RequestDataTooBig
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from jobs import blobs, storing
from jobs.blobs import DOWNLOADS, READ, UPLOADS, WRITE, NoSuchBlock, TooLarge, Upload
from jobs.models import Job
from orchestrations.api.wire import number_of

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)
_TAGS = frozenset({"Latest", "Committed", "Uncommitted"})


class Failed(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@csrf_exempt
def blob(request: HttpRequest, container: str, name: str) -> HttpResponseBase:
    try:
        response = _answer(request, container, name)
    except Failed as error:
        text = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        content = f'<?xml version="1.0" encoding="utf-8"?><Error>{text}</Error>'
        response = HttpResponse(content, status=error.status, content_type="application/xml")
        response.headers["x-ms-error-code"] = error.code
    response.headers["Cache-Control"] = "no-store"
    response.headers["x-ms-version"] = "2021-08-06"
    return response


def _answer(request: HttpRequest, container: str, name: str) -> HttpResponseBase:
    subject, _, part = name.partition("/")
    if request.method not in ("GET", "HEAD", "PUT"):
        raise Failed(405, "UnsupportedHttpVerb", "Possible here: GET, HEAD, PUT.")
    permission = WRITE if request.method == "PUT" else READ
    place = blobs.locate(container)
    query = request.GET.dict()
    if place is None or not blobs.is_granted(container, subject, permission, query, timezone.now()):
        raise Failed(403, "AuthenticationFailed", "The signature is wrong, or has expired: ask for the file anew.")
    project_id, kind = place
    if request.method == "PUT":
        return _receive(request, project_id, subject, part)
    if kind == DOWNLOADS and part == "manifest":
        path = _find(project_id, kind, subject, "")
        manifest = _manifest(container, subject, path)
        return _send(request, path, BytesIO(manifest), len(manifest))
    path = _find(project_id, kind, subject, part)
    return _send(request, path, path.open("rb"), path.stat().st_size)


# --- Sending -----------------------------------------------------------------------------------


def _find(project_id: int, kind: str, subject: str, part: str) -> Path:
    path = None
    if kind == UPLOADS:
        upload = blobs.find_upload(project_id, subject)
        path = blobs.part_of(project_id, upload, part) if upload is not None else None
    else:
        job = Job.objects.in_project(project_id).filter(pk=number_of(subject)).first()
        path = storing.unloaded_file(job) if job is not None else None
    if path is None or not path.exists() or (kind == DOWNLOADS and part not in ("", path.name)):
        raise Failed(404, "BlobNotFound", "This file is not there (any more).")
    return path


def _manifest(container: str, subject: str, path: Path) -> bytes:
    """The host in it is none: clients look for the name behind it."""
    url = f"azure://tutti.blob.core.windows.net/{container}/{subject}/{path.name}"
    return json.dumps({"entries": [{"url": url, "mandatory": True}]}).encode()


def _send(request: HttpRequest, path: Path, opened: IO[bytes], size: int) -> HttpResponseBase:
    asked = _asked(request.headers.get("x-ms-range") or request.headers.get("Range") or "", size)
    first, last = asked or (0, size - 1)
    if asked is not None and (first >= size or last < first):
        opened.close()
        raise Failed(416, "InvalidRange", f"The file has {size} bytes.")
    opened.seek(first)
    content = _Part(opened, last - first + 1)
    response = FileResponse(cast("IO[bytes]", content), status=206 if asked else 200)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Length"] = str(last - first + 1)
    return _described(response, path, size, (first, last) if asked else None)


def _asked(text: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte that are asked for: from one on, between two, or so many at the end."""
    found = _RANGE.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    if not found[1]:
        return (max(0, size - int(found[2])), size - 1) if int(found[2]) else (size, size)
    return int(found[1]), min(int(found[2] or size), size - 1)


class _Part:
    """So many bytes of an open file, from where it stands."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(data)
        return data

    def close(self) -> None:
        self.file.close()


def _described(response: Any, path: Path, size: int, part: tuple[int, int] | None) -> Any:
    found = path.stat()
    response.headers["ETag"] = _tag_of(found)
    response.headers["Last-Modified"] = http_date(found.st_mtime)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["x-ms-blob-type"] = "BlockBlob"
    response.headers["Content-Disposition"] = "attachment"
    if part is not None:
        response.headers["Content-Range"] = f"bytes {part[0]}-{part[1]}/{size}"
    return response


def _tag_of(found: os.stat_result) -> str:
    return f'"{found.st_mtime_ns:x}-{found.st_size:x}"'


# --- Receiving ---------------------------------------------------------------------------------


def _receive(request: HttpRequest, project_id: int, key: str, part: str) -> HttpResponse:
    path, upload = _place(project_id, key, part)
    response = HttpResponse(status=201)
    del response.headers["Content-Type"]
    try:
        found = _take(request, path, blobs.room_for(path, upload))
    except TooLarge as error:
        raise Failed(413, "RequestBodyTooLarge", str(error)) from error
    except NoSuchBlock as error:
        raise Failed(400, "InvalidBlockList", str(error)) from error
    except OSError as error:
        raise Failed(400, "IncompleteBody", "The file could not be received to its end.") from error
    return response if found is None else _received(response, found)


def _place(project_id: int, key: str, part: str) -> tuple[Path, Upload]:
    """Raises Failed."""
    upload = blobs.find_upload(project_id, key)
    if upload is None:
        raise Failed(404, "BlobNotFound", "Nobody has announced this file, or it is more than a day ago.")
    path = blobs.part_of(project_id, upload, part)
    if path is None:
        expected = "put the name of a slice behind its own" if upload.is_sliced else "it has been announced as a whole"
        raise Failed(400, "InvalidResourceName", f"This file cannot come so: {expected}.")
    return path, upload


def _take(request: HttpRequest, path: Path, room: int) -> Path | None:
    """What came, None when that is only a piece of it. Raises Failed, TooLarge, NoSuchBlock, OSError."""
    content = cast("IO[bytes]", request)
    match request.GET.get("comp", ""):
        case "":
            return blobs.receive(path, content, room)
        case "block":
            blobs.receive_block(path, request.GET.get("blockid", ""), content, room)
            return None
        case "blocklist":
            return blobs.join_blocks(path, _blocks_of(request), room)
        case _:
            raise Failed(400, "InvalidQueryParameterValue", "comp: expected block or blocklist.")


def _received(response: HttpResponse, path: Path) -> HttpResponse:
    found = path.stat()
    response.headers["ETag"] = _tag_of(found)
    response.headers["Last-Modified"] = http_date(found.st_mtime)
    return response


def _blocks_of(request: HttpRequest) -> list[str]:
    """Raises Failed."""
    try:
        body = request.body
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
            raise ElementTree.ParseError("no declarations")
        root = ElementTree.fromstring(body)  # noqa: S314 (without declarations nothing expands)
    except RequestDataTooBig as error:
        raise Failed(413, "RequestBodyTooLarge", "The list of blocks is too long.") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Failed(400, "InvalidXmlDocument", "The list of blocks cannot be read.") from error
    return [(each.text or "").strip() for each in root if each.tag in _TAGS]
