"""Where files come from. A source says whether there is anything new, and if so where the file lies."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from jobs.components.ex_http.options import digest
from jobs.components.shared.errors import UserError
from jobs.components.shared.folders import AllowedFolders

Mark = Mapping[str, str]
"""What a file is recognised by the next time; kept in the state."""

FILE = "file:"
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Fetched:
    """A file as it came. ``is_ours``: a copy that may be removed."""

    path: Path
    label: str
    mark: Mark
    is_ours: bool


class Source(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def label(self) -> str: ...

    def fetch(self, known: Mark) -> Fetched | None:
        """None: it is as ``known`` says. Raises UserError."""


@dataclass(frozen=True)
class FileSource:
    path: Path
    limit_bytes: int

    @property
    def key(self) -> str:
        return digest(str(self.path))

    @property
    def label(self) -> str:
        return self.path.name

    def fetch(self, known: Mark) -> Fetched | None:
        try:
            found = self.path.stat()
        except OSError as error:
            raise UserError(f"{self.path}: {(error.strerror or str(error)).lower()}.") from error
        if not self.path.is_file():
            raise UserError(f"{self.path}: is not a file.")
        if found.st_size > self.limit_bytes:
            raise too_large(self.label, self.limit_bytes)
        mark = {"size": str(found.st_size), "modified": str(found.st_mtime_ns)}
        return None if mark == known else Fetched(self.path, self.label, mark, is_ours=False)


def too_large(label: str, limit_bytes: int) -> UserError:
    return UserError(f"{label}: is larger than the limit of {limit_bytes / 1e6:g} MB.")


def find_files(address: str, folders: AllowedFolders, limit_bytes: int) -> list[FileSource]:
    """Of an address that begins with `file:`; `*` and `?` stand for several, in the order of their names."""
    path = address[len(FILE) :]
    path = unquote(urlsplit(address).path) if path.startswith("//") else path
    if not glob.has_magic(path) or Path(path).is_file():  # a name may really have a bracket in it
        return [FileSource(folders.find(path), limit_bytes)]
    parent, _, pattern = path.rpartition("/")
    if glob.has_magic(parent):
        raise UserError(f"{address}: * and ? may stand in the name of the file, not in its folder.")
    root = folders.find(parent or ("/" if path.startswith("/") else "."))
    # Each by its real path: a link in an allowed folder may lead out of it.
    found = [folders.find(str(root / name)) for name in sorted(glob.glob(pattern, root_dir=root))]
    files = [FileSource(each, limit_bytes) for each in found if each.is_file()]
    if not files:
        raise UserError(f"{address}: no file has such a name.")
    return files
