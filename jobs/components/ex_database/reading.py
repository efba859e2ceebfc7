"""Reads the rows of one wish: the statement, where the last job stopped, batches by a cursor of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.types import NullType

from jobs.components.ex_database.columns import Reading, Unfit, readings_of
from jobs.components.ex_database.wishes import Wish
from jobs.components.shared.databases.tables import Place, Tables, quoted
from jobs.components.shared.errors import UserError

BATCH_ROWS = 2_000
_STREAMED = {"stream_results": True, "max_row_buffer": BATCH_ROWS}
Batch = list[list[Any]]
_NAMES: dict[type, str] = {int: "INTEGER", float: "FLOAT", Decimal: "NUMERIC", datetime: "TIMESTAMP", date: "DATE"}
_READERS: dict[str, Callable[[str], Any]] = {
    "INTEGER": int,
    "FLOAT": float,
    "NUMERIC": Decimal,
    "TIMESTAMP": datetime.fromisoformat,
    "DATE": date.fromisoformat,
    "STRING": str,
}


@dataclass
class Source:
    """``since``: the greatest value that the last job saw, None when everything is to be read."""

    wish: Wish
    connection: Connection
    statement: str
    own_key: tuple[str, ...] = ()
    since: Any = None
    greatest: Any = field(default=None, init=False)

    @classmethod
    def of(cls, wish: Wish, connection: Connection, last: dict[str, str]) -> Source:
        """``last``: the mark that the last job left. Raises UserError."""
        statement, key = wish.query, wish.primary_key
        if wish.table:
            tables = Tables(connection)
            place = tables.find(wish.table)
            statement = _select(wish, connection, tables, place)
            key = key or tuple(tables.primary_key(place))
        since = None
        if wish.incremental_column and last.get("column") == wish.incremental_column:
            since = _READERS[last["type"]](last["value"])
        return cls(wish, connection, statement, key, since)

    @property
    def is_incremental(self) -> bool:
        return self.since is not None

    @property
    def mark(self) -> dict[str, str]:
        """Where the next job goes on."""
        value = self.since if self.greatest is None else self.greatest
        if value is None:
            return {}
        said = value.isoformat() if isinstance(value, date) else str(value)
        return {"column": self.wish.incremental_column, "type": _NAMES.get(type(value), "STRING"), "value": said}

    def primary_key(self, names: list[str]) -> list[str]:
        """The one that was asked for, or the table's own when all of it was read. Raises UserError."""
        missing = [name for name in self.own_key if name not in names]
        if missing and self.wish.primary_key:
            raise UserError(f"{self.wish.title}: there is no column {missing[0]!r} for the primary key.")
        return [] if missing else list(self.own_key)


@contextmanager
def rows_of(source: Source) -> Iterator[tuple[list[Reading], Iterator[Batch]]]:
    """The columns, and batches of rows as ``Parts`` takes them. Raises UserError."""
    declared = _declared_types(source)
    statement, values = _statement(source)
    with source.connection.execute(statement, values, execution_options=_STREAMED) as result:
        readings = readings_of(result, declared, as_text=source.wish.as_text)
        _check_names([reading.column.name for reading in readings], source.wish)
        yield readings, _batches(result, readings, source)


def _select(wish: Wish, connection: Connection, tables: Tables, place: Place) -> str:
    known = [column["name"] for column in tables.columns(place)]
    for name in filter(None, (*wish.columns, wish.incremental_column)):
        if name not in known:
            raise UserError(f"{wish.title}: there is no column {name!r}.")
    names = ", ".join(quoted(name, connection) for name in wish.columns or known)
    return f"SELECT {names} FROM {place.quoted(connection)}"  # noqa: S608


def _statement(source: Source) -> tuple[Any, dict[str, Any]]:
    if source.since is None:
        return text(_escaped(source.statement)), {}
    column = quoted(source.wish.incremental_column, source.connection)
    # With a key a row that comes again is only updated, so late ones with the same value are not missed.
    sign = ">=" if source.own_key else ">"
    statement = f"SELECT * FROM (\n{_escaped(source.statement)}\n) tutti_source WHERE {_escaped(column)} {sign} :since"  # noqa: S608
    # No type: the database finds it by the column, and a cast would hide its index.
    return text(statement).bindparams(bindparam("since", type_=NullType())), {"since": source.since}


def _escaped(statement: str) -> str:
    """Colons are the query's own, never our parameters."""
    return statement.replace(":", r"\:")


def _declared_types(source: Source) -> list[str]:
    """What SQLite says of the columns; it knows that of views, not of results."""
    connection = source.connection
    if connection.dialect.name != "sqlite":
        return []
    connection.exec_driver_sql(f"CREATE TEMP VIEW tutti_types AS {source.statement}")
    rows = connection.exec_driver_sql("PRAGMA table_info(tutti_types)").all()
    connection.exec_driver_sql("DROP VIEW tutti_types")
    return [row[2] for row in rows]


def _check_names(names: list[str], wish: Wish) -> None:
    known: set[str] = set()
    for name in names:
        if name.lower() in known:
            raise UserError(f"{wish.title}: two columns are called {name!r}; give one another name with AS.")
        known.add(name.lower())
    if wish.incremental_column and wish.incremental_column not in names:
        raise UserError(f"{wish.title}: the column {wish.incremental_column!r} is not among those that are read.")


def _batches(result: CursorResult[Any], readings: list[Reading], source: Source) -> Iterator[Batch]:
    names = [reading.column.name for reading in readings]
    watched = names.index(source.wish.incremental_column) if source.wish.incremental_column else None
    done = 0
    # By its number: without one a partition is the whole rest.
    for rows in result.partitions(BATCH_ROWS):
        if watched is not None:
            _watch(source, [row[watched] for row in rows])
        batch = []
        for row in rows:
            try:
                batch.append([reading.convert(value) for reading, value in zip(readings, row, strict=True)])
            except Unfit:
                raise UserError(_unfit_sentence(source.wish, readings, row, done + len(batch) + 1)) from None
        done += len(batch)
        yield batch


def _watch(source: Source, values: list[Any]) -> None:
    try:
        source.greatest = max(
            (value for value in (source.greatest, *values) if value is not None), default=source.greatest
        )
    except TypeError:
        column = source.wish.incremental_column
        raise UserError(f"{source.wish.title}: the values of {column!r} are of several types.") from None


def _unfit_sentence(wish: Wish, readings: list[Reading], row: Any, number: int) -> str:
    for reading, value in zip(readings, row, strict=True):
        try:
            reading.convert(value)
        except Unfit as unfit:
            column = reading.column
            return (
                f"{wish.title}: row {number:,}, column {column.name!r}: {unfit} is not of the type {column.type}. "
                'Choose "Every column as text" for this table to read it all the same.'
            )
    raise AssertionError(row)
