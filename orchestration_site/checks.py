"""System checks of the site: what would lose work or leak is an error, what leaves a door open a warning (STYLE §4)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from orchestration_site import mounts
from orchestration_site.launcher.options import Refused, is_loopback, parse_bind

# Not Tags.database: checks with that tag are left out unless somebody asks for them.
SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
SAFE_SYNCHRONOUS = {"FULL", "EXTRA", "NORMAL", "1", "2", "3"}
LEAST_KEY_LENGTH = 32
LEAST_KEY_SIGNS = 8
WEAK_WORDS = ("change", "insecure", "secret", "password", "example")
PGBOUNCER_PORT = "6432"
OTHERS = stat.S_IRWXO


@register(Tags.compatibility)
def check_database(**kwargs: Any) -> Iterator[CheckMessage]:
    database: dict[str, Any] = dict(settings.DATABASES["default"])
    if database["ENGINE"] not in {SQLITE, POSTGRESQL}:
        yield Error(
            f"{database['ENGINE']} is not supported: claims and locks are written for SQLite and PostgreSQL.",
            hint="DATABASE_URL must begin with sqlite:// or postgres://.",
            id="site.E001",
        )
    if database.get("ATOMIC_REQUESTS"):
        yield Error(
            "ATOMIC_REQUESTS is on: wake-ups would wait for the request's end, and on SQLite every page would take "
            "the write lock.",
            hint="Remove it; every verb owns its transaction.",
            id="site.E002",
        )
    if not database.get("CONN_MAX_AGE", 0):
        yield Warning(
            "CONN_MAX_AGE is 0: every claim and every page connects anew.",
            hint="Set it to 600.",
            id="site.W001",
        )
    yield from _sqlite(database) if database["ENGINE"] == SQLITE else _postgresql(database)


def _sqlite(database: dict[str, Any]) -> Iterator[CheckMessage]:
    options = database.get("OPTIONS", {})
    pragmas = _pragmas(options.get("init_command") or "")
    if options.get("transaction_mode") != "IMMEDIATE":
        yield Error(
            'SQLite\'s transaction_mode is not IMMEDIATE: transactions would fail with "database is locked".',
            hint='OPTIONS = {"transaction_mode": "IMMEDIATE"}',
            id="site.E003",
        )
    if pragmas.get("journal_mode") != "WAL":
        yield Error(
            "SQLite's journal_mode is not WAL: readers and the writer would shut each other out.",
            hint="OPTIONS init_command: PRAGMA journal_mode=WAL",
            id="site.E004",
        )
    if pragmas.get("synchronous") not in SAFE_SYNCHRONOUS:
        yield Error(
            f"SQLite's synchronous is {pragmas.get('synchronous') or 'not set'}: a crash could break the database.",
            hint="TUTTI_SQLITE_SYNCHRONOUS must be FULL, or NORMAL to give up the last commits when the power fails.",
            id="site.E005",
        )
    if float(options.get("timeout", 5)) < 10:
        yield Error(
            "SQLite waits less than 10 s for its lock: jobs would fail while another process writes.",
            hint='OPTIONS = {"timeout": 20}',
            id="site.E006",
        )
    kind = mounts.kind_of(Path(database["NAME"]))
    if kind in mounts.OF_A_NETWORK:
        yield Error(
            f"The database lies on {kind}, a file system of a network: SQLite's locks do not hold there.",
            hint="Choose a local folder with TUTTI_DATA, or PostgreSQL with DATABASE_URL.",
            id="site.E007",
        )


def _pragmas(commands: str) -> dict[str, str]:
    pairs = [part.strip()[len("PRAGMA ") :].partition("=") for part in commands.split(";") if part.strip()]
    return {name.strip().lower(): value.strip().upper() for name, _, value in pairs}


def _postgresql(database: dict[str, Any]) -> Iterator[CheckMessage]:
    if database.get("OPTIONS", {}).get("pool"):
        yield Error(
            "The connection pool is on: a pooled connection is lost for LISTEN, and does not survive a fork.",
            hint='Remove "pool" from OPTIONS; CONN_MAX_AGE keeps connections open.',
            id="site.E008",
        )
    if str(database.get("PORT")) == PGBOUNCER_PORT or database.get("DISABLE_SERVER_SIDE_CURSORS"):
        yield Warning(
            "This looks like PgBouncer. In transaction mode it loses LISTEN: jobs would start up to a second late.",
            hint="Connect to PostgreSQL itself, or use session pooling with ignore_startup_parameters = options.",
            id="site.W002",
        )


@register(Tags.security, deploy=True)
def check_several_machines(**kwargs: Any) -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] == POSTGRESQL and settings.KEYS_FROM_FILES:
        names = " and ".join(settings.KEYS_FROM_FILES)
        yield Warning(
            f"{names} come from files of this machine: another machine on the same database could not read sessions "
            "and secrets.",
            hint="Set them by the environment, the same on every machine.",
            id="site.W003",
        )


@register(Tags.files)
def check_data_folder(**kwargs: Any) -> Iterator[CheckMessage]:
    folder = settings.DATA_DIR
    if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Error(
            f"The data folder {folder} cannot be written by this user.",
            hint="Change its owner, or choose another with TUTTI_DATA.",
            id="site.E009",
        )
    elif folder.exists() and folder.stat().st_mode & OTHERS:
        yield Warning(
            f"Everybody on this machine may look into the data folder {folder}: it holds the database and keys.",
            hint=f"chmod o= {folder}",
            id="site.W004",
        )


@register(Tags.security)
def check_keys(**kwargs: Any) -> Iterator[CheckMessage]:
    if _is_weak(settings.SECRET_KEY):
        yield _weak_key("TUTTI_SECRET_KEY", "anybody could forge a session", number=10)
    if not settings.ENCRYPTION_KEYS or _is_weak(settings.ENCRYPTION_KEYS[0]):
        yield _weak_key("TUTTI_ENCRYPTION_KEY", "secrets in the database would be readable", number=11)


def _weak_key(name: str, danger: str, *, number: int) -> CheckMessage:
    """While one tries things out on one's own machine a simple key is no more than bad taste."""
    message = f"{name} can be guessed: {danger}."
    hint = f"Leave {name} out to have one made, or set it to 50 random signs."
    if settings.PUBLIC_URL or not _is_private(settings.BIND):
        return Error(message, hint=hint, id=f"site.E0{number}")
    return Warning(message, hint=hint, id=f"site.W0{number}")


