"""The data folder and the process of one attempt, by the Common Interface (DESIGN §6)."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from django.conf import settings

from jobs import snapshots
from jobs.models import Job
from jobs.processes.protocol import ProcessSpec
from orchestrations import access, mappings, tokens
from orchestrations.access import Actor, Denied
from orchestrations.components import catalogue, parameters
from orchestrations.components.catalogue import Component
from orchestrations.documents import secrets_scope
from orchestrations.lib.secrets import SecretUnreadable, decrypt_document
from orchestrations.mappings import Mapping

STACK = "tutti"
FOLDERS = (
    "tmp",
    "data",
    *("data/in", "data/in/tables", "data/in/files"),
    *("data/out", "data/out/tables", "data/out/files"),
)


class CannotStart(Exception):
    """The job cannot run as it is; the message is for the user."""


@dataclass(frozen=True)
class Attempt:
    """Where one attempt of a job works. The control folder holds the log and the exit record beside the data."""

    job_id: int
    fence: str

    @cached_property
    def folder(self) -> Path:
        return jobs_folder() / f"{self.job_id}-{self.fence}"

    @cached_property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def progress_file(self) -> str:
        return f"{self.folder}/tmp/progress.json"  # noqa: S108 (in the attempt's own folder)

    @property
    def mark(self) -> str:
        return f"{self.job_id}:{self.fence}"

    def remove(self) -> None:
        """Everything of it, secrets included."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Remover:
    """Removes the folders of ended attempts beside the work: a dozen of them to unlink is longer than a hand-off.

    What is left when the worker is killed is pruned (jobs.pruning).
    """

    def __init__(self) -> None:
        self._attempts: SimpleQueue[Attempt] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def remove(self, attempt: Attempt) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="remover", daemon=True)
            self._thread.start()
        self._attempts.put(attempt)

    def _work(self) -> None:
        while True:
            self._attempts.get().remove()


def jobs_folder() -> Path:
    return Path(settings.DATA_DIR) / "jobs"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """How the process of an attempt is started, and which tables it declares."""

    spec: ProcessSpec
    mapping: Mapping


def prepare(job: Job, attempt: Attempt, *, leased_at: float | None = None, now: datetime) -> Prepared:
    """Check once more that the job may run (R18), write its data folder and say how its process is started.

    Raises CannotStart.
    """
    with cannot_start():
        component = catalogue.get(job.component_id)
        configuration, secrets = _configuration(job, component)
        mapping = mappings.parse(configuration)
        check_access(job, now, reads=mapping.reads, writes=mapping.writes)
    if component.command is None and not component.takes_process_from_parameters:
        raise CannotStart(f"The component {component.name} has no program to run.")
    environment = _environment(job, attempt)
    if component.forwards_token and job.token is not None:
        environment["KBC_TOKEN"] = tokens.reveal(job.token)
        environment["KBC_URL"] = settings.PUBLIC_URL or f"http://{settings.BIND}"
        secrets = [environment["KBC_TOKEN"], *secrets]
    _write_folder(job, attempt, configuration)
    spec = _spec(component, configuration, attempt, environment, secrets)
    return Prepared(spec=replace(spec, leased_at=leased_at), mapping=mapping)


def mapping_of(job: Job) -> Mapping:
    """The tables that the job declares, for who goes on with an attempt that another has begun. Raises CannotStart."""
    with cannot_start():
        configuration, _ = _configuration(job, catalogue.get(job.component_id))
        return mappings.parse(configuration)


@contextmanager
def cannot_start() -> Iterator[None]:
    """Whatever is wrong with a job's configuration or rights becomes CannotStart."""
    try:
        yield
    except (
        catalogue.UnknownComponent,
        Denied,
        snapshots.SnapshotLost,
        parameters.InvalidParameters,
        mappings.InvalidMapping,
        SecretUnreadable,
    ) as error:
        raise CannotStart(str(error)) from error


def check_access(job: Job, now: datetime, *, reads: Collection[str] = (), writes: Collection[str] = ()) -> None:
    """Whether the job may run, and read and write these buckets, with the token it is bound to (R18).

    Raises CannotStart, Denied.
    """
    # A run of an orchestration has that one's token; without any was only what a person asked for by configData.
    by_person = job.created_by_id is not None and not job.had_token
    if job.token is None and by_person and (job.parent is None or job.parent.configuration_id is None):
        access.require_start(Actor(user=job.created_by), job.project, job.component_id, now)
        return
    sentence = access.refusal(job.token, component_id=job.component_id, now=now, reads=reads, writes=writes, bound=True)
    if sentence:
        raise CannotStart(sentence)
    if job.token is not None and job.token.user is not None:
        # A person's own token may do what the person may, and that one may have left meanwhile.
        access.require_start(Actor(user=job.token.user, token=job.token), job.project, job.component_id, now)


