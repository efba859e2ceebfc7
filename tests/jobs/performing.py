"""Performing jobs in the test's own process: a worker with a nursery and real processes, without a cluster."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.db import connections

from jobs import machine
from jobs.claiming import Claim, Claimant
from jobs.models import Job
from jobs.performing import Worker
from orchestrations.models import Configuration, Project
from tests import builders


def python(code: str) -> list[str]:
    """The words of a command that runs the code, quickly started."""
    return [sys.executable, "-I", "-S", "-c", code]


def build_python(project: Project, code: str, **parameters: object) -> Configuration:
    document = {"parameters": {"command": python(code), **parameters}}
    return builders.build_configuration(project, document=document)


class Performer:
    """Performs what waits; one job after the other."""

    def __init__(self) -> None:
        self.claimant: Claimant = replace(builders.build_cluster(workers=20), worker="")
        self.worker = Worker(replace(self.claimant, worker=machine.process_name()))

    def claim(self) -> Claim:
        (claim,) = builders.claim(self.claimant, most=1)
        return claim

    def perform(self, claim: Claim | None = None) -> None:
        self.worker.perform_all(claim or self.claim())

    def run(self, configuration: Configuration) -> Job:
        """Launch a job of the configuration, perform it, and give it back as it ended."""
        job = builders.launch(configuration)
        self.perform()
        job.refresh_from_db()
        return job

    @contextmanager
    def performing(self, claim: Claim | None = None) -> Iterator[threading.Thread]:
        """Perform in a thread beside the body; ended with it at the latest."""
        claim = claim or self.claim()
        thread = threading.Thread(target=_with_own_connection(lambda: self.perform(claim)))
        thread.start()
        try:
            yield thread
        finally:
            thread.join(60)
            assert not thread.is_alive(), "the worker hangs"


def _with_own_connection(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return run
