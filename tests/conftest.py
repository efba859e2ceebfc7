"""The cast and what every test may need (STYLE §3).

Alice is the admin of the project, Bob may only read, Oscar may operate, Charlie is a stranger.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from jobs import snapshots
from jobs.queries import planned
from orchestrations import tokens
from orchestrations.access import Actor
from orchestrations.models import Project, Role, Token, User
from tests import builders

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SITES = Path(__file__).parent / "site"
"""Tests that start a whole site, with a database by its address."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The second run of ``make test``, on another database, leaves out what touches none."""
    if not os.environ.get("TUTTI_TEST_ONLY_DATABASE"):
        return
    others = [item for item in items if not _touches_the_database(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _touches_the_database(item)]


def _touches_the_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None or SITES in item.path.parents


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def quick_and_private(settings: Any, tmp_path: Path) -> None:
    """Passwords cost nothing, and each test has a data folder of its own and knows no plan of another's rows."""
    snapshots._plan.cache_clear()
    planned.forget_versions()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def alice(db: None) -> User:
    return builders.build_user("alice@example.org", name="Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return builders.build_project(alice)


@pytest.fixture
def bob(project: Project) -> User:
    return builders.build_member(project, "bob@example.org", Role.VIEWER)


@pytest.fixture
def oscar(project: Project) -> User:
    return builders.build_member(project, "oscar@example.org", Role.OPERATOR)


@pytest.fixture
def charlie(db: None) -> User:
    return builders.build_user("charlie@example.org", name="Charlie")


@pytest.fixture
def by_alice(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def token(project: Project, alice: User) -> tuple[Token, str]:
    """Alice's own token and its text."""
    return tokens.create_personal(project, alice, description="Alice's laptop", now=NOW)


@pytest.fixture
def as_alice(alice: User, client: Client) -> Iterator[Client]:
    client.force_login(alice)
    yield client
