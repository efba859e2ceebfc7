"""Querysets compiled once, for the hot path.

The ORM takes about a millisecond to compile a statement, and a hand-off between phases needs some twenty. So those of
the hot path are compiled once per process and database, with ``Param`` where their values go.

They go to the driver past Django's cursors, which cost as much as a small statement does; PostgreSQL plans them once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar, cast
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql import UpdateQuery

M = TypeVar("M", bound=models.Model)
Statement = tuple[str, Sequence[Any], Any]
Special = list[tuple[int, Any]]
ROWS_PLANNED = 5
"""Insertions of more at once differ in their numbers of rows: each would be a plan of its own."""
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

    def adapted(self, database: Any, value: Any) -> Any:
        return _adapted(database, value)


class Prepared:
    made: ClassVar[WeakSet[Prepared]] = WeakSet()

    def __init__(self) -> None:
        self._statements: dict[str, Statement] = {}
        self.made.add(self)

    def _compile(self, database: Any) -> Statement:
        raise NotImplementedError

    def statement(self, database: Any) -> Statement:
        if database.vendor not in self._statements:
            self._statements[database.vendor] = self._compile(database)
        return self._statements[database.vendor]


class Query(Prepared, Generic[M]):
    """A SELECT. ``build`` is called once and gives the queryset, of whole rows or of ``values_list``.

    ``limit`` names the value that limits the rows: a slice of a queryset takes no Param.
    """

    def __init__(self, build: Callable[[], models.QuerySet[M, Any]], *, limit: str = "") -> None:
        super().__init__()
        self._build = build
        self._limit = limit

    def _compile(self, database: Any) -> Statement:
        queryset = self._build()
        compiler = queryset.query.get_compiler(connection=database)
        sql, params = compiler.as_sql()
        if self._limit:
            sql, params = f"{sql} LIMIT %s", [*params, Param(self._limit)]
        if compiler.klass_info is not None:
            places = compiler.klass_info["select_fields"]
            self._own = slice(places[0], places[-1] + 1)
            self._names = [column.target.attname for column, _, _ in compiler.select[self._own]]
            # The stubs know a later Django's signature.
            self._related = get_related_populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
            self._annotated = compiler.annotation_col_map or {}
        self._model = queryset.model
        return sql, params, compiler.get_converters([column for column, _, _ in compiler.select])

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        database = connections[DEFAULT_DB_ALIAS]
        sql, params, converters = self.statement(database)
        rows = _fetched(database, sql, _values(database, params, given))
        return _converted(database, rows, converters) if converters else rows

    def first(self, **given: Any) -> tuple[Any, ...] | None:
        rows = self.rows(**given)
        return rows[0] if rows else None

    def values(self, **given: Any) -> list[Any]:
        """Of a queryset of one column."""
        return [row[0] for row in self.rows(**given)]

    def instances(self, **given: Any) -> list[M]:
        """Rows as models, of whole rows or ``only`` some columns, annotated, with what ``select_related`` asks for."""
        instances = []
        for row in self.rows(**given):
            instance = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._own])
            for populator in self._related:
                populator.populate(row, instance)
            instance.__dict__.update({name: row[place] for name, place in self._annotated.items()})
            instances.append(instance)
        return instances

    def instance(self, **given: Any) -> M | None:
        instances = self.instances(**given)
        return instances[0] if instances else None


class Update(Prepared):
    """An UPDATE. ``build`` gives the queryset of what is changed, ``fields`` the new values: Params or expressions."""

    def __init__(self, build: Callable[[], models.QuerySet[Any, Any]], fields: Mapping[str, Any]) -> None:
        super().__init__()
        self._build = build
        self._fields = dict(fields)

    def _compile(self, database: Any) -> Statement:
        query = cast("UpdateQuery", self._build().query.chain(UpdateQuery))
        query.add_update_values(self._fields)
        sql, params = query.get_compiler(connection=database).as_sql()
        return sql, params, None

    def run(self, **given: Any) -> int:
        """The number of rows that were changed."""
        database = connections[DEFAULT_DB_ALIAS]
        sql, params, _ = self.statement(database)
        return _changed(database, sql, _values(database, params, given))

    def run_and_tell(self, row: models.Model, link: str, **given: Any) -> int:
        """As ``run``; inserts a row about each that was changed, which it names by ``link``."""
        database = connections[DEFAULT_DB_ALIAS]
        if database.vendor != "postgresql":
            changed = self.run(**given)
            if changed:
                insert([row])
            return changed
        sql, params, _ = self.statement(database)
        telling, told = _telling(database, row, link)
        values = [*_values(database, params, given), *told]
        return _changed(database, f"WITH done AS ({sql} RETURNING id) {telling}", values)


def insert_and_tell(rows: list[M], row: models.Model, link: str) -> None:
    """Insert rows as ``insert`` does, and for each one about it, which names it by ``link``."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql" and len(rows) <= ROWS_AT_ONCE:
        _insert_at_once(rows, *_telling(database, row, link))
        return
    insert(rows)
    about = [copy(row) for _ in rows]
    for each, of in zip(about, rows, strict=True):
        setattr(each, link, of.pk)
    insert(about)


