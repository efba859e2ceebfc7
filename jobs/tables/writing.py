"""Rows of a query into Parquet files of a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import duckdb

from jobs.tables.engine import VECTOR_ROWS, Engine, text, texts
from jobs.tables.places import Place

FILE_BYTES = 128 << 20
# A row group is held in memory, once for each thread, and so is the dictionary of each of its columns.
ROWS_IN_GROUP, CELLS_IN_GROUP = 122_880, 2_500_000
WORDS_IN_DICTIONARY, WORDS_IN_DICTIONARIES = 4000, 1_000_000


@dataclass(frozen=True)
class Written:
    path: str
    size: int
    rows: int


def write_rows(
    engine: Engine, place: Place, location: str, folder: str, query: str, columns: int, row_bytes: int
) -> list[Written]:
    """Data files below ``location/folder``, in the order of the rows; none when there are no rows.

    ``row_bytes``: about what a row takes. Raises duckdb.OutOfMemoryException also for row groups that are written, but
    would be too large to be read.
    """
    parts = copy_to_parquet(engine, query, place.workshop(location, folder), columns, row_bytes)
    kept = [Written(f"{folder}/{path.name}", size, rows) for path, size, rows in parts if rows]
    place.publish(location, folder, [PurePosixPath(file.path).name for file in kept])
    place.remove(location, [f"{folder}/{path.name}" for path, _, rows in parts if not rows])
    return kept


def copy_to_parquet(
    engine: Engine, query: str, folder: Path, columns: int, row_bytes: int
) -> list[tuple[Path, int, int]]:
    """Parts in a folder that exists, in the order of the rows: path, bytes, rows; one without rows when there are none.

    zstd at its lowest level halves the files that snappy makes, for the same time. With a limit on the size of files
    several threads keep the order only when they are told to.
    """
    most = min(ROWS_IN_GROUP, CELLS_IN_GROUP // max(columns, 1), engine.group_bytes // max(row_bytes, 1))
    group = max(VECTOR_ROWS, most // VECTOR_ROWS * VECTOR_ROWS)
    words = min(WORDS_IN_DICTIONARY, WORDS_IN_DICTIONARIES // max(columns, 1))
    stats = engine.rows(
        f"COPY ({query}) TO {text(folder)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
        f" DICTIONARY_SIZE_LIMIT {words}, ROW_GROUP_SIZE {group}, FILE_SIZE_BYTES {FILE_BYTES}"
        f"{f', ROW_GROUP_SIZE_BYTES {engine.group_bytes}' if engine.is_careful else ', PRESERVE_ORDER true'},"
        " FILENAME_PATTERN 'part-{i}', OVERWRITE_OR_IGNORE, RETURN_STATS)"
    )
    parts = [(Path(name), size, rows) for name, rows, size, *_ in stats]
    if not engine.is_careful:
        _check_groups(engine, [path for path, _, _ in parts])
    return sorted(parts, key=lambda part: int(part[0].stem.removeprefix("part-")))


def _check_groups(engine: Engine, paths: list[Path]) -> None:
    """The first rows may say little of those that follow. Raises duckdb.OutOfMemoryException: it is done carefully."""
    largest = engine.one(
        "SELECT max(bytes) FROM (SELECT sum(total_uncompressed_size) AS bytes"
        f" FROM parquet_metadata({texts(paths)}) GROUP BY file_name, row_group_id)"
    )
    if (largest or 0) > 2 * engine.group_bytes:
        raise duckdb.OutOfMemoryException(f"A row group of {largest} bytes would be too large to be read.")
