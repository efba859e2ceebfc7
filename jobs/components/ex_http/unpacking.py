"""A file as it came, as the bytes that somebody meant: gzip is seen by its content, whatever name it has."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from jobs.components.ex_http.sources import Fetched, too_large
from jobs.components.shared.errors import UserError

GZIP = b"\x1f\x8b"
MOST_LAYERS = 2
"""A file that was packed, sent by a server that packs what it sends."""


class Limited:
    """Reads at most so much: a small file may unpack to any size."""

    def __init__(self, stream: BinaryIO, label: str, limit_bytes: int) -> None:
        self._stream, self._label, self._limit = stream, label, limit_bytes
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        return self._counted(self._stream.read(size))

    def __iter__(self) -> Iterator[bytes]:
        """Lines with their ends."""
        while line := self._counted(self._stream.readline(self._limit + 1)):
            yield line

    def _counted(self, part: bytes) -> bytes:
        self._done += len(part)
        if self._done > self._limit:
            raise too_large(f"{self._label} (unpacked)", self._limit)
        return part


@contextmanager
def opened(file: Fetched, limit_bytes: int) -> Iterator[Limited]:
    """Raises UserError when what is packed is broken, also later while it is read."""
    with ExitStack() as stack:
        try:
            stream = cast("BinaryIO", stack.enter_context(file.path.open("rb")))
            for _ in range(MOST_LAYERS):
                is_packed = stream.read(len(GZIP)) == GZIP
                stream.seek(0)
                if not is_packed:
                    break
                stream = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=stream, mode="rb")))
            yield Limited(stream, file.label, limit_bytes)
        except EOFError as error:
            raise UserError(f"{file.label}: the packed file (gzip) is cut off.") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UserError(f"{file.label}: the packed file (gzip) is damaged.") from error
