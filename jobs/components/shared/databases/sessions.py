"""One connection to a database, and every error of it as a sentence for people that never holds the password."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import pymysql
from sqlalchemy import create_engine, exc, pool, text
from sqlalchemy.engine import Connection, Engine

from jobs.components.shared.databases.addresses import MARIADB, POSTGRESQL, SQLITE, Address
from jobs.components.shared.errors import UserError
from jobs.components.shared.folders import AllowedFolders

CONNECT_SECONDS = 15
ERRORS = (exc.SQLAlchemyError, psycopg.Error, pymysql.Error, sqlite3.Error)
STAGING = "tutti_rows"
"""The temporary table through which a writer's rows go."""
LOCK_SECONDS = 60
"""So long a writer waits for another program's lock on a SQLite file."""
WRONG_PASSWORD = ("password authentication failed", "no password supplied", "Access denied for user")
BROKEN = ("server closed the connection", "connection is lost", "the connection is closed", "Lost connection")
UNREACHABLE = (
    "Connection refused",
    "timeout expired",
    "timed out",
    "failed to resolve host",
    "Name or service not known",
    "Can't connect to MySQL server",
)


@contextmanager
def connected(address: Address, *, is_writing: bool = False) -> Iterator[Connection]:
    """Raises UserError, also for what goes wrong inside: a statement that is refused, a connection that dies."""
    engine = _engine(address, is_writing)
    try:
        with engine.connect() as connection:
            yield connection
    except ERRORS as error:
        raise UserError(sentence(error, address)) from None
    finally:
        engine.dispose()


@contextmanager
def about(title: str, address: Address) -> Iterator[None]:
    """What goes wrong inside is about this table. Raises UserError."""
    try:
        yield
    except ERRORS as error:
        raise UserError(sentence(error, address, title)) from None


def test(address: Address) -> str:
    """What answers there, as a sentence. Raises UserError."""
    with connected(address) as connection:
        connection.execute(text("SELECT 1"))
        version = ".".join(map(str, (connection.dialect.server_version_info or ())[:2]))
    return f"The connection works: {address.title} (version {version})."


def sentence(error: Exception, address: Address, title: str = "") -> str:
    said = _said_by_the_driver(error, address)
    if any(words in said for words in WRONG_PASSWORD):
        return f"{_named(address)} refused the user {address.url.username or '(none)'}: check user and password."
    if any(words in said for words in UNREACHABLE):
        return f"{_named(address)} cannot be reached: {said}."
    if getattr(error, "connection_invalidated", False) or any(words in said for words in BROKEN):
        return f"The connection to {address.title} broke{f' at {title}' if title else ''}: {said}."
    return f"{title or _named(address)}: {said}."


def without_password(message: str, address: Address) -> str:
    """Also as it stands in URLs."""
    for secret in {address.password, quote(address.password, safe=""), quote_plus(address.password)} - {""}:
        message = message.replace(secret, "…")
    return message


def _named(address: Address) -> str:
    return address.title[:1].upper() + address.title[1:]


def _said_by_the_driver(error: Exception, address: Address) -> str:
    cause = getattr(error, "orig", None) or error
    said = str(cause)
    if address.system is MARIADB and len(cause.args) > 1:
        said = str(cause.args[1])
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # PostgreSQL marks the place in the statement by a line of its own, and goes on with what it knows besides.
    place = re.search(rf"COPY {STAGING}, line (\d+)(?:, column (\w+))?", said)
    lines = [line for line in lines if not line.startswith(("LINE ", "^", "CONTEXT:"))]
    if place:
        lines.append(f"(row {place[1]}{f', column {place[2]}' if place[2] else ''})")
    return without_password(" ".join(lines), address).rstrip(".") or type(cause).__name__


# --- Engines -----------------------------------------------------------------------------------


def _engine(address: Address, is_writing: bool) -> Engine:
    if address.system is SQLITE:
        return create_engine("sqlite://", creator=lambda: _open(address, is_writing), poolclass=pool.NullPool)
    arguments = _of_postgresql(address) if address.system is POSTGRESQL else _of_mariadb(address, is_writing)
    engine = create_engine(
        address.url.difference_update_query(arguments),
        connect_args=arguments,
        poolclass=pool.NullPool,
        hide_parameters=True,
    )
    # One look at the same moment, however long it takes; what is only read is never changed.
    if is_writing:
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _of_postgresql(address: Address) -> dict[str, Any]:
    given = address.url.query
    options = f"-c TimeZone=UTC {given.get('options', '')}"
    arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": "tutti", **given, "options": options.strip()}
    return {**arguments, "sslmode": "require"} if address.is_encrypted else arguments


def _of_mariadb(address: Address, is_writing: bool) -> dict[str, Any]:
    settings = "SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_ZERO_DATE')"
    if not is_writing:
        settings += ", SESSION tx_read_only = 1"
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "charset": "utf8mb4", "init_command": settings}
    if address.password:
        # As bytes: of a text it would take Latin-1 alone.
        arguments["password"] = address.password.encode()
    if "connect_timeout" in address.url.query:
        arguments["connect_timeout"] = int(str(address.url.query["connect_timeout"]))
    return {**arguments, "ssl": {"check_hostname": False}} if address.is_encrypted else arguments


def _open(address: Address, is_writing: bool) -> sqlite3.Connection:
    file = AllowedFolders.of_this_job().find(str(address.file), to_write=is_writing)
    if not is_writing and not file.is_file():
        raise UserError(f"file: there is no file {address.file}.")
    connection = sqlite3.connect(
        f"file:{quote(str(file))}?mode={'rwc' if is_writing else 'ro'}",
        uri=True,
        timeout=LOCK_SECONDS,
        # We say when a transaction begins: Python would leave statements about tables out of it.
        isolation_level=None,
    )
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, *names: Any) -> int:
    """A query cannot open another file."""
    return sqlite3.SQLITE_DENY if action in {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH} else sqlite3.SQLITE_OK
