"""JSON lines: an object on each line. Members become columns; what is nested stays JSON, as text."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from jobs.components.ex_http import unpacking
from jobs.components.ex_http.options import TableOptions
from jobs.components.ex_http.sources import Fetched
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import OutputManifest

MOST_COLUMNS = 5000


class _Float(float):
    """Keeps the text: 1.10 is not 1.1 to everybody, and not every number fits."""

    text: str

    def __new__(cls, text: str) -> _Float:
        number = super().__new__(cls, text)
        number.text = text
        return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


# Made once: `json.loads` with options makes a decoder for every line, which takes longer than the line.
_DECODER = json.JSONDecoder(parse_float=_Float, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class _Columns:
    """In the order in which they are met."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def row(self, member: dict[str, Any]) -> list[str]:
        for name in member:
            if name not in self.places:
                self.places[name] = len(self.places)
        row = [""] * len(self.places)
        for name, value in member.items():
            row[self.places[name]] = _text(value)
        return row


def write(
    files: list[Fetched], table: TableOptions, folder: DataFolder, limit_bytes: int
) -> tuple[str, OutputManifest]:
    name = f"{table.name}.csv"
    target = folder.out_tables / name
    columns = _Columns()
    shortest: int | None = None
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for file in files:
            with unpacking.opened(file, limit_bytes) as stream:
                for number, member in _objects(stream, file.label):
                    row = columns.row(member)
                    if len(row) > MOST_COLUMNS:
                        raise UserError(f"{file.label}: line {number} brings more than {MOST_COLUMNS} columns.")
                    shortest = len(row) if shortest is None else shortest  # they only grow
                    writer.writerow(row)
    names = list(columns.places)
    if not names:
        raise UserError(f"{table.name}: there is no object in its files, so no names of columns are known.")
    if shortest != len(names):
        _pad(target, len(names))
    return name, OutputManifest(
        destination=table.destination, primary_key=table.primary_key, incremental=table.incremental, columns=names
    )


def _objects(stream: unpacking.Limited, label: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number of the line, object), blank lines left out."""
    for number, line in enumerate(stream, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if not text.strip():
                continue
            member = _DECODER.decode(text)
        except UnicodeDecodeError as error:
            raise UserError(f"{label}: line {number} is not UTF-8 (byte 0x{line[error.start]:02x}).") from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{label}: line {number} is not JSON{_hint(line)}.") from error
        if not isinstance(member, dict):
            raise UserError(f"{label}: line {number} is not an object{_hint(line)}.")
        yield number, member


def _hint(line: bytes) -> str:
    is_document = line.lstrip()[:1] == b"[" or line.strip() == b"{"
    return "; each line must be an object of its own, not a part of one document" if is_document else ""


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _Float():
            return value.text
        case int():
            return str(value)
    return _ENCODER.encode(value)


def _pad(file: Path, width: int) -> None:
    """Rows before a new column was met lack it."""
    csv.field_size_limit(sys.maxsize)
    padded = file.with_name(f".{file.name}.padded")
    with (
        file.open(encoding="utf-8", newline="") as given,
        padded.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, lineterminator="\n")
        for row in csv.reader(given):
            writer.writerow(row + [""] * (width - len(row)))
    padded.replace(file)
