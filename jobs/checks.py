"""System checks of what runs jobs: a value that would lose work or do it twice is an error, with its id (STYLE §4)."""

from __future__ import annotations

import importlib.metadata
import ipaddress
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from jobs.carrying.place import storage_url
from orchestrations.components import catalogue

BROKER = "jobs.broker.JobBroker"
DJANGO_Q_VERSION = "1.11.1"
"""jobs.broker.processes replaces parts of it: another version may have moved them."""
Q_CLUSTER = {
    "save_limit": -1,
    "ack_failures": True,
    "max_attempts": 1,
    "retry": 2**31 - 1,
    "timeout": None,
    "scheduler": False,
    "catch_up": False,
    "sync": False,
}
SELF_FENCE = 0.6
"""Of a lease: without renewals for so long, a supervisor stops its component (DESIGN §5)."""
BEATS_A_LEASE = 3
LEAST_MEMORY_BYTES = 50_000_000
READ_ONLY = ":ro"
"""After a folder of TUTTI_FILES_DIRS that components may read only (jobs/components/shared/folders.py)."""
STORAGE_SCHEMES = {"", "file", "s3", "s3a", "gs", "gcs", "az", "azure", "adl", "abfs", "abfss"}


@register(Tags.compatibility)
def check_django_q(**kwargs: Any) -> list[CheckMessage]:
    return [*_broker(), *_cluster_values(), *_version()]


def _broker() -> Iterator[CheckMessage]:
    given = settings.Q_CLUSTER.get("broker_class")
    if given != BROKER:
        yield Error(
            f"Q_CLUSTER's broker_class is {given!r}: jobs would be taken from another queue than the Job table.",
            hint=f"Set it to {BROKER!r}.",
            id="jobs.E001",
        )


def _cluster_values() -> Iterator[CheckMessage]:
    given = {"sync": False, **settings.Q_CLUSTER}
    wrong = sorted(name for name, value in Q_CLUSTER.items() if name not in given or given[name] != value)
    if wrong:
        yield Error(
            f"Q_CLUSTER's {', '.join(wrong)} would lose jobs, run them twice or keep a second history.",
            hint=f"Set {', '.join(f'{name} to {Q_CLUSTER[name]!r}' for name in wrong)}.",
            id="jobs.E002",
        )
    if given.get("workers") != settings.WORKERS:
        yield Error(
            f"Q_CLUSTER has {given.get('workers')} workers and WORKERS is {settings.WORKERS}: "
            "jobs would be claimed that no worker takes up.",
            hint="Set the number of workers by TUTTI_WORKERS alone.",
            id="jobs.E003",
        )


def _version() -> Iterator[CheckMessage]:
    installed = importlib.metadata.version("django-q2")
    if installed != DJANGO_Q_VERSION:
        yield Error(
            f"django-q2 {installed} is installed; the broker replaces parts of {DJANGO_Q_VERSION}.",
            hint="Install requirements.lock.",
            id="jobs.E004",
        )


@register(Tags.compatibility)
def check_times(**kwargs: Any) -> Iterator[CheckMessage]:
    heartbeat, lease, grace = settings.HEARTBEAT_SECONDS, settings.LEASE_SECONDS, settings.GRACE_SECONDS
    if heartbeat >= lease / BEATS_A_LEASE or 2 * heartbeat >= SELF_FENCE * lease:
        yield Error(
            f"A lease of {lease:g} s is too short for a heartbeat every {heartbeat:g} s: "
            "one late renewal would interrupt a job.",
            hint=f"TUTTI_LEASE_SECONDS must be more than {heartbeat * 2 / SELF_FENCE:.1f}, or the heartbeat shorter.",
            id="jobs.E005",
        )
    if SELF_FENCE * lease + grace >= lease:
        yield Error(
            f"A component that is stopped may take {grace:g} s, longer than its lease of {lease:g} s leaves: "
            "another machine could run the job meanwhile.",
            hint=f"TUTTI_LEASE_SECONDS must be more than {grace / (1 - SELF_FENCE):.0f}, or TUTTI_GRACE_SECONDS less.",
            id="jobs.E006",
        )
    if settings.WATCHDOG_SECONDS < settings.CLAIM_LEASE_SECONDS / 2:
        yield Warning(
            f"The watchdog looks after {settings.WATCHDOG_SECONDS:g} s, but a claim may take "
            f"{settings.CLAIM_LEASE_SECONDS:g} s to be taken up: a healthy cluster could be started again and again.",
            hint="Raise TUTTI_WATCHDOG_SECONDS or lower TUTTI_CLAIM_LEASE_SECONDS.",
            id="jobs.W001",
        )


@register(Tags.compatibility)
def check_limits(**kwargs: Any) -> Iterator[CheckMessage]:
    if settings.PARAMETERS_LIMIT_BYTES >= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        yield Warning(
            "Parameters may be larger than a request: the largest cannot be saved.",
            hint="TUTTI_REQUEST_LIMIT_BYTES must be more than TUTTI_PARAMETERS_LIMIT_BYTES.",
            id="jobs.W002",
        )
    if settings.LOG_LIMIT_BYTES >= settings.JOB_DISK_LIMIT_BYTES:
        yield Warning(
            "The log of one job may be larger than everything else it may write.",
            hint="TUTTI_LOG_LIMIT_BYTES must be less than TUTTI_JOB_DISK_LIMIT_BYTES.",
            id="jobs.W003",
        )
    if settings.JOB_MEMORY_LIMIT_BYTES < LEAST_MEMORY_BYTES:
        yield Warning(
            f"With {settings.JOB_MEMORY_LIMIT_BYTES} bytes of memory hardly any component starts.",
            hint=f"TUTTI_JOB_MEMORY_LIMIT_BYTES should be at least {LEAST_MEMORY_BYTES}.",
            id="jobs.W004",
        )


