"""Brings rows into a temporary table, then the whole of them into the table itself, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Connection

from jobs.components.shared.databases.sessions import STAGING
from jobs.components.wr_database.rows import Rows
from jobs.components.wr_database.targets import Target

Batch = list[tuple[Any, ...]]


def load(target: Target, rows: Rows, connection: Connection, report: Callable[[int], None]) -> None:
    """``report``: how many rows have been sent. Raises UserError and the errors of the driver."""
    if target.order.key:
        rows.check_key(target.order.key, target.texts)
    _execute(connection, target.staging_creation())
    with _transaction(connection):
        send = _SENDERS.get(target.system, _insert)
        count = 0
        for batch in send(target, rows.batches(target.texts), connection):
            count += len(batch)
            report(count)
    _apply(target, connection)
    _execute(connection, f"DROP{' TEMPORARY' if target.system == 'mysql' else ''} TABLE {target.staging}")
    connection.commit()


def _apply(target: Target, connection: Connection) -> None:
    is_left_behind = target.is_new and target.system == "mysql"
    try:
        if is_left_behind:
            _execute(connection, target.creation())
        with _transaction(connection, "BEGIN IMMEDIATE"):
            if target.is_new and not is_left_behind:
                _execute(connection, target.creation())
            for statement in target.changes():
                _execute(connection, statement)
    except Exception:
        # There a table is made outside of every transaction.
        if is_left_behind and not connection.invalidated:
            _execute(connection, f"DROP TABLE IF EXISTS {target.place.quoted(connection)}")
        raise


@contextmanager
def _transaction(connection: Connection, beginning: str = "BEGIN") -> Iterator[None]:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(beginning)
    try:
        yield
    except BaseException:
        if not connection.invalidated:
            connection.rollback()
        raise
    connection.commit()


def _execute(connection: Connection, statement: str) -> None:
    """Names may hold signs that stand for parameters elsewhere."""
    connection.execution_options(no_parameters=True).exec_driver_sql(statement)


# --- Sending -----------------------------------------------------------------------------------


def _copy(target: Target, batches: Iterator[Batch], connection: Connection) -> Iterator[Batch]:
    driver: Any = connection.connection.dbapi_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {target.staging} ({target.quoted_columns}) FROM STDIN") as copying,
    ):
        for batch in batches:
            for row in batch:
                copying.write_row(row)
            yield batch


def _insert(target: Target, batches: Iterator[Batch], connection: Connection) -> Iterator[Batch]:
    is_sqlite = target.system == "sqlite"
    signs = ", ".join(["?" if is_sqlite else "%s"] * len(target.columns))
    columns = target.quoted_columns if is_sqlite else target.quoted_columns.replace("%", "%%")
    statement = f"INSERT INTO {STAGING} ({columns}) VALUES ({signs})"  # noqa: S608
    for batch in batches:
        connection.exec_driver_sql(statement, [tuple(map(_plain, row)) for row in batch] if is_sqlite else batch)
        yield batch


def _plain(value: Any) -> Any:
    """As SQLite keeps it: it has no times and no decimals."""
    if isinstance(value, date):
        return str(value)
    return format(value, "f") if isinstance(value, Decimal) else value


_SENDERS = {"postgresql": _copy}