def _configuration(job: Job, component: Component) -> tuple[dict[str, Any], list[str]]:
    document, secrets = decrypt_document(
        snapshots.document_of(job), secrets_scope(job.project_id), settings.ENCRYPTION_KEYS
    )
    variables = parameters.variables_of(job.request)
    if variables:
        document = parameters.substitute(document, variables)
    parameters.validate(component, document)
    return parameters.with_defaults(component, document), secrets


def _environment(job: Job, attempt: Attempt) -> dict[str, str]:
    """Everything that the process sees: nothing is inherited, so nothing of ours can leak (DESIGN §6)."""
    files = Path(settings.DATA_DIR) / "projects" / str(job.project_id) / "files"
    files.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": settings.COMPONENT_PATH,
        "LANG": "C.UTF-8",
        "HOME": str(attempt.folder / "tmp"),
        "TMPDIR": str(attempt.folder / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "KBC_DATADIR": str(attempt.data),
        "KBC_RUNID": job.run_id,
        "KBC_PROJECTID": str(job.project_id),
        "KBC_STACKID": STACK,
        "KBC_CONFIGID": job.configuration.key if job.configuration is not None else "",
        "KBC_CONFIGVERSION": str(job.configuration_version or ""),
        "KBC_COMPONENTID": job.component_id,
        "KBC_BRANCHID": "default",
        "KBC_COMPONENT_RUN_MODE": "run",
        "KBC_DATA_TYPE_SUPPORT": "authoritative",
        "TUTTI_PROJECT_FILES": str(files),
        "TUTTI_PROGRESS_FILE": attempt.progress_file,
        "TUTTI_CACHE_DIR": str(Path(settings.DATA_DIR) / "cache"),
        "TUTTI_DEMO_DATA": str(settings.DEMO_DATA),
        "TUTTI_FILES_DIRS": ",".join(settings.FILES_DIRS),
        "TUTTI_ALLOW_PRIVATE_ADDRESSES": _words(settings.ALLOW_PRIVATE_ADDRESSES),
    }


def _words(setting: bool | list[str]) -> str:
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    return ",".join(setting)


def _write_folder(job: Job, attempt: Attempt, configuration: dict[str, Any]) -> None:
    attempt.folder.mkdir(mode=0o700, parents=True)
    for part in FOLDERS:
        os.mkdir(f"{attempt.folder}/{part}")
    state = (job.configuration.state if job.configuration is not None else {}).get("component", {})
    config = {"storage": {}, "parameters": {}, "action": "run", **configuration}
    _write_json(attempt.data / "config.json", config)
    _write_json(attempt.data / "in" / "state.json", state)


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _spec(
    component: Component,
    configuration: dict[str, Any],
    attempt: Attempt,
    environment: dict[str, str],
    secrets: list[str],
) -> ProcessSpec:
    argv = list(component.command or ())
    cwd = str(attempt.data)
    limit = component.time_limit_seconds or settings.JOB_TIME_LIMIT_SECONDS
    if component.takes_process_from_parameters:
        given = configuration["parameters"]
        argv = list(given["command"])
        # A secret is declared as "#NAME"; the program knows it by its name.
        own = {name.removeprefix("#"): str(value) for name, value in (given.get("environment") or {}).items()}
        environment = {**environment, **own}
        cwd = given.get("working_directory") or cwd
        limit = given.get("timeout_seconds") or limit
    return ProcessSpec(
        argv=argv,
        env=environment,
        cwd=cwd,
        folder=str(attempt.folder),
        fence=attempt.fence,
        mark=attempt.mark,
        secrets=secrets,
        log_limit_bytes=settings.LOG_LIMIT_BYTES,
        memory_limit_bytes=component.memory_limit_bytes or settings.JOB_MEMORY_LIMIT_BYTES,
        disk_limit_bytes=settings.JOB_DISK_LIMIT_BYTES,
        data_folder=str(attempt.folder),
        time_limit_seconds=limit,
        grace_seconds=settings.GRACE_SECONDS,
        lease_seconds=settings.LEASE_SECONDS,
    )
