"""A database for one measurement, dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import dj_database_url
import psycopg
from psycopg import sql


@contextmanager
def made(kind: str, server: str) -> Iterator[str]:
    """Its URL; "" for SQLite, whose file lies in the data folder."""
    if kind == "sqlite":
        yield ""
        return
    name = f"tutti_bench_{uuid4().hex[:8]}"
    _execute(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        base, _, _ = server.rpartition("/")
        yield f"{base}/{name}"
    finally:
        _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: str, statement: sql.Composed) -> None:
    parsed = dj_database_url.parse(server)
    with psycopg.connect(
        host=parsed["HOST"] or None,
        port=parsed["PORT"] or None,
        user=parsed["USER"] or None,
        password=parsed["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute(statement)
