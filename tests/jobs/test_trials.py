"""Connection tests are told apart from runs when they are made, and those of before by a migration."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from jobs import launching, trying
from jobs.models import Job, Notice
from jobs.states import JobStatus
from orchestrations.access import Actor
from orchestrations.models import Project
from tests import builders
from tests.builders import NOW
from tests.pages.world import build_database

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"action": "testConnection"}, True),
        ({"action": "run"}, False),
        ({"action": ""}, False),
        ({}, False),
    ],
)
def test_content_that_asks_for_another_action_is_a_trial(
    content: dict[str, str], expected: bool, project: Project, by_alice: Actor
) -> None:
    command = builders.build_configuration(project)
    given = {"configData": {"parameters": {"command": ["true"]}, **content}}

    job = launching.launch(
        project, command.component_id, command, launching.Request(data=given), actor=by_alice, now=NOW
    )

    assert Job.objects.get(pk=job.pk).is_trial is expected


def test_a_failed_trial_tells_nobody(project: Project, by_alice: Actor) -> None:
    database = build_database(project)
    trying.try_connection(database, actor=by_alice, now=NOW)
    launching.launch(project, database.component_id, database, launching.Request(), actor=by_alice, now=NOW)

    for claim in builders.claim(builders.build_cluster(workers=2)):
        builders.end(claim, JobStatus.ERROR)

    assert [notice.job.is_trial for notice in Notice.objects.all()] == [False]


def test_trials_of_before_are_told_by_their_requests(project: Project, by_alice: Actor) -> None:
    database = build_database(project)
    trial = trying.try_connection(database, actor=by_alice, now=NOW)
    run = launching.launch(project, database.component_id, database, launching.Request(), actor=by_alice, now=NOW)
    Job.objects.update(is_trial=False, status=JobStatus.CANCELLED, finished_at=NOW)
    migration: Any = import_module("jobs.migrations.0009_job_is_trial")

    migration.mark_connection_tests(apps, connection.schema_editor())

    assert dict(Job.objects.values_list("pk", "is_trial")) == {trial.pk: True, run.pk: False}
