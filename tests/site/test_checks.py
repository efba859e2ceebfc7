"""Every misconfiguration that would lose or duplicate work, or leak, is named by a system check."""

from __future__ import annotations

import copy
import importlib.metadata
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, Tags
from django.core.checks.registry import registry

from jobs import checks as jobs_checks
from orchestration_site import checks as site_checks
from orchestration_site import mounts
from orchestration_site.management.commands import prepare
from orchestrations.components import catalogue

OURS = {jobs_checks.__name__, site_checks.__name__}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "/nowhere/tutti.sqlite3",
    "CONN_MAX_AGE": 600,
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
    },
}
POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "tutti",
    "HOST": "db.example.org",
    "PORT": 5432,
    "CONN_MAX_AGE": 600,
    "OPTIONS": {},
}
STRONG = "q7R!v0Zt_4kLw9-PzX2cN8sB5mJ6hYd3GfTa1eUoWi"


@pytest.fixture(autouse=True)
def sound(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything right, whatever this test run was started with."""
    settings.DATA_DIR = tmp_path / "private"
    settings.DATA_DIR.mkdir(mode=0o700)
    monkeypatch.setitem(settings.DATABASES, "default", copy.deepcopy(SQLITE))
    settings.Q_CLUSTER = copy.deepcopy(settings.Q_CLUSTER)
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS, settings.KEYS_FROM_FILES = STRONG, [STRONG], []
    settings.BIND, settings.PUBLIC_URL, settings.HTTPS, settings.DEBUG = "127.0.0.1:8000", "", False, False
    settings.ALLOWED_HOSTS, settings.SECURE_PROXY_SSL_HEADER = ["localhost"], None
    catalogue.reload()
    yield
    catalogue.reload()


def messages() -> list[CheckMessage]:
    checks = [each for each in registry.get_checks(include_deployment_checks=True) if each.__module__ in OURS]
    return [message for check in checks for message in check(app_configs=None, databases=None)]


def ids() -> list[str | None]:
    return [message.id for message in messages()]


def change_database(settings: Any, **fields: Any) -> None:
    settings.DATABASES["default"].update(fields)


def change_options(settings: Any, **options: Any) -> None:
    settings.DATABASES["default"]["OPTIONS"].update(options)


def use_postgresql(settings: Any, *, storage: str = "s3://tutti", **fields: Any) -> None:
    settings.DATABASES["default"] = {**copy.deepcopy(POSTGRESQL), **fields}
    settings.STORAGE_URL = storage


def use_postgresql_with_a_key_from_a_file(settings: Any) -> None:
    use_postgresql(settings)
    settings.KEYS_FROM_FILES = ["TUTTI_SECRET_KEY"]


def change(settings: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(settings, name, value)


def without(settings: Any, option: str) -> None:
    del settings.DATABASES["default"]["OPTIONS"][option]


def synchronous(value: str) -> str:
    return f"PRAGMA journal_mode=WAL;PRAGMA synchronous={value};"


TRIPS: list[tuple[str, Callable[[Any], object]]] = [
    ("jobs.E001", lambda s: s.Q_CLUSTER.update(broker_class="django_q.brokers.orm.ORM")),
    ("jobs.E001", lambda s: s.Q_CLUSTER.pop("broker_class")),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(retry=60)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(ack_failures=False)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(max_attempts=0)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(save_limit=250)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(scheduler=True)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(timeout=60)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.update(sync=True)),
    ("jobs.E002", lambda s: s.Q_CLUSTER.pop("retry")),
    ("jobs.E003", lambda s: change(s, WORKERS=s.WORKERS + 1)),
    ("jobs.E005", lambda s: change(s, HEARTBEAT_SECONDS=15, LEASE_SECONDS=45)),
    ("jobs.E006", lambda s: change(s, GRACE_SECONDS=20, LEASE_SECONDS=45)),
    ("jobs.W001", lambda s: change(s, WATCHDOG_SECONDS=4, CLAIM_LEASE_SECONDS=10)),
    ("jobs.W002", lambda s: change(s, PARAMETERS_LIMIT_BYTES=3_000_000)),
    ("jobs.W003", lambda s: change(s, LOG_LIMIT_BYTES=10_000_000, JOB_DISK_LIMIT_BYTES=10_000_000)),
    ("jobs.W004", lambda s: change(s, JOB_MEMORY_LIMIT_BYTES=1_000_000)),
    ("jobs.E020", lambda s: change(s, FILES_DIRS=["exchange:ro"])),
    ("jobs.W020", lambda s: change(s, FILES_DIRS=["/nowhere/exchange"])),
    ("jobs.E021", lambda s: change(s, ALLOW_PRIVATE_ADDRESSES=["files.example.org", "10.0.0.0/33"])),
    ("jobs.W022", lambda s: change(s, ALLOW_PRIVATE_ADDRESSES=True)),
    ("jobs.E009", lambda s: change(s, STORAGE_URL="ftp://example.org/tables")),
    ("jobs.E009", lambda s: change(s, STORAGE_URL="relative/folder")),
    ("jobs.W007", lambda s: use_postgresql(s, storage="")),
    ("jobs.W008", lambda s: change(s, STORAGE_MEMORY_BYTES=s.JOB_MEMORY_LIMIT_BYTES)),
    ("site.E001", lambda s: change_database(s, ENGINE="django.db.backends.mysql")),
    ("site.E002", lambda s: change_database(s, ATOMIC_REQUESTS=True)),
    ("site.W001", lambda s: change_database(s, CONN_MAX_AGE=0)),
    ("site.E003", lambda s: change_options(s, transaction_mode="DEFERRED")),
    ("site.E003", lambda s: without(s, "transaction_mode")),
    ("site.E004", lambda s: change_options(s, init_command="PRAGMA synchronous=FULL")),
    ("site.E004", lambda s: change_options(s, init_command="PRAGMA journal_mode=DELETE;PRAGMA synchronous=FULL")),
    ("site.E005", lambda s: change_options(s, init_command=synchronous("OFF"))),
    ("site.E005", lambda s: change_options(s, init_command=synchronous("0"))),
    ("site.E006", lambda s: change_options(s, timeout=1)),
    ("site.E008", lambda s: use_postgresql(s, OPTIONS={"pool": True})),
    ("site.W002", lambda s: use_postgresql(s, PORT=6432)),
    ("site.W002", lambda s: use_postgresql(s, DISABLE_SERVER_SIDE_CURSORS=True)),
    ("site.W003", use_postgresql_with_a_key_from_a_file),
    ("site.W004", lambda s: s.DATA_DIR.chmod(0o755)),
    ("site.E010", lambda s: change(s, SECRET_KEY="short", PUBLIC_URL="https://localhost")),
    ("site.E010", lambda s: change(s, SECRET_KEY=f"django-insecure-{STRONG}", BIND="0.0.0.0:80", HTTPS=True)),
    ("site.W010", lambda s: change(s, SECRET_KEY="changed" * 10)),
    ("site.E011", lambda s: change(s, ENCRYPTION_KEYS=["a" * 60], PUBLIC_URL="https://localhost")),
    ("site.W011", lambda s: change(s, ENCRYPTION_KEYS=[])),
    ("site.E012", lambda s: change(s, BIND="8000")),
    ("site.E013", lambda s: change(s, BIND="0.0.0.0:8000", DEBUG=True, HTTPS=True)),
    ("site.W005", lambda s: change(s, BIND="0.0.0.0:8000")),
    ("site.W006", lambda s: change(s, BIND="[::]:8000", HTTPS=True, SECURE_PROXY_SSL_HEADER=("X", "https"))),
    ("site.W007", lambda s: change(s, ALLOWED_HOSTS=["*"])),
    ("site.E014", lambda s: change(s, PUBLIC_URL="https://tutti.example.org")),
    ("site.E015", lambda s: change(s, USE_TZ=False)),
    ("site.E015", lambda s: change(s, TIME_ZONE="Europe/Prague")),
]


def test_every_check_is_made_unasked() -> None:
    ours = [each for each in registry.get_checks(include_deployment_checks=True) if each.__module__ in OURS]

    # Django leaves those with the tag database out.
    assert ours
    assert [each.__name__ for each in ours if Tags.database in each.tags] == []  # type: ignore[attr-defined]
    assert [each.__name__ for each in ours if not set(each.tags) & set(prepare.TAGS)] == []  # type: ignore[attr-defined]


def test_a_sound_configuration_passes() -> None:
    assert messages() == []


def test_a_sound_configuration_on_postgresql_passes(settings: Any) -> None:
    use_postgresql(settings)

    assert messages() == []


@pytest.mark.parametrize(("expected", "trip"), TRIPS, ids=[f"{each[0]}-{n}" for n, each in enumerate(TRIPS)])
def test_a_misconfiguration_is_named_with_a_hint(expected: str, trip: Callable[[Any], object], settings: Any) -> None:
    trip(settings)

    found = [message for message in messages() if message.id == expected]
    assert len(found) == 1
    assert found[0].hint
    assert found[0].is_serious() == (".E" in expected)


@pytest.mark.parametrize("lease", [2.5, 10, 16])
def test_a_lease_that_one_late_heartbeat_ends_is_refused(lease: float, settings: Any) -> None:
    change(settings, LEASE_SECONDS=lease, HEARTBEAT_SECONDS=6, GRACE_SECONDS=0)

    assert "jobs.E005" in ids()


def test_normal_synchronous_is_a_choice(settings: Any) -> None:
    change_options(settings, init_command=synchronous("NORMAL"))

    assert messages() == []


def test_another_django_q_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.12.0")

    assert ids() == ["jobs.E004"]


def test_the_pinned_django_q_is_the_one_that_is_checked() -> None:
    lock = (Path(__file__).parents[2] / "requirements.lock").read_text()

    assert f"django-q2=={jobs_checks.DJANGO_Q_VERSION} " in lock


def test_sqlite_on_a_network_is_refused(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mounts"
    table.write_text("/dev/vda / ext4 rw 0 0\nnas:/data /mnt/the\\040nas nfs4 rw 0 0\n")
    monkeypatch.setattr(mounts.kind_of, "__defaults__", (table,))
    change_database(settings, NAME="/mnt/the nas/tutti.sqlite3")

    assert ids() == ["site.E007"]


def test_a_data_folder_that_cannot_be_written_is_refused(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # As root every folder can be written: the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda path, mode: path != settings.DATA_DIR)

    assert ids() == ["site.E009"]


@pytest.mark.parametrize(("suffix", "what"), [("", "written"), (":ro", "read")])
def test_a_folder_of_files_that_components_cannot_use_is_shown(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, what: str
) -> None:
    settings.FILES_DIRS = [f"{tmp_path}{suffix}"]
    lacking = os.W_OK if what == "written" else os.R_OK
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path or not mode & lacking)

    (message,) = messages()
    assert (message.id, f"cannot be {what} by this user" in message.msg) == ("jobs.W021", True)


def test_a_folder_of_tables_that_cannot_be_written_is_refused(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.STORAGE_URL = str(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)

    assert ids() == ["jobs.E010"]


def test_a_broken_declaration_is_shown(settings: Any, tmp_path: Path) -> None:
    declare(settings, tmp_path, {"id": "broken", "name": "Broken", "kind": "nothing"})

    (message,) = messages()
    assert message.id == "jobs.W005"
    assert "kind" in message.msg


def test_a_component_whose_program_is_missing_is_shown(settings: Any, tmp_path: Path) -> None:
    declare(settings, tmp_path, {"id": "gone", "name": "Gone", "kind": "writer", "command": ["/nowhere/program"]})

    assert ids() == ["jobs.W006"]


def test_a_built_in_component_without_its_program_is_an_error(settings: Any, tmp_path: Path) -> None:
    command = ["{python}", "{folder}/main.py"]
    declare(settings, tmp_path, {"id": "gone", "name": "Gone", "kind": "writer", "command": command})
    settings.BUILTIN_COMPONENTS_DIR, settings.COMPONENTS_DIR = settings.COMPONENTS_DIR, None

    assert sorted(map(str, ids())) == ["jobs.E007", "jobs.E008"]


def test_every_built_in_component_has_its_program() -> None:
    built_in = [component for component in catalogue.all() if component.builtin]

    assert len(built_in) >= 3
    assert [each.id for each in built_in if jobs_checks._missing_program(each)] == []


def test_every_check_is_tripped_by_a_test() -> None:
    written = set()
    for module in (jobs_checks, site_checks):
        source = Path(str(module.__file__)).read_text()
        written |= set(re.findall(r'"((?:jobs|site)\.[EW]\d{3})"', source))
    tests = Path(__file__).read_text()

    assert {each for each in written if tests.count(each) == 0} == set()
    assert len(written) > 20


def declare(settings: Any, folder: Path, declaration: dict[str, Any]) -> None:
    (folder / "components" / "one").mkdir(parents=True)
    (folder / "components" / "one" / "component.json").write_text(json.dumps(declaration))
    settings.COMPONENTS_DIR = folder / "components"
    catalogue.reload()
