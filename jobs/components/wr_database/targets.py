"""The table that rows go into: as it is in the database, or as it is going to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import types
from sqlalchemy.engine import Connection

from jobs.components.shared.databases.sessions import STAGING
from jobs.components.shared.databases.tables import Place, Tables, quoted
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import Column
from jobs.components.wr_database.orders import FULL, UPSERT, Order
from jobs.components.wr_database.rows import Rows

_MADE: dict[str, dict[str, str]] = {
    "postgresql": {
        "STRING": "text",
        "INTEGER": "bigint",
        "NUMERIC": "numeric({})",
        "FLOAT": "double precision",
        "BOOLEAN": "boolean",
        "DATE": "date",
        "TIMESTAMP": "timestamp with time zone",
    },
    "mysql": {
        "STRING": "longtext",
        "INTEGER": "bigint",
        "NUMERIC": "decimal({})",
        "FLOAT": "double",
        "BOOLEAN": "boolean",
        "DATE": "date",
        "TIMESTAMP": "datetime(6)",
    },
    # Of numbers with a point SQLite keeps fifteen digits.
    "sqlite": {
        "STRING": "text",
        "INTEGER": "integer",
        "NUMERIC": "numeric",
        "FLOAT": "real",
        "BOOLEAN": "boolean",
        "DATE": "date",
        "TIMESTAMP": "timestamp",
    },
}
KEY_TEXT = "varchar(255)"
"""What MariaDB can keep unique of a text."""


@dataclass(frozen=True)
class Target:
    """``texts``: the columns that hold text; ``types``: of columns of a table that is yet to be made."""

    place: Place
    order: Order
    columns: tuple[str, ...]
    texts: frozenset[str]
    types: Mapping[str, str]
    is_new: bool
    connection: Connection

    @classmethod
    def of(cls, order: Order, rows: Rows, connection: Connection) -> Target:
        """Raises UserError."""
        tables = Tables(connection)
        place = tables.place(order.table)
        names = tuple(column.name for column in rows.columns)
        if tables.exists(place):
            texts = _texts_of(place, order, names, tables)
            return cls(place, order, names, texts, {}, False, connection)
        made = {column.name: _made(column, order, rows, connection) for column in rows.columns}
        texts = frozenset(column.name for column in rows.columns if column.type == "STRING")
        return cls(place, order, names, texts, made, True, connection)

    @property
    def quoted_columns(self) -> str:
        return ", ".join(map(self._quote, self.columns))

    @property
    def staging(self) -> str:
        return {"postgresql": f"pg_temp.{STAGING}", "sqlite": f"temp.{STAGING}"}.get(self.system, STAGING)

    @property
    def system(self) -> str:
        return self.connection.dialect.name

    def creation(self) -> str:
        key = f", PRIMARY KEY ({', '.join(map(self._quote, self.order.key))})" if self.order.key else ""
        return f"CREATE TABLE {self.place.quoted(self.connection)} ({self._typed}{key})"

    def staging_creation(self) -> str:
        if self.is_new:
            return f"CREATE TEMPORARY TABLE {STAGING} ({self._typed})"
        # With the types of the table itself: what does not fit is told before anything is touched.
        rows = f"SELECT {self.quoted_columns} FROM {self.place.quoted(self.connection)} WHERE 1 = 0"  # noqa: S608
        return f"CREATE TEMPORARY TABLE {STAGING} AS {rows}"

    def changes(self) -> list[str]:
        """What is done to the table in the one transaction."""
        table = self.place.quoted(self.connection)
        rows = f"SELECT {self.quoted_columns} FROM {self.staging} WHERE 1 = 1"  # noqa: S608
        insertion = f"INSERT INTO {table} ({self.quoted_columns}) {rows}"
        if self.order.mode == UPSERT:
            return [f"{insertion} {self._on_conflict()}"]
        # Rows are deleted, and no table is dropped: rights, indexes and views on it stay.
        return [f"DELETE FROM {table}", insertion] if self.order.mode == FULL and not self.is_new else [insertion]  # noqa: S608

    @property
    def _typed(self) -> str:
        return ", ".join(f"{self._quote(name)} {self.types[name]}" for name in self.columns)

    def _on_conflict(self) -> str:
        others = [name for name in self.columns if name not in self.order.key]
        if self.system == "mysql":
            names = map(self._quote, others or self.order.key)
            return "ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in names)
        key = ", ".join(map(self._quote, self.order.key))
        if not others:
            return f"ON CONFLICT ({key}) DO NOTHING"
        news = ", ".join(f"{self._quote(name)} = excluded.{self._quote(name)}" for name in others)
        return f"ON CONFLICT ({key}) DO UPDATE SET {news}"

    def _quote(self, name: str) -> str:
        return quoted(name, self.connection)


def _texts_of(place: Place, order: Order, names: tuple[str, ...], tables: Tables) -> frozenset[str]:
    known = {column["name"]: column["type"] for column in tables.columns(place)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"{order.table}: the table in the database has no column {unknown[0]!r}.")
    if order.mode == UPSERT and set(order.key) not in tables.keys(place):
        key = ", ".join(order.key)
        raise UserError(f"{order.table}: upsert needs a primary key or a unique index on ({key}) in the database.")
    return frozenset(name for name in names if isinstance(known[name], types.String))


def _made(column: Column, order: Order, rows: Rows, connection: Connection) -> str:
    asked = rows.asked_types.get(column.name)
    if asked:
        return asked
    if connection.dialect.name == "mysql" and column.type == "STRING" and column.name in order.key:
        return KEY_TEXT
    return _MADE[connection.dialect.name][column.type].format(column.length)
