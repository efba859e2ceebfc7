"""People and programs that use the API meanwhile, and do not give up when a machine does not answer."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Table
from tests.builders import build_import
from tests.chaos.sampler import Sampler
from tests.chaos.workload import Target, Workload

TIMEOUT_SECONDS = 10.0
MOST_UNSETTLED_RUNS = 14


class Unreachable(Exception):
    """No answer, or one that leaves open what has happened: ask again."""


@dataclass
class Submission:
    """``ids``: every job id that was answered to this key; one, if all is well."""

    key: str
    target: Target
    body: dict[str, Any]
    ids: set[str] = field(default_factory=set)
    attempts: int = 0


class Api:
    def __init__(self, origins: list[str], token: str) -> None:
        self.origins = origins
        self.refusals: list[str] = []
        self.terminated: set[int] = set()
        """Jobs whose termination was accepted."""
        self.unanswered = 0
        self._token = token

    def call(self, origin: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> tuple[int, Any]:
        """Status and document. Raises Unreachable."""
        headers = {"X-StorageApi-Token": self._token, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{origin}/queue/{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                self.unanswered += 1
                raise Unreachable from error
            return error.code, error.read().decode(errors="replace")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.unanswered += 1
            raise Unreachable from error


class User(threading.Thread):
    """Does ``act`` until told to stop; an exception of it is kept as evidence."""

    def __init__(self, api: Api, workload: Workload, sampler: Sampler, seed: int) -> None:
        super().__init__(name=type(self).__name__, daemon=True)
        self.api = api
        self.workload = workload
        self.sampler = sampler
        self.chance = random.Random(seed)
        self.submissions: list[Submission] = []
        self.failures: list[str] = []
        self.done = threading.Event()
        self.given_up = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            try:
                self.act()
            except Exception as error:
                self.failures.append(f"{self.name}: {type(error).__name__}: {error}")
                self.done.wait(0.5)
        connection.close()

    def act(self) -> None:
        raise NotImplementedError

    def submit(self, target: Target, body: dict[str, Any]) -> None:
        """Until it is accepted, at either machine under one key."""
        body = {"component": target.component_id, "config": target.key, "mode": "run", **body}
        submission = Submission(uuid.UUID(int=self.chance.getrandbits(128)).hex, target, body)
        self.submissions.append(submission)
        while not submission.ids and not self.given_up.is_set():
            if not self._try(submission):
                self.given_up.wait(0.3)
        if self.chance.random() < 0.15:
            self._try(submission)

    def _try(self, submission: Submission) -> bool:
        submission.attempts += 1
        try:
            origin = self.chance.choice(self.api.origins)
            status, answer = self.api.call(origin, "jobs", submission.body, submission.key)
        except Unreachable:
            return False
        if status in {200, 201}:
            submission.ids.add(answer["id"])
        else:
            self.api.refusals.append(f"POST jobs {submission.body}: {status} {answer}")
            submission.ids.add("refused")
        return True


class Submitter(User):
    def act(self) -> None:
        if self.sampler.unsettled_roots < MOST_UNSETTLED_RUNS:
            self.submit(self.chance.choice(self.workload.targets), {})
        self.done.wait(self.chance.uniform(0.05, 0.6))


class Meddler(User):
    """Terminates and retries."""

    def act(self) -> None:
        self.done.wait(self.chance.uniform(0.5, 2.5))
        if self.chance.random() < 0.6:
            self._terminate()
        else:
            self._retry()

    def _terminate(self) -> None:
        ids = list(self.sampler.unsettled)
        if not ids:
            return
        path = f"jobs/{self.chance.choice(ids)}/kill"
        try:
            status, answer = self.api.call(self.chance.choice(self.api.origins), path, {})
        except Unreachable:
            return
        if status == 202:
            self.api.terminated.add(int(answer["id"]))
        elif status != 400:
            self.api.refusals.append(f"POST {path}: {status} {answer}")

    def _retry(self) -> None:
        failed = Job.objects.roots().settled().filter(is_run=True).exclude(status=JobStatus.SUCCESS)
        job = failed.order_by("-pk").select_related("configuration").first()
        if job is None or job.configuration is None:
            return
        try:
            status, plan = self.api.call(self.chance.choice(self.api.origins), f"orchestration-rerun-plan/{job.pk}")
        except Unreachable:
            return
        chosen = [each["taskId"] for each in plan["matchedTasks"] if each["isChosen"]] if status == 200 else []
        if chosen:
            target = Target(job.component_id, job.configuration.key)
            self.submit(target, {"previousJobId": str(job.pk), "onlyOrchestrationTaskIds": chosen})


class Updater(User):
    """Another program that changes the table which a trigger watches."""

    def act(self) -> None:
        self.done.wait(self.chance.uniform(0.2, 2.0))
        with transaction.atomic():
            build_import(Table.objects.select_for_update().get())


def finish(users: list[User], seconds: float) -> None:
    """No new submissions; those that were begun may still be accepted for so long."""
    for user in users:
        user.done.set()
    deadline = time.monotonic() + seconds
    for user in users:
        user.join(max(0.0, deadline - time.monotonic()))
        user.given_up.set()
        user.join(2 * TIMEOUT_SECONDS)
