"""Parquet: read and written by DuckDB, in types that tables know."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb

from jobs.components.ex_http import unpacking
from jobs.components.ex_http.options import TableOptions
from jobs.components.ex_http.sources import PARQUET_MAGIC, Fetched
from jobs.components.shared import duck
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import Column, OutputManifest


def write(
    files: list[Fetched], table: TableOptions, folder: DataFolder, limit_bytes: int
) -> tuple[str, OutputManifest]:
    name = f"{table.name}.parquet"
    (folder.out_tables / name).mkdir()
    columns: list[tuple[Column, str]] = []
    with duck.connect(folder) as database:
        for number, file in enumerate(files):
            plain = folder.temporary / f"plain-{number}.parquet"
            try:
                _unpack(file, plain, limit_bytes)
                found = _columns(database, plain, file.label)
                _check_same([column for column, _ in found], [column for column, _ in columns], file.label)
                columns = found
                _copy(database, plain, columns, folder.out_tables / name / f"part-{number:05}.parquet", file.label)
            finally:
                plain.unlink(missing_ok=True)
    return name, OutputManifest(
        destination=table.destination,
        primary_key=table.primary_key,
        incremental=table.incremental,
        schema=[column for column, _ in columns],
    )


def _unpack(file: Fetched, plain: Path, limit_bytes: int) -> None:
    with unpacking.opened(file, limit_bytes) as stream, plain.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    with plain.open("rb") as given:
        start = given.read(len(PARQUET_MAGIC))
        given.seek(max(0, plain.stat().st_size - len(PARQUET_MAGIC)))
        end = given.read()
    if start != PARQUET_MAGIC:
        raise UserError(f"{file.label}: is not a Parquet file.")
    if end != PARQUET_MAGIC:
        raise UserError(f"{file.label}: the Parquet file is cut off.")


def _columns(database: duckdb.DuckDBPyConnection, file: Path, label: str) -> list[tuple[Column, str]]:
    """Each with the expression that brings it into its type."""
    try:
        described = database.execute(f"DESCRIBE SELECT * FROM read_parquet({duck.literal(file)})").fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise _unreadable(label, error) from error
    return [duck.storable(name, kind) for name, kind, *_ in described]


def _check_same(columns: list[Column], before: list[Column], label: str) -> None:
    if not before or columns == before:
        return
    different = next((one for one, other in zip(columns, before, strict=False) if one != other), None)
    where = f"differs from the file before it in the column {different.name!r}" if different else "has other columns"
    raise UserError(f"{label}: {where}; the files of one table must have the same columns.")


def _copy(
    database: duckdb.DuckDBPyConnection, file: Path, columns: list[tuple[Column, str]], target: Path, label: str
) -> None:
    selected = ", ".join(f"{expression} AS {duck.name(column.name)}" for column, expression in columns)
    query = f"SELECT {selected} FROM read_parquet({duck.literal(file)})"  # noqa: S608
    try:
        database.execute(f"COPY ({query}) TO {duck.literal(target)} (FORMAT parquet, COMPRESSION zstd)").fetchall()
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # no fault of the file
    except duckdb.Error as error:
        raise _unreadable(label, error) from error


def _unreadable(label: str, error: duckdb.Error) -> UserError:
    reason = re.sub(r"^[A-Z][A-Za-z ]+ Error: | (in|of) file '[^']*'", "", str(error).strip().splitlines()[0])
    return UserError(f"{label}: cannot be read as Parquet: {reason.strip().rstrip('.')}.")
