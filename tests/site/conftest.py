from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import dj_database_url
import psycopg
import pytest

from tests import databases
from tests.site import launched


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a fresh database of the kind that this test run is for; not the tests' own."""
    yield from _fresh_database(tmp_path_factory.mktemp("database"))


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """As ``database``, for one test alone."""
    yield from _fresh_database(tmp_path)


@pytest.fixture
def own_database(tmp_path: Path, request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[str]:
    """Another one, but migrated: what a first start then does takes a fifth of the time."""

    def migrate(name: str) -> None:
        with django_db_blocker.unblock():
            databases.copy(name, request.config.cache.mkdir("databases"))

    folder = tmp_path / "migrated"
    folder.mkdir()
    yield from _fresh_database(folder, migrate)


def _fresh_database(folder: Path, migrate: Callable[[str], None] | None = None) -> Iterator[str]:
    url = launched.postgres_url()
    if not url:
        file = folder / "shared.sqlite3"
        if migrate:
            migrate(str(file))
        yield f"sqlite:///{file}"
        return
    server = dj_database_url.parse(url)
    name = f"test_tutti_up_{uuid4().hex[:10]}"
    with psycopg.connect(
        host=server["HOST"],
        port=server["PORT"] or 5432,
        user=server["USER"],
        password=server["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as connection:
        if migrate:
            migrate(name)
        else:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield url.rpartition("/")[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
