"""Rows into files of Parquet, by way of a small file of text that DuckDB reads with the types that we know."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import duckdb

from jobs.components.shared import duck
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import Column

PART_BYTES = 128 * 1024 * 1024
LONGEST_ROW_BYTES = 16 * 1024 * 1024


class Parts:
    """A folder of Parquet in ``out/tables``; at least one file, also of no rows."""

    def __init__(self, folder: DataFolder, name: str, columns: list[Column]) -> None:
        self.rows = 0
        self._name = name.removesuffix(".parquet")
        self._target = folder.out_tables / name
        self._columns = columns
        self._draft = folder.temporary / "rows.csv"
        self._count = 0
        self._database = duck.connect(folder)
        self._file: TextIO | None = None

    def __enter__(self) -> Parts:
        self._target.mkdir()
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and (self._count == 0 or self._size()):
                self._finish()
        finally:
            self._close()
            self._draft.unlink(missing_ok=True)
            self._database.close()

    def add(self, batch: list[list[Any]]) -> None:
        """Raises UserError."""
        self._writer.writerows(batch)
        self.rows += len(batch)
        if self._size() >= PART_BYTES:
            self._finish()
            self._begin()

    def _begin(self) -> None:
        self._file = self._draft.open("w", encoding="utf-8", newline="")
        # Every text in quotes, so that none can be taken for NULL.
        self._writer = csv.writer(self._file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")

    def _size(self) -> int:
        return self._file.tell() if self._file else 0

    def _close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _finish(self) -> None:
        self._close()
        part = self._target / f"part-{self._count:05}.parquet"
        self._count += 1
        try:
            self._database.execute(self._copy(part))
        except duckdb.Error as error:
            raise UserError(f"{self._name}: {str(error).splitlines()[0]}") from error

    def _copy(self, part: Path) -> str:
        types = ", ".join(
            f"{duck.literal(each.name)}: {duck.literal(duck.column_type(each))}" for each in self._columns
        )
        rows = (
            f"read_csv({duck.literal(self._draft)}, columns = {{{types}}}, header = false, auto_detect = false, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '\\N', allow_quoted_nulls = false, "
            f"new_line = '\\n', strict_mode = true, max_line_size = {LONGEST_ROW_BYTES}, "
            f"buffer_size = {2 * LONGEST_ROW_BYTES})"
        )
        return f"COPY (SELECT * FROM {rows}) TO {duck.literal(part)} (FORMAT parquet, COMPRESSION zstd)"  # noqa: S608
