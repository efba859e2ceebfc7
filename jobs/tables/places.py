"""Where tables lie: a local folder, or an object store by URL. Everything that knows paths is here."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from deltalake._internal import DeltaFileSystemHandler

from jobs.tables.errors import StorageError

MARKS = "_staged"  # beside the tables: one small file for each load that has data files but no commit yet
LOG = "_delta_log"
PIECE_BYTES = 8 << 20
STAGE = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Place(Protocol):
    """``location`` is the folder of a table below the root, ``path`` that of a file below it."""

    options: dict[str, str]

    def url(self, location: str) -> str: ...

    def workshop(self, location: str, folder: str) -> Path:
        """A local folder to write the data files of ``folder`` into; it exists."""

    def publish(self, location: str, folder: str, names: list[str]) -> None:
        """Brings what was written in the workshop to where the table expects it, for good."""

    def local(self, location: str, path: str) -> Path:
        """The file as a local one, to be read."""

    def read(self, location: str, path: str) -> bytes | None: ...

    def settle(self, location: str, version: int) -> None:
        """Makes a commit survive a loss of power."""

    def remove(self, location: str, paths: list[str]) -> int:
        """Removes files, also those that are not there; the number of bytes freed."""

    def remove_table(self, location: str) -> bool: ...

    def mark(self, stage: str, facts: dict[str, Any]) -> None: ...

    def unmark(self, stage: str) -> None: ...

    def marks(self) -> Iterator[tuple[str, dict[str, Any]]]: ...

    def list_stage(self, location: str, stage: str) -> list[str]:
        """Data files that a stage wrote, in all its attempts."""


def open_place(storage: dict[str, Any], scratch: Path) -> Place:
    """The root of the tables. Raises StorageError for an address that means nothing."""
    url = str(storage.get("url") or "")
    options = {key: str(value) for key, value in (storage.get("options") or {}).items()}
    parts = urlsplit(url)
    if "://" in url and parts.scheme != "file":
        return ObjectStore(url, options, scratch)
    path = unquote(parts.path) if parts.scheme == "file" else url
    if not Path(path).is_absolute():
        raise StorageError(f'The address of the storage, "{url}", is neither an absolute path nor a URL.')
    # deltalake would take %20 in the name of a folder for a blank, DuckDB the others for a pattern.
    if unquote(path) != path or set("*?[") & set(path):
        raise StorageError(f'The folder of the storage, "{path}", must not have * ? [ or %20 and the like in its name.')
    return LocalFolder(Path(path))


def check_location(location: Any) -> str:
    parts = PurePosixPath(str(location or "")).parts
    if not parts or parts[0] in {"/", MARKS} or ".." in parts or not isinstance(location, str):
        raise StorageError(f'"{location}" is no folder for a table.')
    return "/".join(parts)


class LocalFolder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.options: dict[str, str] = {}

    def url(self, location: str) -> str:
        return str(self.root / location)

    def workshop(self, location: str, folder: str) -> Path:
        path = self.root / location / folder
        path.mkdir(parents=True, exist_ok=True)
        return path

    def publish(self, location: str, folder: str, names: list[str]) -> None:
        path = self.root / location / folder
        for name in names:
            _sync(path / name)
            (path / name).chmod(0o444)  # exports are hard links to it
        for parent in (path, path.parent, path.parent.parent):
            _sync(parent)

    def local(self, location: str, path: str) -> Path:
        return self.root / location / path

    def read(self, location: str, path: str) -> bytes | None:
        try:
            return (self.root / location / path).read_bytes()
        except FileNotFoundError:
            return None

    def settle(self, location: str, version: int) -> None:
        folder = self.root / location / LOG
        _sync(folder / f"{version:020}.json")
        _sync(folder)
        _sync(folder.parent)

    def remove(self, location: str, paths: list[str]) -> int:
        freed = 0
        for path in paths:
            file = self.root / location / path
            try:
                size = file.stat().st_size
                file.unlink()
                freed += size
            except FileNotFoundError:
                continue
        for folder in sorted({self.root / location / Path(path).parent for path in paths}, reverse=True):
            _remove_empty(folder, self.root / location)
        return freed

    def remove_table(self, location: str) -> bool:
        folder = self.root / location
        if not folder.is_dir():
            return False
        # Without its log a folder is no table any more: a kill in between leaves none that lacks files.
        shutil.rmtree(folder / LOG, ignore_errors=True)
        shutil.rmtree(folder)
        _remove_empty(folder.parent, self.root)
        return True

    def mark(self, stage: str, facts: dict[str, Any]) -> None:
        folder = self.root / MARKS
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / f".{stage}"
        half.write_text(json.dumps(facts), encoding="utf-8")
        half.replace(folder / f"{stage}.json")

    def unmark(self, stage: str) -> None:
        (self.root / MARKS / f"{stage}.json").unlink(missing_ok=True)

    def marks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for file in sorted((self.root / MARKS).glob("*.json")):
            try:
                yield file.stem, json.loads(file.read_bytes())
            except FileNotFoundError:  # committed meanwhile
                continue

    def list_stage(self, location: str, stage: str) -> list[str]:
        folder = self.root / location
        return sorted(file.relative_to(folder).as_posix() for file in (folder / stage).rglob("*") if file.is_file())


class ObjectStore:
    """Reached through deltalake alone; DuckDB sees local copies in the scratch folder.

    deltalake cannot list a folder without pyarrow, so marks are not kept here and nothing is cleaned by ``clean``.
    """

    def __init__(self, url: str, options: dict[str, str], scratch: Path) -> None:
        self.root = url.rstrip("/")
        self.options = options
        self._scratch = scratch
        self._handler = DeltaFileSystemHandler(table_uri=self.root, options=options or None, known_sizes=None)

    def url(self, location: str) -> str:
        return f"{self.root}/{location}"

    def workshop(self, location: str, folder: str) -> Path:
        path = self._scratch / "workshop" / location / folder
        path.mkdir(parents=True, exist_ok=True)
        return path

    def publish(self, location: str, folder: str, names: list[str]) -> None:
        for name in names:
            source = self._scratch / "workshop" / location / folder / name
            with source.open("rb") as file:
                target = self._handler.open_output_stream(f"{location}/{folder}/{name}", None)
                while piece := file.read(PIECE_BYTES):
                    target.write(piece)
                target.close()  # type: ignore[attr-defined]
            source.unlink()

    def local(self, location: str, path: str) -> Path:
        copy = self._scratch / "copies" / location / path
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            source = self._handler.open_input_file(f"{location}/{path}")
            with copy.open("wb") as file:
                while piece := source.read(PIECE_BYTES):
                    file.write(piece)
        return copy

    def read(self, location: str, path: str) -> bytes | None:
        try:
            source = self._handler.open_input_file(f"{location}/{path}")
        except FileNotFoundError:
            return None
        return bytes(source.read(source.size()))

    def settle(self, location: str, version: int) -> None:
        """An object that was put is there for good."""

    def remove(self, location: str, paths: list[str]) -> int:
        for path in paths:
            try:
                self._handler.delete_file(f"{location}/{path}")
            except FileNotFoundError:
                continue
        return 0

    def remove_table(self, location: str) -> bool:
        is_there = self.read(location, f"{LOG}/_last_checkpoint") or self.read(location, f"{LOG}/{0:020}.json")
        self._handler.delete_dir(location)
        return bool(is_there)

    def mark(self, stage: str, facts: dict[str, Any]) -> None:
        """Not kept: see the class."""

    def unmark(self, stage: str) -> None:
        """Not kept: see the class."""

    def marks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return iter(())

    def list_stage(self, location: str, stage: str) -> list[str]:
        return []


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove_empty(folder: Path, top: Path) -> None:
    """The folder and those above it, as far as they are empty and below ``top``."""
    while folder != top and top in folder.parents:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = folder.parent
