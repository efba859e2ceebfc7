"""The cast and what every test may need (STYLE §3).

Alice is the admin of the project, Bob may only read, Oscar may operate, Charlie is a stranger.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as examples

from jobs import snapshots
from jobs.queries import planned
from orchestrations import sessions, tokens
from orchestrations.access import Actor
from orchestrations.models import Project, Role, Token, User
from tests import builders, databases

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SITES = Path(__file__).parent / "site"
"""Tests that start a whole site; those that do so with a database of this run ask for its address."""

# Not by the clock: how slow a shared machine is at the moment says nothing of what is tested.
examples.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("any machine")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where processes share the tests each line would name a file: pytest-instafail's reporter forgets to be quiet."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.config.getoption("numprocesses", None):
        reporter.showfspath = False


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The second run of ``make test``, on another database, leaves out what touches none or proves nothing new.

    Where processes share the tests, those that take long come first: else one of them is what all wait for at the end.
    """
    if os.environ.get("TUTTI_TEST_ONLY_DATABASE"):
        others = [item for item in items if not _depends_on_the_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _depends_on_the_database(item)]
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Tests and libraries stay to the end: none of them need be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _depends_on_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("one_database"):
        return False
    asking = {"db", "transactional_db", "live_server"}
    if SITES in item.path.parents:
        asking |= {"database", "own_database", "empty_database"}
    return bool(asking & set(getattr(item, "fixturenames", ()))) or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: Any,
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    TransactionTestCase._fixture_teardown = databases.empty  # type: ignore[attr-defined]
    with django_db_blocker.unblock(), databases.made(request.config.cache.mkdir("databases")):
        yield


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def quick_and_private(settings: Any, tmp_path: Path) -> None:
    """Passwords cost nothing, and each test has a data folder of its own and knows no plan of another's rows."""
    # Else every client of a test would look through all static files first.
    settings.WHITENOISE_AUTOREFRESH = True
    snapshots.forget_plans()
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
    # As after a first page: the next one writes nothing.
    session = client.session
    sessions.note(session, address="", agent="", seconds=time.time())
    session.save()
    yield client
