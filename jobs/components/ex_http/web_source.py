"""Files of the web: asked for with the conditions under which they are new, kept on the job's own disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from urllib3.response import BaseHTTPResponse

from jobs.components.ex_http.options import Options, digest
from jobs.components.ex_http.sources import Fetched, Mark, too_large
from jobs.components.shared.clock import Clock
from jobs.components.shared.http import permissions
from jobs.components.shared.http.client import Call, Client
from jobs.components.shared.http.failures import shown

CHUNK_BYTES = 1 << 18

Progress = Callable[[int, int | None], None]


def of_url(url: str, options: Options, folder: Path, progress: Progress) -> WebSource:
    """``folder``: where the file is kept."""
    client = Client(permissions.of_this_job(), Clock(), options.timeout_seconds, options.retries)
    return WebSource(url, options.headers, client, folder, options.limit_bytes, progress)


@dataclass(frozen=True)
class WebSource:
    url: str
    headers: Mapping[str, str]
    client: Client
    folder: Path
    limit_bytes: int
    progress: Progress

    @property
    def key(self) -> str:
        return digest(self.url)  # not itself: it may hold a key, and states are shown

    @property
    def label(self) -> str:
        return unquote(urlsplit(self.url).path.rpartition("/")[2]) or shown(self.url)

    def fetch(self, known: Mark) -> Fetched | None:
        conditions = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("last_modified")}
        headers = {
            "Accept-Encoding": "gzip",
            **self.headers,
            **{name: value for name, value in conditions.items() if value},
        }
        mark = self.client.fetch(Call("GET", self.url, headers), self._read)
        if mark is None:
            return None
        if mark["sha256"] == known.get("sha256"):  # the server knows no conditions
            self._file.unlink()
            return None
        return Fetched(self._file, self.label, mark, is_ours=True)

    @property
    def _file(self) -> Path:
        return self.folder / f"download-{self.key}"

    def _read(self, answer: BaseHTTPResponse, url: str) -> Mark | None:
        """Writes the file; None when the server says that it has not changed."""
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise self.client.refused(answer, url)
        declared = answer.headers.get("Content-Length", "")
        total = int(declared) if declared.isdigit() else None
        if total is not None and total > self.limit_bytes:
            raise too_large(self.label, self.limit_bytes)
        seen = self._write(answer, total)
        mark = {
            "sha256": seen,
            "etag": answer.headers.get("ETag"),
            "last_modified": answer.headers.get("Last-Modified"),
        }
        return {name: value for name, value in mark.items() if value}

    def _write(self, answer: BaseHTTPResponse, total: int | None) -> str:
        """The SHA-256 of what was written."""
        seen, done = hashlib.sha256(), 0
        with self._file.open("wb") as file:
            for chunk in answer.stream(CHUNK_BYTES, decode_content=False):
                done += len(chunk)
                if done > self.limit_bytes:
                    raise too_large(self.label, self.limit_bytes)
                seen.update(chunk)
                file.write(chunk)
                self.progress(done, total)
        return seen.hexdigest()
