"""Receiving a large file: streamed to the data folder, with a limit, only for who may, and never whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from jobs import storing
from orchestrations.views.members import MemberRequest, View


class ReceivedFile(UploadedFile):
    """A file in the data folder; whoever takes it renames or removes it. ``path`` is None when it was too large."""

    def __init__(self, path: Path | None, name: str, size: int) -> None:
        super().__init__(None, name, size=size)
        self.path = path


class ToDataFolder(FileUploadHandler):
    """Into the folder of the project's uploads; what a kill leaves there is tidied away with them.

    Too large a file is read to its end and thrown away, so that the browser gets an answer and not a broken line.
    """

    def __init__(self, request: MemberRequest) -> None:
        super().__init__(request)
        self.project_id = request.member.project.pk

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        folder = storing.folder_of(self.project_id, "uploads")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path: Path | None = folder / f"{uuid4().hex}.part"
        self.file = self.path.open("xb")
        self.size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.path is None:
            return
        if self.size > settings.UPLOAD_LIMIT_BYTES:
            self._give_up()
        else:
            self.file.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.file.close()
        return ReceivedFile(self.path, self.file_name or "", file_size)

    def upload_interrupted(self) -> None:
        self._give_up()

    def _give_up(self) -> None:
        self.file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None


def receives_file(guard: Callable[[View], View]) -> Callable[[View], View]:
    """A view whose form may bring a large file, for those whom ``guard`` lets through.

    Nothing of the body is read for anybody else; the token of the form stands in the body, so it is checked after that.
    """

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @wraps(view)
        def receive(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.upload_handlers = [ToDataFolder(request)]
            return protected(request, *args, **kwargs)

        return csrf_exempt(guard(receive))

    return decorate


@contextmanager
def received(request: HttpRequest) -> Iterator[None]:
    """Files that nobody has taken away by then are removed."""
    try:
        yield
    finally:
        for each in request.FILES.values():
            if isinstance(each, ReceivedFile) and each.path is not None:
                each.path.unlink(missing_ok=True)
