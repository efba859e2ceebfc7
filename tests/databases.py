"""The tests' databases, made and emptied quickly.

Migrating takes seconds, so it is done once for each state of the migrations: into a file in pytest's cache on SQLite,
into one template database beside the test databases on PostgreSQL. Every process of a run starts from a copy.

Their commits do not wait for the disk: what a test kills are processes, never the machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import TransactionTestCase

KEPT = ["django_content_type", "auth_permission", "django_migrations"]
"""What migrating wrote and no test changes."""
SITE = str(connection.settings_dict["NAME"])
"""The database of this environment: those of tests are named for it. None of them has been made yet."""
LOCK = 7_463_118
"""Of PostgreSQL's advisory locks: one process builds the template, the others wait for it."""


@contextmanager
def made(cache_folder: Path) -> Iterator[None]:
    """The default connection leads to a migrated, empty database of this process."""
    creation: Any = connection.creation
    name = str(creation._get_test_db_name())
    copy(name, cache_folder)
    _lead_to(name)
    try:
        yield
    finally:
        connection.close()
        creation._destroy_test_db(name, verbosity=0)
        _lead_to(SITE)


def copy(name: str, cache_folder: Path) -> None:
    """Make a migrated, empty database of this name; on SQLite a path."""
    create = _create_on_postgres if connection.vendor == "postgresql" else _create_on_sqlite
    create(name, cache_folder)


def empty(case: TransactionTestCase) -> None:
    """In place of Django's ``flush``, which truncates every table and then makes content types and permissions anew."""
    for alias in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute(_tables_with_rows(alias))
            # Foreign keys are looked at when the transaction ends.
            for (table,) in cursor.fetchall():
                cursor.execute(f'DELETE FROM "{table}"')


@cache
def _tables_with_rows(alias: str) -> str:
    tables = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables if table not in KEPT
    )


def _lead_to(name: str) -> None:
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _create_on_sqlite(name: str, cache_folder: Path) -> None:
    template = cache_folder / f"{_state_of_migrations()}.sqlite3"
    with (cache_folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            for former in cache_folder.glob("*.sqlite3*"):
                former.unlink()
            unfinished = str(template.with_suffix(".sqlite3-new"))
            _migrate(unfinished)
            Path(unfinished).rename(template)
    shutil.copy(template, name)


def _create_on_postgres(name: str, _: Path) -> None:
    template = f"{SITE}_template"
    state = _state_of_migrations()
    creation: Any = connection.creation
    with creation._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s AND shobj_description(oid, 'pg_database') = %s",
            [template, state],
        )
        if not cursor.fetchone():
            _create(cursor, template)
            _migrate(template)
            cursor.execute(f"COMMENT ON DATABASE \"{template}\" IS '{state}'")
        _create(cursor, name, f'TEMPLATE "{template}"')
        cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')


def _create(cursor: Any, name: str, how: str = "") -> None:
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    cursor.execute(f'CREATE DATABASE "{name}" {how}')


def _migrate(name: str) -> None:
    before = connection.settings_dict["NAME"]
    connection.close()
    _lead_to(name)
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    _lead_to(before)


def _state_of_migrations() -> str:
    digest = hashlib.sha256(django.__version__.encode())
    for config in apps.get_app_configs():
        for file in sorted(Path(config.path, "migrations").glob("*.py")):
            digest.update(str(file.relative_to(config.path)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
