"""Rows of a query into Parquet files of a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jobs.tables.engine import VECTOR_ROWS, Engine, text
from jobs.tables.places import Place

FILE_BYTES = 128 << 20
CAREFUL_GROUP_BYTES = 64 << 20
# A row group is held in memory, once for each thread, and so is the dictionary of each of its columns.
ROWS_IN_GROUP, CELLS_IN_GROUP = 122_880, 2_500_000
WORDS_IN_DICTIONARY, WORDS_IN_DICTIONARIES = 4000, 1_000_000


@dataclass(frozen=True)
class Written:
    path: str
    size: int
    rows: int


def write_rows(engine: Engine, place: Place, location: str, folder: str, query: str, columns: int) -> list[Written]:
    """Data files below ``location/folder``, in the order of the rows; none when there are no rows."""
    parts = copy_to_parquet(engine, query, place.workshop(location, folder), columns)
    kept = [Written(f"{folder}/{path.name}", size, rows) for path, size, rows in parts if rows]
    place.publish(location, folder, [PurePosixPath(file.path).name for file in kept])
    place.remove(location, [f"{folder}/{path.name}" for path, _, rows in parts if not rows])
    return kept


def copy_to_parquet(engine: Engine, query: str, folder: Path, columns: int) -> list[tuple[Path, int, int]]:
    """Parts in a folder that exists, in the order of the rows: path, bytes, rows; one without rows when there are none.

    zstd at its lowest level halves the files that snappy makes, for the same time. With a limit on the size of files
    several threads keep the order only when they are told to.
    """
    group = max(VECTOR_ROWS, min(ROWS_IN_GROUP, CELLS_IN_GROUP // max(columns, 1)) // VECTOR_ROWS * VECTOR_ROWS)
    words = min(WORDS_IN_DICTIONARY, WORDS_IN_DICTIONARIES // max(columns, 1))
    stats = engine.rows(
        f"COPY ({query}) TO {text(folder)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
        f" DICTIONARY_SIZE_LIMIT {words}, ROW_GROUP_SIZE {group}, FILE_SIZE_BYTES {FILE_BYTES}"
        f"{f', ROW_GROUP_SIZE_BYTES {CAREFUL_GROUP_BYTES}' if engine.is_careful else ', PRESERVE_ORDER true'},"
        " FILENAME_PATTERN 'part-{i}', OVERWRITE_OR_IGNORE, RETURN_STATS)"
    )
    parts = [(Path(name), size, rows) for name, rows, size, *_ in stats]
    return sorted(parts, key=lambda part: int(part[0].stem.removeprefix("part-")))
