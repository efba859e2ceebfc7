"""DuckDB, held within the limits of the request, and how SQL is put together for it."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

DATABASE = ":memory:"
DEFAULT_MEMORY_BYTES = 1_000_000_000
MEMORY_FLOOR_BYTES = 300_000_000
RESERVED_BYTES = 400_000_000  # for Python, deltalake, and what DuckDB takes beside its limit
WIDE_COLUMNS = 500
VECTOR_ROWS = 2048  # rows that DuckDB handles at a time
MAX_THREADS = 4
MOST_GROUP_BYTES, SHARES_OF_GROUPS = 64 << 20, 16


class Engine:
    """One connection to a database in memory, with a scratch folder that is removed at the end."""

    def __init__(self, limits: dict[str, Any], default_scratch: Path) -> None:
        self.memory_bytes = max(int(limits.get("memory_bytes") or DEFAULT_MEMORY_BYTES), MEMORY_FLOOR_BYTES)
        self.threads = int(limits.get("threads") or min(os.cpu_count() or 1, MAX_THREADS))
        parent = Path(limits.get("scratch") or default_scratch)
        self._folder = tempfile.TemporaryDirectory(prefix="tutti-tables-", dir=parent)
        self.scratch = Path(self._folder.name)
        self._aliases = itertools.count()
        self._names: dict[str, str] = {}
        self.is_careful = False
        self.narrowed: dict[str, str] = {}
        """What stands in for a source that is too large to be read as it is (jobs.tables.narrowing)."""
        self.group_bytes = min(MOST_GROUP_BYTES, self.memory_bytes // SHARES_OF_GROUPS)
        """The most that a row group should take, unpacked: it is held packed and unpacked, once for each thread."""

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """Opened when it is needed: most looks at a table find nothing new, and need none."""
        connection = duckdb.connect(DATABASE)
        for setting in (
            f"threads = {self.threads}",
            "preserve_insertion_order = true",
            f"memory_limit = '{max(self.memory_bytes - RESERVED_BYTES, self.memory_bytes // 3)}B'",
            f"temp_directory = {text(self.scratch / 'spill')}",
            "timezone = 'UTC'",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "enable_progress_bar = false",
        ):
            connection.execute(f"SET {setting}")
        return connection

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()
        self._folder.cleanup()

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, list(parameters)).fetchall()

    def one(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        """The first value of the first row."""
        return self.rows(sql, parameters)[0][0]

    def alias(self, path: Path, ending: str) -> Path:
        """Another name of a file, without characters that DuckDB would take for a pattern."""
        link = self.scratch / f"alias-{next(self._aliases):06}{ending}"
        link.symlink_to(path.absolute())
        self._names[str(link)] = path.name
        return link

    def new_file(self, name: str) -> Path:
        """A path in the scratch folder that nothing has yet."""
        return self.scratch / f"{next(self._aliases):06}-{name}"

    def with_names(self, text: str) -> str:
        """What DuckDB says of an alias, with the name that the file has for people."""
        for link, name in self._names.items():
            text = text.replace(link, name)
        return text

    def register(self, name: str, stream: Any) -> None:
        """Makes an Arrow stream readable by name, once."""
        self._connection.register(name, stream)

    def make_room_for(self, columns: int) -> None:
        """Goes carefully with very wide rows, and lets DuckDB account for them.

        It counts 16 bytes for every cell of a vector whether there are rows or not, several times over: 5,000 columns
        are counted as over a gigabyte, of which little is touched.
        """
        if columns > WIDE_COLUMNS:
            self.go_carefully()
            counted = columns * VECTOR_ROWS * 16 * 12
            self._connection.execute(f"SET memory_limit = '{self.memory_bytes // 2 + counted}B'")

    def go_carefully(self) -> None:
        """Slower, in less memory: one thread, which keeps the order of rows without a buffer, and small row groups."""
        self.is_careful = True
        self._connection.execute("SET threads = 1")
        self._connection.execute("SET preserve_insertion_order = false")


def name(word: str) -> str:
    """An identifier of SQL."""
    return '"' + word.replace('"', '""') + '"'


def text(words: str | Path) -> str:
    """A literal of SQL."""
    return "'" + str(words).replace("'", "''") + "'"


def texts(many: Iterable[str | Path]) -> str:
    return "[" + ", ".join(text(words) for words in many) + "]"
