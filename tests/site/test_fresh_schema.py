"""A first start makes its tables from the models, an upgrade by migrations: both must come to the same database."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import psycopg
import pytest

from tests.site import launched

pytestmark = pytest.mark.slow

OF_POSTGRESQL = (
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length, is_identity,
    identity_generation FROM information_schema.columns WHERE table_schema = 'public'""",
)
ROWS = (
    "SELECT app, name FROM django_migrations",
    "SELECT app_label, model FROM django_content_type",
    "SELECT codename FROM auth_permission",
)
FILE = "tutti.sqlite3"


@pytest.fixture
def server(own_database: str) -> str:
    """The address of an empty database of PostgreSQL; "" for SQLite, whose file is in the data folder."""
    return own_database if own_database.startswith("postgres") else ""


def test_a_first_start_makes_what_all_migrations_make(tmp_path: Path, server: str) -> None:
    made = made_by("prepare", "--no-demo", data=tmp_path / "fresh", database=server)
    if server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")

    migrated = made_by("migrate", data=tmp_path / "migrated", database=server)

    assert len(made) > 100
    assert made - migrated == set()
    assert migrated - made == set()


def test_tables_of_an_earlier_version_are_migrated(tmp_path: Path, server: str) -> None:
    earlier = launched.run("migrate", "jobs", "0003", data=tmp_path, database=server)
    assert earlier.returncode == 0, earlier.stderr

    found = made_by("prepare", "--no-demo", data=tmp_path, database=server)

    assert found == made_by("migrate", data=tmp_path, database=server)
    assert any("0008_claims_and_keys" in each for each in found)


def made_by(*words: str, data: Path, database: str) -> set[str]:
    """Every column, constraint, index, and row that a migration makes, as texts."""
    ended = launched.run(*words, data=data, database=database)
    assert ended.returncode == 0, ended.stderr
    if database:
        with psycopg.connect(database) as connection:
            return {
                json.dumps(row) for query in (*OF_POSTGRESQL, *ROWS) for row in connection.execute(query).fetchall()
            }
    with sqlite3.connect(data / FILE) as file:
        rows = {json.dumps(row) for query in ROWS for row in file.execute(query).fetchall()}
        schema = file.execute("SELECT tbl_name, type, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return rows | {f"{table}: {part}" for table, kind, sql in schema for part in parts_of(kind, sql)}


def parts_of(kind: str, sql: str) -> list[str]:
    """Of a table its columns and constraints, whatever their order; an index is one part."""
    if kind != "table":
        return [sql]
    body, parts, depth, part = sql[sql.index("(") + 1 : sql.rindex(")")], [], 0, ""
    for letter in body:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [re.sub(r"\s+", " ", each).strip() for each in [*parts, part]]