def _telling(database: Any, row: models.Model, link: str) -> tuple[str, list[Any]]:
    """The end of a statement: a row for each that is ``done``, in one round trip to the server instead of two."""
    sql, plain, special = _telling_statement(type(row), link)
    return sql, _row_values(database, row, plain, special)


@lru_cache(maxsize=50)
def _telling_statement(model: type[models.Model], link: str) -> tuple[str, list[str], Special]:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    fields = [field for field in model._meta.concrete_fields if not field.primary_key and field.attname != link]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({quote(link)}, {columns}) "  # noqa: S608
        f"SELECT id, {', '.join(['%s'] * len(fields))} FROM done"
    )
    return sql, [field.attname for field in fields], _special(fields)


def insert(objects: Iterable[M]) -> None:
    """Insert rows of one model, in their order, and give the objects their ids."""
    every = list(objects)
    for start in range(0, len(every), ROWS_AT_ONCE):
        _insert_at_once(every[start : start + ROWS_AT_ONCE])


def _insert_at_once(rows: list[M], telling: str = "", told: Sequence[Any] = ()) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    sql, plain, special = _insertion(type(rows[0]), len(rows), database.vendor)
    values = [value for row in rows for value in _row_values(database, row, plain, special)]
    if telling:
        sql = f"WITH done AS ({sql}), told AS ({telling}) SELECT id FROM done"  # noqa: S608
        values += told
    prepare = None if len(rows) <= ROWS_PLANNED else False
    ids = sorted(row[0] for row in _fetched(database, sql, values, prepare))
    # Both databases number rows in the order of VALUES, though none promises to return them in it.
    for row, pk in zip(rows, ids, strict=True):
        row.pk = pk
        row._state.adding = False


def _row_values(database: Any, row: models.Model, plain: list[str], special: Special) -> list[Any]:
    given = row.__dict__
    values = [_adapted(database, given[name]) for name in plain]
    for place, field in special:
        # A null of JSON is not SQL's NULL, and only the field knows.
        values[place] = field.get_db_prep_save(given[field.attname], database)
    return values


@lru_cache(maxsize=500)
def _insertion(model: type[models.Model], rows: int, vendor: str) -> tuple[str, list[str], Special]:
    """The statement, the names of a row's values in their order, and the fields among them that adapt their own."""
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    places = ", ".join(["%s"] * len(fields))
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(quote(str(field.column)) for field in fields)}) "  # noqa: S608
        f"VALUES {', '.join([f'({places})'] * rows)} RETURNING {quote(str(model._meta.pk.column))}"
    )
    return sql, [field.attname for field in fields], _special(fields)


def _special(fields: Sequence[Any]) -> Special:
    return [(place, field) for place, field in enumerate(fields) if isinstance(field, models.JSONField)]


def _values(database: Any, params: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    return [param.adapted(database, given[param.name]) if isinstance(param, Param) else param for param in params]


def _adapted(database: Any, value: Any) -> Any:
    """As the database's driver wants it."""
    if isinstance(value, datetime):
        return database.ops.adapt_datetimefield_value(value)
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, dict | list):
        return database.ops.adapt_json_value(value, None)
    return value


def _fetched(database: Any, sql: str, values: Sequence[Any], prepare: bool | None = None) -> list[tuple[Any, ...]]:
    if _is_watched(database):
        with database.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())
    with database.wrap_database_errors:
        return list(_executed(database, sql, values, prepare).fetchall())


def _changed(database: Any, sql: str, values: Sequence[Any]) -> int:
    if _is_watched(database):
        with database.cursor() as cursor:
            cursor.execute(sql, values)
            return int(cursor.rowcount)
    with database.wrap_database_errors:
        return int(_executed(database, sql, values, None).rowcount)


def _is_watched(database: Any) -> bool:
    """Whether somebody wants to see the statements, which only Django's cursors show."""
    return bool(database.queries_logged or database.execute_wrappers)


def _executed(database: Any, sql: str, values: Sequence[Any], prepare: bool | None) -> Any:
    """The driver's cursor."""
    database.ensure_connection()
    database.validate_no_broken_transaction()
    if database.vendor == "postgresql":
        return database.Database.Cursor(database.connection).execute(sql, values, prepare=prepare)
    return database.connection.execute(_with_question_marks(sql), values)


@lru_cache(maxsize=500)
def _with_question_marks(sql: str) -> str:
    return re.sub(r"(?<!%)%s", "?", sql).replace("%%", "%")


def _converted(database: Any, rows: list[tuple[Any, ...]], converters: dict[int, Any]) -> list[tuple[Any, ...]]:
    converted = []
    for row in rows:
        values = list(row)
        for place, (functions, expression) in converters.items():
            if values[place] is not None:
                for function in functions:
                    values[place] = function(values[place], expression, database)
        converted.append(tuple(values))
    return converted
