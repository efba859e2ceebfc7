"""Files on their way in or out by the API: in the folder of uploads or downloads of a project, for a day (API.md).

An upload is ``uploads/<key>``, beside it ``<key>.json`` with what was said of it and ``<key>.blocks`` while it comes in
pieces; a sliced one is the folder ``<key>.slices``. A download is the folder that a job of ``storing.unload`` wrote.
Whoever shows a grant may touch that one file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from jobs import slices, storing

GRANT_LASTS = timedelta(hours=1)
CHUNK_BYTES = 1 << 20
READ, WRITE = "r", "cw"
UPLOADS, DOWNLOADS = "uploads", "downloads"
MOST_BLOCKS = 50_000
_KEY = re.compile(r"[0-9a-f]{32}")
_CONTAINER = re.compile(rf"({UPLOADS}|{DOWNLOADS})-([0-9]{{1,18}})", re.ASCII)


class TooLarge(Exception):
    """Nothing of it was kept; the message says the limit."""


class NoSuchBlock(Exception):
    """A list of blocks names one that has not come."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What was said of a file before it came. ``token_id``: of the only one that may use it, besides people."""

    key: str
    name: str
    token_id: int
    created_at: str
    tags: Sequence[str] = ()
    size_bytes: int | None = None
    is_sliced: bool = False


# --- Grants ------------------------------------------------------------------------------------


def grant(container: str, name: str, permission: str, now: datetime) -> tuple[str, datetime]:
    """The query that lets its bearer read (r) or write (cw) the file, and until when."""
    until = now + GRANT_LASTS
    ends = str(int(until.timestamp()))
    signature = _signature(container, name, permission, ends)
    return urlencode({"sv": "2021-08-06", "sr": "b", "sp": permission, "se": ends, "sig": signature}), until


def is_granted(container: str, name: str, permission: str, query: Mapping[str, str], now: datetime) -> bool:
    ends = query.get("se", "")
    if query.get("sp") != permission or not re.fullmatch("[0-9]{1,12}", ends, re.ASCII):
        return False
    expected = _signature(container, name, permission, ends)
    return constant_time_compare(query.get("sig", ""), expected) and int(ends) > now.timestamp()


def _signature(container: str, name: str, permission: str, ends: str) -> str:
    said = "\n".join((container, name, permission, ends))
    return salted_hmac("jobs.blobs.grant", said, algorithm="sha256").hexdigest()


# --- Uploads -----------------------------------------------------------------------------------


