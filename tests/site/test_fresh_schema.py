"""A first start makes its tables from the models, an upgrade by migrations: both must come to the same database."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
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


def test_a_first_start_makes_what_all_migrations_make(tmp_path: Path, empty_database: str, own_database: str) -> None:
    perform("prepare", "--no-demo", data=tmp_path, database=empty_database)

    made, migrated = content_of(empty_database), content_of(own_database)

    assert len(made) > 100
    assert made - migrated == set()
    assert migrated - made == set()


def test_tables_of_an_earlier_version_are_migrated(tmp_path: Path, empty_database: str, own_database: str) -> None:
    perform("migrate", "jobs", "0003", data=tmp_path, database=empty_database)
    earlier = content_of(empty_database)

    perform("prepare", "--no-demo", data=tmp_path, database=empty_database)

    assert not any("0008_claims_and_keys" in each for each in earlier)
    assert content_of(empty_database) == content_of(own_database)


def perform(*words: str, data: Path, database: str) -> None:
    ended = launched.run(*words, data=data, database=database)
    assert ended.returncode == 0, ended.stderr


def content_of(database: str) -> set[str]:
    """Every column, constraint, index, and row that a migration makes, as texts."""
    if database.startswith("postgres"):
        with psycopg.connect(database) as connection:
            return {
                json.dumps(row) for query in (*OF_POSTGRESQL, *ROWS) for row in connection.execute(query).fetchall()
            }
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as file:
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
