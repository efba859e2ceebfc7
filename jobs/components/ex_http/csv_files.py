"""CSV: passed on as it is, in UTF-8, with the names of the columns settled."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from jobs.components.ex_http import unpacking
from jobs.components.ex_http.options import TableOptions
from jobs.components.ex_http.sources import Fetched
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import OutputManifest

CHUNK_BYTES = 1 << 20
LONGEST_RECORD_BYTES = 16_000_000
UTF_8 = "utf-8"


@dataclass(frozen=True)
class _Content:
    """``names`` as the first record gives them; ``first`` and ``rest`` together are the whole file."""

    names: list[str]
    first: bytes
    rest: Iterator[bytes]


def write(
    files: list[Fetched], table: TableOptions, folder: DataFolder, limit_bytes: int
) -> tuple[str, OutputManifest]:
    name = f"{table.name}.csv"
    target = folder.out_tables / name
    keeps_header = table.has_header and not table.columns and len(files) == 1
    columns: list[str] = []
    if len(files) > 1:
        target.mkdir()
    for number, file in enumerate(files):
        with unpacking.opened(file, limit_bytes) as stream:
            content = _read(_in_utf8(stream, file.label, table.encoding), file.label, table)
            columns = _columns(content.names, file.label, table, columns)
            header = [] if table.has_header and not keeps_header else [content.first]
            part = target / f"part-{number:05}.csv" if len(files) > 1 else target
            _copy(chain(header, content.rest), part)
    return name, OutputManifest(
        destination=table.destination,
        primary_key=table.primary_key,
        incremental=table.incremental,
        columns=() if keeps_header else columns,
        delimiter=table.delimiter,
        enclosure=table.enclosure,
    )


def _copy(chunks: Iterator[bytes], target: Path) -> None:
    with target.open("wb") as file:
        file.writelines(chunks)


def _in_utf8(stream: unpacking.Limited, label: str, encoding: str) -> Iterator[bytes]:
    """The content without a byte order mark. Raises UserError at a byte that is no sign in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, is_first = 1, True
    while True:
        chunk = stream.read(CHUNK_BYTES)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise UserError(
                f"{label}: line {line} is not {encoding} (byte 0x{error.object[error.start]:02x}); "
                "choose the encoding of the file."
            ) from error
        # Text that is UTF-8 already only had to be checked.
        out = text.encode() if is_first or encoding != UTF_8 else chunk
        if is_first and text:
            out, is_first = text.removeprefix("\ufeff").encode(), False
        if out:
            yield out
        if not chunk:
            return
        line += text.count("\n")


def _read(chunks: Iterator[bytes], label: str, table: TableOptions) -> _Content:
    seen = b""
    for chunk in chunks:
        seen = (seen + chunk).lstrip(b"\r\n")  # no record has less than a sign
        end = _record_end(seen, table.enclosure.encode())
        if end:
            return _Content(_fields(seen[:end], table), seen[:end], chain([seen[end:]], chunks))
        if len(seen) > LONGEST_RECORD_BYTES:
            raise UserError(f"{label}: the first line does not end within {LONGEST_RECORD_BYTES} bytes.")
    if not seen.strip() and table.has_header:
        raise UserError(f"{label}: is empty, without even the names of columns.")
    return _Content(_fields(seen, table) if seen else [], seen, iter(()))


def _record_end(seen: bytes, enclosure: bytes) -> int:
    """Where the second record begins; 0 when that is not seen yet. A line break may stand between enclosures."""
    end, enclosures = 0, 0
    while True:
        start, end = end, seen.find(b"\n", end) + 1
        if not end:
            return 0
        enclosures += seen.count(enclosure, start, end) if enclosure else 0
        if enclosures % 2 == 0:
            return end


def _fields(record: bytes, table: TableOptions) -> list[str]:
    csv.field_size_limit(LONGEST_RECORD_BYTES)
    reader = csv.reader(
        io.StringIO(record.decode(), newline=""),
        delimiter=table.delimiter,
        quotechar=table.enclosure or None,
        quoting=csv.QUOTE_MINIMAL if table.enclosure else csv.QUOTE_NONE,
    )
    return next(reader, [])


def _columns(found: list[str], label: str, table: TableOptions, before: list[str]) -> list[str]:
    """The names of the table's columns. ``before``: those of the files before this one. Raises UserError."""
    if table.columns:
        if found and len(found) != len(table.columns):
            raise UserError(f"{label}: has {len(found)} columns, but {len(table.columns)} names are given.")
        return table.columns
    names = found if table.has_header else [f"column_{number}" for number in range(1, len(found) + 1)]
    if before and names and names != before:
        different = next((name for name in names if name not in before), None)
        what = (
            f"has a column {different!r}, which the file before it does not have"
            if different
            else ("does not have the columns of the file before it in the same order")
        )
        raise UserError(f"{label}: {what}; the files of one table must have the same columns.")
    return names or before
