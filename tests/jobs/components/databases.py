"""Databases for the components that talk to them: a SQLite file, and real servers on this machine.

``TUTTI_TEST_POSTGRES`` and ``TUTTI_TEST_MARIADB`` name servers where databases may be created; what needs one is marked
``postgres_server`` and ``mariadb``, and `make test` says when it left that out.
"""

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import URL, Engine, make_url

from tests import everything

POSTGRES = os.environ.get("TUTTI_TEST_POSTGRES", "").strip() or everything.DEFAULT_POSTGRES
MARIADB = os.environ.get("TUTTI_TEST_MARIADB", "").strip() or everything.DEFAULT_MARIADB
SYSTEMS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgres_server),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
SERVERS = SYSTEMS[1:]


@dataclass
class Database:
    """``parameters``: what a configuration has to say to reach it."""

    system: str
    engine: Engine
    parameters: dict[str, Any]

    def execute(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def end_connections(self, doing: str = "") -> None:
        """Waits until a component works in this database (at a statement that holds the word), and ends it."""
        for _ in range(600):
            found = self.rows(_OTHERS[self.system].format(doing or _READING[self.system]))
            if found:
                for (number,) in found:
                    self.execute(_END[self.system].format(number))
                return
            time.sleep(0.05)
        raise AssertionError("no component has connected")


_OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tutti' "
    "AND query LIKE '%{}%'",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id() "
    "AND info LIKE '%{}%'",
}
_READING = {"postgresql": "FETCH", "mariadb": "slow"}
_END = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL CONNECTION {}"}


@contextmanager
def fresh(system: str, folder: Path) -> Iterator[Database]:
    """A new database, gone afterwards. ``folder``: where a SQLite file goes."""
    if system == "sqlite":
        file = folder / "data.sqlite"
        sqlite3.connect(file).close()
        yield Database(system, _engine(URL.create("sqlite", database=str(file))), {"system": system, "file": str(file)})
        return
    server = _server(system)
    name = f"tutti_test_{secrets.token_hex(5)}"
    with _engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine = _engine(server.set(database=name))
        try:
            yield Database(system, engine, _parameters(system, server.set(database=name)))
        finally:
            connection.exec_driver_sql(
                f"DROP DATABASE {name}{' WITH (FORCE)' if system == 'postgresql' else ''}",
            )


def _server(system: str) -> URL:
    given = make_url((POSTGRES if system == "postgresql" else MARIADB).replace("postgres://", "postgresql://"))
    driver = "postgresql+psycopg" if system == "postgresql" else "mysql+pymysql"
    return given.set(drivername=driver, database="postgres" if system == "postgresql" else "mysql")


def _engine(url: URL, **options: Any) -> Engine:
    return create_engine(url, poolclass=pool.NullPool, **options)


def _parameters(system: str, url: URL) -> dict[str, Any]:
    parameters: dict[str, Any] = {"system": system, "host": url.host, "database": url.database, "user": url.username}
    if url.port:
        parameters["port"] = url.port
    if url.password:
        parameters["#password"] = url.password
    return parameters
