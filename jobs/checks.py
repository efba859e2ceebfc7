"""System checks of what runs jobs: a value that would lose work or do it twice is an error, with its id (STYLE §4)."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

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
