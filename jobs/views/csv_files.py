"""What can be told of a CSV file from its first line, before a job reads all of it. Pure but for opening the file."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path

DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe"}
HEAD_BYTES = 1_000_000
_GZIP = b"\x1f\x8b"


class Unreadable(ValueError):
    """The file has no first line that could be read; the sentence is for the person."""


def head_of(path: Path) -> str:
    """The beginning of the file as text, gzip or not. Raises Unreadable."""
    with path.open("rb") as opened:
        is_gzip = opened.read(2) == _GZIP
    try:
        with gzip.open(path) if is_gzip else path.open("rb") as content:
            head = content.read(HEAD_BYTES)
        # The last character may be cut in two.
        return head.decode("utf-8-sig", "strict" if len(head) < HEAD_BYTES else "ignore")
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("The file says it is compressed, but cannot be unpacked.") from error
    except UnicodeDecodeError as error:
        line = head.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"Expected a text in UTF-8; line {line} is written in another encoding.") from error


def delimiter_of(head: str) -> str:
    """The likeliest one: what stands most often in the first line."""
    line = head.split("\n", 1)[0]
    return max(DELIMITERS, key=line.count)


def first_row_of(head: str, delimiter: str) -> list[str]:
    """Raises Unreadable."""
    try:
        row = next(csv.reader(head.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error as error:
        raise Unreadable(f"The first line is no CSV: {error}.") from error
    if not any(each.strip() for each in row):
        raise Unreadable("The first line of the file is empty.")
    return [each.strip() for each in row]