@register(Tags.compatibility)
def check_storage(**kwargs: Any) -> Iterator[CheckMessage]:
    scheme, _, rest = settings.STORAGE_URL.rpartition("://")
    if settings.STORAGE_URL and (scheme not in STORAGE_SCHEMES or not (rest if scheme else rest.startswith("/"))):
        yield Error(
            f"TUTTI_STORAGE_URL is {settings.STORAGE_URL!r}: tables can be kept in no such place.",
            hint="An absolute folder, or a URL that begins with s3://, gs://, az:// or abfss://.",
            id="jobs.E009",
        )
    folder = Path(rest if settings.STORAGE_URL else storage_url())
    if scheme in ("", "file") and folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        yield Error(
            f"The folder of the tables, {folder}, cannot be written: every job that gives tables would fail.",
            hint="Give it to the user that Tutti runs as, or set TUTTI_STORAGE_URL to another folder.",
            id="jobs.E010",
        )
    database = settings.DATABASES["default"]
    if not settings.STORAGE_URL and database["ENGINE"].endswith("postgresql") and not _is_local(database.get("HOST")):
        yield Warning(
            "Tables are kept in the data folder of this machine, and the database is another machine's: "
            "workers of several machines would each see tables of their own.",
            hint="Set TUTTI_STORAGE_URL to a folder or an object store that every machine reaches.",
            id="jobs.W007",
        )
    if settings.STORAGE_MEMORY_BYTES >= settings.JOB_MEMORY_LIMIT_BYTES:
        yield Warning(
            "The program of tables may use more memory than one process is allowed: large imports would be stopped.",
            hint="TUTTI_STORAGE_MEMORY_BYTES must be less than TUTTI_JOB_MEMORY_LIMIT_BYTES.",
            id="jobs.W008",
        )


def _is_local(host: str | None) -> bool:
    return not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")


@register(Tags.compatibility)
def check_components(**kwargs: Any) -> Iterator[CheckMessage]:
    for problem in catalogue.problems():
        yield Warning(f"A component is left out. {problem}", id="jobs.W005")
    components = catalogue.all()
    if not any(component.is_orchestrator for component in components):
        yield Error(f"The built-in component {catalogue.ORCHESTRATOR} is missing.", id="jobs.E007")
    for component in components:
        missing = _missing_program(component)
        if missing:
            kind = Error if component.builtin else Warning
            yield kind(
                f"The program of the component {component.id} is missing: {missing}.",
                hint=f"See {component.folder / 'component.json'}.",
                id="jobs.E008" if component.builtin else "jobs.W006",
            )


def _missing_program(component: catalogue.Component) -> str:
    """The first word that cannot be run, or the file in its folder that is not there; "" when all is well."""
    if not component.command:
        return ""
    if shutil.which(component.command[0]) is None:
        return component.command[0]
    inside = [word for word in component.command if word.startswith(f"{component.folder}/")]
    return next((word for word in inside if not Path(word).is_file()), "")


@register(Tags.files)
def check_folders_of_files(**kwargs: Any) -> Iterator[CheckMessage]:
    for word in settings.FILES_DIRS:
        is_writable = not word.endswith(READ_ONLY)
        folder = Path(word.removesuffix(READ_ONLY))
        if not folder.is_absolute():
            yield Error(
                f"TUTTI_FILES_DIRS: {folder} is not a whole path: it would be looked for in the folder of every job.",
                hint="Begin it with /.",
                id="jobs.E020",
            )
        elif not folder.is_dir():
            yield Warning(
                f"TUTTI_FILES_DIRS: there is no folder {folder}; components cannot read or write files there.",
                hint="Make it, or take it out of the list.",
                id="jobs.W020",
            )
        elif not os.access(folder, os.R_OK | os.X_OK | (os.W_OK if is_writable else 0)):
            yield Warning(
                f"TUTTI_FILES_DIRS: the folder {folder} cannot be {'written' if is_writable else 'read'} by this user.",
                hint=f"Change its rights{f', or let it be read only: {folder}{READ_ONLY}' if is_writable else ''}.",
                id="jobs.W021",
            )


@register(Tags.security)
def check_private_addresses(**kwargs: Any) -> Iterator[CheckMessage]:
    allowed = settings.ALLOW_PRIVATE_ADDRESSES
    if allowed is True:
        yield Warning(
            "TUTTI_ALLOW_PRIVATE_ADDRESSES is yes: whoever edits configurations can reach every service of this "
            "machine and of its network.",
            hint="Name the hosts and networks that are needed: files.example.org,10.1.0.0/16",
            id="jobs.W022",
        )
    for word in allowed if isinstance(allowed, list) else ():
        if "/" in word and not _is_network(word):
            yield Error(
                f"TUTTI_ALLOW_PRIVATE_ADDRESSES: {word} is neither a host nor a network.",
                hint="A network is written 10.1.0.0/16 or fd12::/64.",
                id="jobs.E021",
            )


def _is_network(word: str) -> bool:
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
    return True