def expect(
    project_id: int,
    name: str,
    *,
    token_id: int,
    tags: Sequence[str],
    size_bytes: int | None,
    is_sliced: bool = False,
    now: datetime,
) -> Upload:
    """Take note of a file that is to come."""
    upload = Upload(
        key=uuid4().hex,
        name=name,
        token_id=token_id,
        created_at=now.isoformat(),
        tags=list(tags),
        size_bytes=size_bytes,
        is_sliced=is_sliced,
    )
    folder = storing.folder_of(project_id, UPLOADS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_sliced:
        path_of(project_id, upload).mkdir(mode=0o700)
    (folder / f"{upload.key}.json").write_text(json.dumps(asdict(upload)), encoding="utf-8")
    return upload


def find_upload(project_id: int, key: str) -> Upload | None:
    if not _KEY.fullmatch(key):
        return None
    try:
        text = (storing.folder_of(project_id, UPLOADS) / f"{key}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return Upload(**json.loads(text))


def uploads_of(project_id: int) -> list[Upload]:
    """Newest first."""
    found = [find_upload(project_id, file.stem) for file in storing.folder_of(project_id, UPLOADS).glob("*.json")]
    uploads = [upload for upload in found if upload is not None]
    return sorted(uploads, key=lambda upload: (upload.created_at, upload.key), reverse=True)


def path_of(project_id: int, upload: Upload) -> Path:
    """The file, or the folder of its slices."""
    return storing.folder_of(project_id, UPLOADS) / (f"{upload.key}.slices" if upload.is_sliced else upload.key)


def part_of(project_id: int, upload: Upload, part: str) -> Path | None:
    """Where the bytes of a whole file lie, which has no parts, or those of a slice; None when it cannot have this."""
    path = path_of(project_id, upload)
    if bool(part) != upload.is_sliced:
        return None
    return slices.path_of(path, part) if upload.is_sliced else path


def size_of(project_id: int, upload: Upload) -> int | None:
    """Of what has come; before that what was said of it."""
    path = path_of(project_id, upload)
    if upload.is_sliced:
        return slices.size_of(path) if path.exists() else upload.size_bytes
    return path.stat().st_size if path.exists() else upload.size_bytes


def copy_of(project_id: int, upload: Upload) -> Path | None:
    """The file under another name, to be taken away: it may be loaded again. None when it has not come.

    Of a sliced file a folder. Raises slices.Unfinished.
    """
    source = path_of(project_id, upload)
    to = source.with_name(f"{uuid4().hex}.part")
    if upload.is_sliced:
        slices.copy(source, f"/{container_of(UPLOADS, project_id)}/{upload.key}/", to)
        return to
    try:
        os.link(source, to)
    except FileNotFoundError:
        return None
    except OSError:
        shutil.copyfile(source, to)
    return to


def discard(path: Path) -> None:
    """What ``copy_of`` gave, unless it was taken."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def forget(project_id: int, upload: Upload) -> None:
    path = path_of(project_id, upload)
    if path.exists():
        discard(path)
    shutil.rmtree(_blocks(path), ignore_errors=True)
    path.with_name(f"{upload.key}.json").unlink(missing_ok=True)


def room_for(path: Path, upload: Upload) -> int:
    """How many bytes may come to this path: all slices of a file count together. Raises TooLarge."""
    try:
        beside = slices.bytes_beside(path.parent, path) if upload.is_sliced else 0
    except slices.TooMany as error:
        raise TooLarge(str(error)) from error
    return max(0, settings.UPLOAD_LIMIT_BYTES - beside)


def receive(path: Path, content: IO[bytes], room: int) -> Path:
    """The whole file at once. Raises TooLarge."""
    return _write(path, content, room)


def receive_block(path: Path, block_id: str, content: IO[bytes], room: int) -> None:
    """A piece of the file. Raises TooLarge, also when it is one too much."""
    folder = _blocks(path)
    folder.mkdir(mode=0o700, exist_ok=True)
    there = [file.stat().st_size for file in folder.iterdir()]
    if len(there) >= MOST_BLOCKS:
        raise TooLarge(f"A file has at most {MOST_BLOCKS:,} blocks.")
    _write(folder / _block_name(block_id), content, room - sum(there))


def join_blocks(path: Path, block_ids: Iterable[str], room: int) -> Path:
    """The file from its pieces, in this order. Raises NoSuchBlock, TooLarge."""
    folder, draft = _blocks(path), path.with_name(f"{uuid4().hex}.part")
    try:
        with draft.open("xb") as whole:
            for block_id in block_ids:
                with (folder / _block_name(block_id)).open("rb") as piece:
                    shutil.copyfileobj(piece, whole, CHUNK_BYTES)
                if whole.tell() > room:
                    raise _too_large()
        draft.replace(path)
    except FileNotFoundError as error:
        raise NoSuchBlock("The list names a block that has not come.") from error
    finally:
        draft.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return path


def _write(path: Path, content: IO[bytes], limit: int) -> Path:
    draft = path.with_name(f"{uuid4().hex}.part")
    try:
        with draft.open("xb") as file:
            size = 0
            while chunk := content.read(CHUNK_BYTES):
                size += len(chunk)
                if size > limit:
                    raise _too_large()
                file.write(chunk)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _blocks(path: Path) -> Path:
    return path.with_name(f"{path.name}.blocks")


def _block_name(block_id: str) -> str:
    return hashlib.sha256(block_id.encode()).hexdigest()


def _too_large() -> TooLarge:
    return TooLarge(f"The file is larger than {settings.UPLOAD_LIMIT_BYTES:,} bytes, which this installation allows.")


# --- Downloads ---------------------------------------------------------------------------------


def container_of(kind: str, project_id: int) -> str:
    return f"{kind}-{project_id}"


def locate(container: str) -> tuple[int, str] | None:
    """The project and the kind of a container; None when there is none of this name."""
    match = _CONTAINER.fullmatch(container)
    return (int(match[2]), match[1]) if match else None
