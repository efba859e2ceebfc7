"""Parquet files whose row groups are too large to be read whole, as files that are not.

DuckDB holds a row group of every column that it reads, packed and unpacked, for each thread. Files that others have
written have row groups as large as it pleased them, so the columns are read a few at a time, written in small row
groups, and put side by side again by their position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.tables import engine as sql
from jobs.tables.engine import VECTOR_ROWS, Engine

SHARE_OF_MEMORY = 0.25
"""Of the limit of the request may be taken by the row groups that are read; as much again is for those written."""
ROWS_IN_GROUP = 2 * VECTOR_ROWS


def readable(engine: Engine, source: str, paths: Sequence[str] | Sequence[Path], names: Sequence[str]) -> str:
    """``source``, what reads the columns ``names`` of the files, or its like that takes little memory.

    One thread copies at a time, which keeps the order of rows: the engine goes carefully.
    """
    assert engine.is_careful
    if source not in engine.narrowed:
        groups = _groups(names, _bytes_of_columns(engine, paths), int(engine.memory_bytes * SHARE_OF_MEMORY))
        engine.narrowed[source] = source if len(groups) < 2 else _side_by_side(engine, source, groups)
    return engine.narrowed[source]


def _side_by_side(engine: Engine, source: str, groups: Sequence[Sequence[str]]) -> str:
    narrow = []
    for place, group in enumerate(groups):
        path = engine.new_file(f"narrow-{place}.parquet")
        columns = ", ".join(map(sql.name, group))
        engine.rows(
            f"COPY (SELECT {columns} FROM {source}) TO {sql.text(path)}"
            f" (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {ROWS_IN_GROUP})"
        )
        narrow.append(f"read_parquet({sql.text(path)})")
    return f"({' POSITIONAL JOIN '.join(narrow)})"


def _bytes_of_columns(engine: Engine, paths: Sequence[str] | Sequence[Path]) -> dict[str, int]:
    """Packed and unpacked, in the largest row group of each, by the first part of its path in lower case."""
    found = engine.rows(
        "SELECT path_in_schema, max(total_compressed_size + total_uncompressed_size)"
        f" FROM parquet_metadata({sql.texts(paths)}) GROUP BY path_in_schema"
    )
    sizes: dict[str, int] = {}
    for path, size in found:
        # A nested column has a row for each of its leaves: "tags, list, element".
        first = str(path).partition(", ")[0].casefold()
        sizes[first] = sizes.get(first, 0) + int(size)
    return sizes


def _groups(names: Sequence[str], sizes: Mapping[str, int], limit: int) -> list[list[str]]:
    """The names in order, in groups whose columns together take at most ``limit`` bytes, or are a single one."""
    groups: list[list[str]] = []
    taken = 0
    for name in names:
        size = sizes.get(name.partition(", ")[0].casefold(), 0)
        if not groups or taken + size > limit:
            groups.append([])
            taken = 0
        groups[-1].append(name)
        taken += size
    return groups
