"""The rows of an input table, read from Parquet in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import duckdb

from jobs.components.shared import duck
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import Column
from jobs.components.wr_database.orders import Chosen, Order

BATCH_ROWS = 10_000
_TYPES = {"BIGINT": "INTEGER", "DOUBLE": "FLOAT", "BOOLEAN": "BOOLEAN", "DATE": "DATE"}


class Rows:
    """``columns``: in order, with the names that they have in the database."""

    def __init__(self, order: Order, database: duckdb.DuckDBPyConnection) -> None:
        self._order = order
        self._database = database
        self._source = f"({duck.select(database, order.source)})"
        described = self._execute(f"DESCRIBE FROM {self._source}").fetchall()
        known = {row[0]: row[1] for row in described}
        self._chosen = order.columns or tuple(Chosen(name, name) for name in known)
        for chosen in self._chosen:
            if chosen.name not in known:
                raise UserError(f"{order.source.name}: there is no column {chosen.name!r}.")
        _check_names([chosen.to for chosen in self._chosen], order)
        self._types = {chosen.to: known[chosen.name] for chosen in self._chosen}
        self.columns = [_column(chosen.to, known[chosen.name]) for chosen in self._chosen]
        self.count: int = self._execute(f"SELECT count(*) FROM {self._source}").fetchall()[0][0]  # noqa: S608

    @property
    def asked_types(self) -> dict[str, str]:
        return {chosen.to: chosen.type for chosen in self._chosen if chosen.type}

    def batches(self, texts: Collection[str]) -> Iterator[list[tuple[Any, ...]]]:
        """``texts``: the columns that hold text in the database; elsewhere an empty text is NULL."""
        # The result is read while other statements run, so it has a cursor of its own.
        cursor = self._database.cursor()
        cursor.execute(f"SELECT {self._expressions(texts)} FROM {self._source}")  # noqa: S608
        while batch := cursor.fetchmany(BATCH_ROWS):
            yield batch

    def check_key(self, key: Sequence[str], texts: Collection[str]) -> None:
        """Every row has a key of its own. Raises UserError."""
        names = ", ".join(map(duck.name, key))
        rows = f"(SELECT {self._expressions(texts)} FROM {self._source})"  # noqa: S608
        without = " OR ".join(f"{duck.name(name)} IS NULL" for name in key)
        if self._execute(f"SELECT 1 FROM {rows} WHERE {without} LIMIT 1").fetchall():  # noqa: S608
            raise UserError(f"{self._order.source.name}: a row has no value in its key ({', '.join(key)}).")
        twice = self._execute(f"SELECT {names} FROM {rows} GROUP BY ALL HAVING count(*) > 1 LIMIT 1").fetchall()  # noqa: S608
        if twice:
            said = ", ".join(f"{name} = {value}" for name, value in zip(key, twice[0], strict=True))
            raise UserError(f"{self._order.source.name}: several rows have the key {said}.")

    def _expressions(self, texts: Collection[str]) -> str:
        return ", ".join(
            f"{self._expression(chosen, chosen.to in texts)} AS {duck.name(chosen.to)}" for chosen in self._chosen
        )

    def _expression(self, chosen: Chosen, is_text: bool) -> str:
        name, type_name = duck.name(chosen.name), self._types[chosen.to]
        if type_name == "TIMESTAMP WITH TIME ZONE":
            # With a zone Python would need another library; every session of ours is in UTC.
            return f"{name} AT TIME ZONE 'UTC'"
        if type_name == "VARCHAR" and (self._order.empty_as_null or not is_text):
            return f"nullif({name}, '')"
        return name

    def _execute(self, statement: str) -> duckdb.DuckDBPyConnection:
        return self._database.execute(statement)


def _column(name: str, type_name: str) -> Column:
    if type_name.startswith("DECIMAL"):
        return Column(name, "NUMERIC", type_name.removeprefix("DECIMAL").strip("()"))
    return Column(name, "TIMESTAMP" if type_name.startswith("TIMESTAMP") else _TYPES.get(type_name, "STRING"))


def _check_names(names: list[str], order: Order) -> None:
    known: set[str] = set()
    for name in names:
        if name.lower() in known:
            raise UserError(f"{order.source.name}: two columns would be called {name!r} in the database.")
        known.add(name.lower())
    missing = [name for name in order.key if name not in names]
    if missing:
        raise UserError(f"{order.source.name}: there is no column {missing[0]!r} for the key.")