def _is_private(bind: str) -> bool:
    try:
        return is_loopback(parse_bind(bind)[0])
    except Refused:
        return False


def _is_weak(key: str) -> bool:
    too_simple = len(key) < LEAST_KEY_LENGTH or len(set(key)) < LEAST_KEY_SIGNS
    return too_simple or any(word in key.lower() for word in WEAK_WORDS)


@register(Tags.security)
def check_address(**kwargs: Any) -> Iterator[CheckMessage]:
    try:
        host, _ = parse_bind(settings.BIND)
    except Refused as error:
        yield Error(str(error), hint="TUTTI_BIND", id="site.E012")
        return
    if is_loopback(host):
        return
    if settings.DEBUG:
        yield Error(
            f"TUTTI_DEBUG is on and the pages are open to the network at {settings.BIND}: "
            "error pages would show settings and data.",
            hint="Switch TUTTI_DEBUG off, or bind to 127.0.0.1.",
            id="site.E013",
        )
    if not settings.HTTPS:
        yield Warning(
            f"The pages at {settings.BIND} are open to the network without HTTPS: passwords can be read on the way.",
            hint="Put a proxy with TLS before them and set TUTTI_PUBLIC_URL=https://…, or bind to 127.0.0.1.",
            id="site.W005",
        )
    elif settings.SECURE_PROXY_SSL_HEADER:
        yield Warning(
            f"X-Forwarded-Proto is believed, and {settings.BIND} can be reached without the proxy: it could be forged.",
            hint="Bind to 127.0.0.1 or to an address that only the proxy reaches.",
            id="site.W006",
        )


@register(Tags.security)
def check_names(**kwargs: Any) -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "TUTTI_ALLOWED_HOSTS answers to every name: links could lead to somebody else's host.",
            hint="List the names under which people open the pages.",
            id="site.W007",
        )
    name = urlsplit(settings.PUBLIC_URL).hostname or ""
    if name and not _is_allowed(name):
        yield Error(
            f"The public URL's host {name} is not among the allowed hosts: every page there would be refused.",
            hint=f"TUTTI_ALLOWED_HOSTS={','.join([*settings.ALLOWED_HOSTS, name])}",
            id="site.E014",
        )


def _is_allowed(name: str) -> bool:
    bare = [host.strip("[]") for host in settings.ALLOWED_HOSTS]
    return any(host in {"*", name} or (host.startswith(".") and f".{name}".endswith(host)) for host in bare)


@register(Tags.compatibility)
def check_times(**kwargs: Any) -> Iterator[CheckMessage]:
    if not settings.USE_TZ or settings.TIME_ZONE != "UTC":
        yield Error(
            "Times must be kept in UTC and aware: an hour that occurs twice would be read as one.",
            hint='USE_TZ = True, TIME_ZONE = "UTC". People and schedules have zones of their own.',
            id="site.E015",
        )
