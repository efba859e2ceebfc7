"""Files that come in slices: each by a name of its own, and a manifest that says which there are, in their order.

They lie in one folder, under digests of their names. Slices have no line of headers.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

MANIFEST = "manifest"
MOST = 2_000
MOST_MANIFEST_BYTES = 4 << 20
_GZIP = b"\x1f\x8b"


class TooMany(Exception):
    """Nothing of it was kept; the message says the limit."""


class Unfinished(Exception):
    """The file cannot be loaded: the message says what is wrong with its manifest or its slices."""


def path_of(folder: Path, name: str) -> Path:
    return folder / hashlib.sha256(name.encode()).hexdigest()


def bytes_beside(folder: Path, path: Path) -> int:
    """The size of everything in the folder but this slice and its blocks. Raises TooMany."""
    own = (str(path), f"{path}.blocks")
    others = [Path(entry.path) for entry in os.scandir(folder) if entry.path not in own]
    if len(others) >= MOST:
        raise TooMany(f"A file has at most {MOST:,} slices.")
    return sum(map(_size_of, others))


def size_of(folder: Path) -> int:
    """Of all slices that have come; the manifest is none."""
    manifest = path_of(folder, MANIFEST)
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file() and file != manifest)


def copy(folder: Path, prefix: str, to: Path) -> None:
    """A folder of the slices that the manifest names, numbered in its order: the same files where the disk allows.

    ``prefix``: what precedes the name of a slice in the addresses of the manifest. Raises Unfinished.
    """
    files = [_found(folder, name) for name in _names(folder, prefix)]
    to.mkdir(mode=0o700)
    try:
        for number, file in enumerate(files):
            _link(file, to / f"{number:05}")
    except FileNotFoundError as error:
        shutil.rmtree(to)
        raise Unfinished("its manifest names a slice that has not been uploaded.") from error


# --- Private -----------------------------------------------------------------------------------


def _found(folder: Path, name: str) -> Path:
    """Some clients write names in addresses as they are, others with escapes."""
    path = path_of(folder, name)
    return path if path.exists() else path_of(folder, unquote(name))


def _names(folder: Path, prefix: str) -> Sequence[str]:
    urls = [entry.get("url") if isinstance(entry, dict) else None for entry in _entries(folder)]
    names = [url.partition(prefix)[2] if isinstance(url, str) else "" for url in urls]
    if "" in names:
        raise Unfinished(f"entry {names.index('') + 1} of its manifest has no url of one of its slices.")
    if len(set(names)) < len(names):
        raise Unfinished("its manifest names a slice twice.")
    if len(names) > MOST:
        raise Unfinished(f"its manifest names more than {MOST:,} slices.")
    return names


def _entries(folder: Path) -> list[Any]:
    try:
        content = _unpacked(path_of(folder, MANIFEST))
        entries = json.loads(content)["entries"]
    except FileNotFoundError as error:
        raise Unfinished(f"it is sliced, and its {MANIFEST} has not been uploaded yet.") from error
    except (ValueError, LookupError, TypeError, RecursionError, EOFError, OSError, zlib.error) as error:
        raise Unfinished(f"its {MANIFEST} cannot be read.") from error
    if not isinstance(entries, list):
        raise Unfinished(f"its {MANIFEST} has no list of entries.")
    return entries


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        is_gzipped = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        with gzip.GzipFile(fileobj=file) if is_gzipped else file as source:
            content: bytes = source.read(MOST_MANIFEST_BYTES + 1)
    if len(content) > MOST_MANIFEST_BYTES:
        raise ValueError("too long")
    return content


def _link(source: Path, to: Path) -> None:
    try:
        os.link(source, to)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, to)


def _size_of(path: Path) -> int:
    try:
        return sum(map(_size_of, path.iterdir())) if path.is_dir() else path.stat().st_size
    except FileNotFoundError:  # renamed or joined meanwhile
        return 0
