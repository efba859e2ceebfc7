"""Tables of a database: found by the name that a person gave, with their columns and keys."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import Inspector

from jobs.components.shared.errors import UserError


def quoted(name: str, connection: Connection) -> str:
    """As it stands in a statement without parameters: SQLAlchemy's own way is for statements with some."""
    sign: str = connection.dialect.identifier_preparer.initial_quote
    return f"{sign}{name.replace(sign, sign * 2)}{sign}"


@dataclass(frozen=True)
class Place:
    """Of a table, whether it exists or not. ``schema``: None is the one that the connection begins in."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def quoted(self, connection: Connection) -> str:
        name = quoted(self.name, connection)
        return f"{quoted(self.schema, connection)}.{name}" if self.schema else name


class Tables:
    """What a connection can see; looked up once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _inspector(self) -> Inspector:
        return inspect(self._connection)

    def exists(self, place: Place) -> bool:
        return self._inspector.has_table(place.name, schema=place.schema)

    def find(self, name: str) -> Place:
        """The table or view that is meant by ``orders`` or ``sales.orders``. Raises UserError."""
        place = self.place(name)
        if self.exists(place):
            return place
        near = difflib.get_close_matches(place.name, self._names(place.schema), n=3)
        hint = f" There is {', '.join(near)}." if near else ""
        raise UserError(f"There is no table {name} in the database.{hint}")

    def place(self, name: str) -> Place:
        """A name with a dot is that of a schema and a table, unless there is a table that is called just so."""
        plain = Place(name)
        schema, dot, rest = name.partition(".")
        return Place(rest, schema) if dot and schema and rest and not self.exists(plain) else plain

    def columns(self, place: Place) -> list[ReflectedColumn]:
        return self._inspector.get_columns(place.name, schema=place.schema)

    def primary_key(self, place: Place) -> list[str]:
        return list(self._inspector.get_pk_constraint(place.name, schema=place.schema)["constrained_columns"])

    def keys(self, place: Place) -> list[set[str]]:
        """The sets of columns that the database keeps unique."""
        found = [set(self.primary_key(place))]
        found += [
            set(each["column_names"])
            for each in self._inspector.get_unique_constraints(place.name, schema=place.schema)
        ]
        found += [
            {name for name in each["column_names"] if name is not None}
            for each in self._inspector.get_indexes(place.name, schema=place.schema)
            if each["unique"] and not each.get("dialect_options", {}).get("postgresql_where")
        ]
        return [key for key in found if key]

    def _names(self, schema: str | None) -> list[str]:
        return self._inspector.get_table_names(schema=schema) + self._inspector.get_view_names(schema=schema)
