"""Querysets compiled once, for the hot path.

The ORM takes about a millisecond to compile a statement, and a hand-off between phases needs some twenty: compiling
would cost more than everything else together. So the statements of the hot path are compiled once per process and
database, with ``Param`` where their values go; what they say stays in the words of the models' querysets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from django.db import connection, models
from django.db.models.expressions import Expression
from django.db.models.sql import UpdateQuery

M = TypeVar("M", bound=models.Model)
Statement = tuple[str, Sequence[Any], Any]
ROWS_AT_ONCE = 400
"""SQLite takes 32,766 values in a statement; a job has some forty."""


class Param(Expression):
    """Stands in a queryset for a value that is given when the statement runs."""

    # Not a value that Django could look into: it is compared, never computed with.
    allowed_default = False

    def __init__(self, name: str) -> None:
        super().__init__(output_field=None)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def _resolve_output_field(self) -> None:
        return None


class _Prepared:
    def __init__(self) -> None:
        self._statements: dict[str, Statement] = {}

    def _compile(self) -> Statement:
        raise NotImplementedError

    def _statement(self) -> Statement:
        statement = self._statements.get(connection.vendor)
        if statement is None:
            statement = self._statements[connection.vendor] = self._compile()
        return statement

    def _values(self, params: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
        return [adapted(given[param.name]) if isinstance(param, Param) else param for param in params]


class Query(_Prepared, Generic[M]):
    """A SELECT. ``build`` is called once and gives the queryset, of whole rows or of ``values_list``.

    ``limit`` names the value that limits the rows: a slice of a queryset takes no Param.
    """

    def __init__(self, build: Callable[[], models.QuerySet[M, Any]], *, limit: str = "") -> None:
        super().__init__()
        self._build = build
        self._limit = limit

    def _compile(self) -> Statement:
        queryset = self._build()
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        if self._limit:
            sql, params = f"{sql} LIMIT %s", [*params, Param(self._limit)]
        columns = [column for column, _, _ in compiler.select]
        self._model = queryset.model
        self._names = [column.target.attname for column in columns if hasattr(column, "target")]
        return sql, params, compiler.get_converters(columns)

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        sql, params, converters = self._statement()
        with connection.cursor() as cursor:
            cursor.execute(sql, self._values(params, given))
            rows = cursor.fetchall()
        return _converted(rows, converters) if converters else rows

    def first(self, **given: Any) -> tuple[Any, ...] | None:
        rows = self.rows(**given)
        return rows[0] if rows else None

    def values(self, **given: Any) -> list[Any]:
        """Of a queryset of one column."""
        return [row[0] for row in self.rows(**given)]

    def instances(self, **given: Any) -> list[M]:
        """Rows as models; for querysets without joins, of whole rows or ``only`` some columns."""
        rows = self.rows(**given)
        return [self._model.from_db(connection.alias, self._names, row) for row in rows]

    def instance(self, **given: Any) -> M | None:
        instances = self.instances(**given)
        return instances[0] if instances else None


class Update(_Prepared):
    """An UPDATE. ``build`` gives the queryset of what is changed, ``fields`` the new values: Params or expressions."""

    def __init__(self, build: Callable[[], models.QuerySet[Any, Any]], fields: Mapping[str, Any]) -> None:
        super().__init__()
        self._build = build
        self._fields = dict(fields)

    def _compile(self) -> Statement:
        query = cast("UpdateQuery", self._build().query.chain(UpdateQuery))
        query.add_update_values(self._fields)
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        return sql, params, None

    def run(self, **given: Any) -> int:
        """The number of rows that were changed."""
        sql, params, _ = self._statement()
        with connection.cursor() as cursor:
            cursor.execute(sql, self._values(params, given))
            return int(cursor.rowcount)


def insert(objects: Iterable[M]) -> None:
    """Insert rows of one model, in their order, and give the objects their ids."""
    every = list(objects)
    for start in range(0, len(every), ROWS_AT_ONCE):
        _insert_at_once(every[start : start + ROWS_AT_ONCE])


def _insert_at_once(rows: list[M]) -> None:
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    quote = connection.ops.quote_name
    columns = [str(field.column) for field in fields]
    places = ", ".join(["%s"] * len(fields))
    sql = (
        f"INSERT INTO {quote(meta.db_table)} ({', '.join(map(quote, columns))}) "  # noqa: S608
        f"VALUES {', '.join([f'({places})'] * len(rows))} RETURNING {quote(str(meta.pk.column))}"
    )
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        if _is_special(field)
        else adapted(getattr(row, field.attname))
        for row in rows
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        ids = sorted(row[0] for row in cursor.fetchall())
    # Both databases number rows in the order of VALUES, though none promises to return them in it.
    for row, pk in zip(rows, ids, strict=True):
        row.pk = pk
        row._state.adding = False


def adapted(value: Any) -> Any:
    """As the database's driver wants it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, dict | list):
        return connection.ops.adapt_json_value(value, None)
    return value


def _is_special(field: models.Field[Any, Any]) -> bool:
    """A null of JSON is not SQL's NULL, and only the field knows."""
    return isinstance(field, models.JSONField)


def _converted(rows: list[tuple[Any, ...]], converters: dict[int, Any]) -> list[tuple[Any, ...]]:
    converted = []
    for row in rows:
        values = list(row)
        for place, (functions, expression) in converters.items():
            if values[place] is not None:
                for function in functions:
                    values[place] = function(values[place], expression, connection)
        converted.append(tuple(values))
    return converted
