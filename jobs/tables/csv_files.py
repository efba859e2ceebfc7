"""CSV files as a relation of texts: one or a folder of slices, plain or gzipped, without a guess at what is inside."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from jobs.tables import engine as sql
from jobs.tables.columns import Column
from jobs.tables.engine import Engine
from jobs.tables.errors import UserError

MAX_ROW_BYTES = 16 << 20
BUFFER_BYTES = 2 * MAX_ROW_BYTES
MAX_HEADER_BYTES = 4 << 20
PIECE_BYTES = 4 << 20
SAMPLE_BYTES = 1 << 20
GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}

csv.field_size_limit(MAX_ROW_BYTES)


@dataclass
class CsvFiles:
    """``names`` are what messages call the files of ``paths``; ``fields`` is the header, or given columns."""

    paths: list[Path]
    names: list[str]
    delimiter: str = ","
    enclosure: str = '"'
    has_header: bool = True
    fields: list[Column] = field(default_factory=list)
    newline: str = ""  # of all the files when each has the same; empty: DuckDB finds it out

    def relation(self, engine: Engine) -> str:
        """A query in brackets that gives each field as text, named ``f0``, ``f1`` …"""
        names = [f"f{place}" for place in range(len(self.fields))]
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        quote = sql.text(self.enclosure)
        options = [
            f"columns = {{{columns}}}",
            f"force_not_null = {sql.texts(names)}",
            "auto_detect = false",
            f"header = {str(self.has_header).lower()}",
            f"delim = {sql.text(self.delimiter)}",
            f"quote = {quote}",
            f"escape = {quote}",
            "comment = ''",
            f"max_line_size = {MAX_ROW_BYTES}",
            f"buffer_size = {BUFFER_BYTES}",
        ]
        if self.newline == "\n":
            options.append(r"new_line = '\n'")
        # DuckDB knows by the ending whether a file is gzipped, we by the content.
        links = [engine.alias(path, ".csv.gz" if is_gzipped(path) else ".csv") for path in self.paths]
        return f"(SELECT * FROM read_csv({sql.texts(links)}, {', '.join(options)}))"

    def ends_with_unix(self, path: Path, name: str) -> bool:
        """Whether the first record ends with a newline that no carriage return precedes."""
        with opened(path, name) as source:
            first, newline, _ = self._outside_quotes(source.read(MAX_HEADER_BYTES)).partition(b"\n")
        return bool(newline) and b"\r" not in first

    def row_bytes(self) -> int:
        """About what a record takes, by the first of them."""
        if not self.paths:
            return 0
        with opened(self.paths[0], self.names[0]) as source:
            start = source.read(SAMPLE_BYTES)
        outside = self._outside_quotes(start)
        return len(start) // max(outside.count(b"\n"), outside.count(b"\r"), 1)

    def _outside_quotes(self, start: bytes) -> bytes:
        return b"".join(start.split(self.enclosure.encode())[::2]) if self.enclosure else start

    def normalized(self, folder: Path) -> CsvFiles:
        """Copies whose records end with one newline each.

        DuckDB decides by the beginning of a file what ends a record, and then refuses files whose quoted fields hold
        another kind of newline.
        """
        folder.mkdir(parents=True, exist_ok=True)
        copies = [folder / f"{place}.csv" for place in range(len(self.paths))]
        for path, name, copy in zip(self.paths, self.names, copies, strict=True):
            with opened(path, name) as source, copy.open("wb") as target:
                for piece in _with_unix_ends(source, self.enclosure.encode()):
                    target.write(piece)
        return CsvFiles(copies, self.names, self.delimiter, self.enclosure, self.has_header, self.fields, "\n")


def open_csv(entry: dict[str, Any]) -> CsvFiles:
    """What an entry of ``stage`` names. Raises UserError."""
    paths, names = list_files(Path(entry["source"]), entry.get("slices"))
    given = [Column.parse(column) for column in entry.get("columns") or ()]
    has_header = entry.get("has_header")
    files = CsvFiles(
        paths,
        names,
        _one_character(entry, "delimiter", ","),
        _one_character(entry, "enclosure", '"', may_be_empty=True),
        not given if has_header is None else bool(has_header),
    )
    for path, name in zip(paths, names, strict=True):
        _check_encoding(path, name)
    files.fields = given
    if files.has_header:
        header = _common_header(files)
        _check_given(given, header)
        files.fields = given or [Column(name) for name in header]
    files.newline = "\n" if all(map(files.ends_with_unix, paths, names)) else ""
    return files


def list_files(source: Path, slices: list[str] | None) -> tuple[list[Path], list[str]]:
    """The files of a source, in order, and what messages call them."""
    if source.is_file():
        return [source], [source.name]
    if not source.is_dir():
        raise UserError(f"There is no file {source.name}.")
    names = slices if slices is not None else sorted(path.name for path in source.iterdir() if _is_slice(path))
    paths = [source / name for name in names]
    for path in paths:
        if path.parent != source or not path.is_file():
            raise UserError(f"There is no file {path.name} in {source.name}.")
    return paths, [f"{source.name}/{path.name}" for path in paths]


@contextmanager
def opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The file's content, unpacked when it is gzipped. Raises UserError when it cannot be unpacked."""
    if not is_gzipped(path):
        with path.open("rb") as plain:
            yield plain
        return
    try:
        with gzip.open(path, "rb") as packed:
            yield cast("IO[bytes]", packed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{name} begins like a gzip file but cannot be unpacked: {error}.") from error


def is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _is_slice(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "_")) and path.suffix != ".manifest"


