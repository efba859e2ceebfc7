"""Why a file could not be read: DuckDB says that something is wrong, this finds the line, as an editor counts them."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from jobs.tables.columns import Column
from jobs.tables.csv_files import CsvFiles, records
from jobs.tables.errors import TableError, UserError

SHOWN_CHARACTERS = 100
KEPT_CHARACTERS = 1000
_MARK = '{"tutti_cast":'


def refusal(place: int, value: str) -> str:
    """SQL that ends the query with what ``explain`` understands; ``value`` is SQL for a text."""
    return f"error('{_MARK} {place}, \"value\": ' || to_json(left({value}, {KEPT_CHARACTERS})) || '}}')"


def explain(error: duckdb.Error, columns: list[Column], files: CsvFiles | None) -> TableError:
    """The error as a sentence, with file and line where there are any."""
    words = str(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        return TableError("There was not enough memory; give its limit a higher number.", words)
    if _MARK in words:
        refused = json.loads(words[words.index(_MARK) :].splitlines()[0])
        return _explain_value(refused["tutti_cast"], refused["value"], columns, files)
    if isinstance(error, duckdb.IOException) and files is None:
        return TableError("A file could not be read or written.", words)
    if files is None:
        return UserError(_first_sentence(words), words)
    return _find_malformed(files) or UserError(f"{files.names[0]} cannot be read: {_first_sentence(words)}", words)


def _explain_value(place: int, value: str | None, columns: list[Column], files: CsvFiles | None) -> UserError:
    column = columns[place]
    what = f"is not {_article(column)}" if value else "is empty, but the column must have a value"
    shown = f'"{value[:SHOWN_CHARACTERS]}"' if value else "the value"
    where = _find_value(files, place, value or "") if files else ""
    return UserError(f"{where}Column {column.name}: {shown} {what}.")


def _article(column: Column) -> str:
    kind = column.delta_type.upper() if column.length else column.type
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


def _find_value(files: CsvFiles, place: int, value: str) -> str:
    for record, name, is_header in _all_records(files):
        if not is_header and len(record.fields) > place and record.fields[place][:KEPT_CHARACTERS] == value:
            return f"Line {record.line} of {name}. "
    return ""


def _find_malformed(files: CsvFiles) -> UserError | None:
    wanted = len(files.fields)
    try:
        for record, name, _ in _all_records(files):
            found = len(record.fields)
            is_padded = found == wanted + 1 and record.fields[-1] == ""
            if found not in {0, wanted} and not is_padded:
                plural = "field" if found == 1 else "fields"
                return UserError(f"Line {record.line} of {name} has {found} {plural}, but there are {wanted} columns.")
    except UserError as error:
        return error
    return None


def _all_records(files: CsvFiles) -> Any:
    for path, name in zip(files.paths, files.names, strict=True):
        for place, record in enumerate(records(files, path, name)):
            yield record, name, files.has_header and place == 0


def _first_sentence(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[0].partition("Error: ")[2] or lines[0] if lines else "unknown"


def is_about_a_value(error: duckdb.Error) -> bool:
    return _MARK in str(error)