def _one_character(entry: dict[str, Any], name: str, default: str, *, may_be_empty: bool = False) -> str:
    value = entry.get(name)
    if value is None or (value == "" and not may_be_empty):
        return default
    if len(str(value)) > 1:
        raise UserError(f'The {name} "{value}" has {len(str(value))} characters; it must be one.')
    return str(value)


def _check_encoding(path: Path, name: str) -> None:
    with opened(path, name) as file:
        start = file.read(4)
    for bom, encoding in _OTHER_BOMS.items():
        if start.startswith(bom):
            raise UserError(f"{name} is in {encoding} (line 1); it must be in UTF-8.")


def _common_header(files: CsvFiles) -> list[str]:
    """The header that every file has."""
    first: list[str] = []
    for path, name in zip(files.paths, files.names, strict=True):
        header = _read_header(files, path, name)
        if first and header != first:
            raise UserError(f"The header of {name} differs from that of {files.names[0]}.")
        first = header
    if not first:
        raise UserError("It is a folder without a file, and no columns are given.")
    return first


def _read_header(files: CsvFiles, path: Path, name: str) -> list[str]:
    for record in records(files, path, name):
        if record.fields and any(words.strip() for words in record.fields):
            return record.fields
        raise UserError(f"Line 1 of {name} is empty; it must be the header.")
    raise UserError(f"{name} is empty; it must have at least a header, or columns in its manifest.")


def _check_given(given: list[Column], header: list[str]) -> None:
    if given and len(given) != len(header):
        raise UserError(f"{len(given)} columns are given, but the header has {len(header)}.")


@dataclass
class Record:
    fields: list[str]
    line: int  # where it begins, from 1
    last_line: int


def records(files: CsvFiles, path: Path, name: str) -> Iterator[Record]:
    """The records of one file as Python's reader sees them. Raises UserError with the line of what is malformed."""
    quoting: Any = csv.QUOTE_MINIMAL if files.enclosure else csv.QUOTE_NONE
    with opened(path, name) as source:
        lines = _decoded_lines(source, name)
        reader = csv.reader(
            lines,
            delimiter=files.delimiter,
            quotechar=files.enclosure or None,
            quoting=quoting,
            strict=bool(files.enclosure),
        )
        begin = 1
        try:
            for fields in reader:
                yield Record(fields, begin, reader.line_num)
                begin = reader.line_num + 1
        except csv.Error as error:
            raise UserError(_explain(str(error), name, begin)) from error


def _decoded_lines(source: IO[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(source, 1):
        if len(line) > MAX_ROW_BYTES:
            raise UserError(f"Line {number} of {name} has more than {MAX_ROW_BYTES >> 20} MB.")
        try:
            yield (line.removeprefix(BOM) if number == 1 else line).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"Line {number} of {name} is not UTF-8 (byte {error.start + 1} of the line).") from error


def _explain(problem: str, name: str, line: int) -> str:
    if "unexpected end of data" in problem:
        return f"The quote that opens in line {line} of {name} is never closed."
    if "new-line character" in problem:
        return f"Line {line} of {name} has a carriage return outside quotes."
    if "field larger" in problem:
        return f"A field in line {line} of {name} has more than {MAX_ROW_BYTES >> 20} MB."
    return f"Line {line} of {name} has text between a closing quote and the next delimiter."


def _with_unix_ends(source: IO[bytes], quote: bytes) -> Iterator[bytes]:
    """The content with ``\\r\\n`` outside quotes made ``\\n``: what an even number of quotes precedes is outside."""
    is_inside = False
    rest = b""
    while piece := source.read(PIECE_BYTES):
        # A pair that the end of a piece would cut is left for the next one.
        piece, rest = rest + piece, b"\r" if piece.endswith(b"\r") else b""
        parts = piece.removesuffix(rest).split(quote) if quote else [piece.removesuffix(rest)]
        for place in range(1 if is_inside else 0, len(parts), 2):
            parts[place] = parts[place].replace(b"\r\n", b"\n")
        is_inside ^= len(parts) % 2 == 0
        yield quote.join(parts)
    yield rest
