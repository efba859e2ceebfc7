"""What is over its time goes, oldest first, in small transactions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import pruning
from jobs.models import Job, JobEvent
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def keep_thirty_days(settings: Any) -> None:
    settings.KEEP_JOBS_DAYS = 30


def build_ended(configuration: Configuration, days_ago: int) -> Job:
    job = builders.launch(configuration)
    builders.drain(builders.build_cluster())
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days_ago))
    return job


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    inner = builders.build_orchestration(project, *[[task(builders.build_configuration(project))] for _ in range(3)])
    return builders.build_orchestration(project, [task(inner)])


def test_runs_over_their_time_go_with_all_below_them_and_others_stay(
    orchestration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young = build_ended(orchestration, 31), build_ended(orchestration, 29)
    waiting = builders.launch(orchestration)
    monkeypatch.setattr(pruning, "JOBS_AT_ONCE", 2)

    assert pruning.prune_jobs(now=timezone.now()) == 1

    assert set(Job.objects.roots().values_list("pk", flat=True)) == {young.pk, waiting.pk}
    assert Job.objects.filter(root=young).count() == 4
    assert not Job.objects.filter(root=old).exists()
    assert not JobEvent.objects.filter(job__isnull=True).exists()


def test_a_large_run_is_removed_part_by_part(orchestration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    build_ended(orchestration, 31)
    monkeypatch.setattr(pruning, "JOBS_AT_ONCE", 2)

    with CaptureQueriesContext(connection) as captured:
        pruning.prune_jobs(now=timezone.now())

    deleted = [query["sql"] for query in captured if query["sql"].startswith('DELETE FROM "jobs_job" ')]
    assert len(deleted) == 3  # four jobs below the run, two by two, then itself


def test_zero_days_keep_them_for_ever(orchestration: Configuration, settings: Any) -> None:
    settings.KEEP_JOBS_DAYS = 0
    build_ended(orchestration, 3000)

    assert pruning.prune_jobs(now=timezone.now()) == 0


def test_a_backlog_is_worked_off_in_batches(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = builders.build_configuration(project)
    old = [build_ended(configuration, 40 - number) for number in range(5)]
    monkeypatch.setattr(pruning, "BATCH", 2)
    monkeypatch.setattr(pruning, "BATCHES", 2)

    pruning.prune_rows(now=timezone.now())

    assert list(Job.objects.values_list("pk", flat=True)) == [old[-1].pk]


@pytest.mark.sqlite
@pytest.mark.skipif(connection.vendor != "sqlite", reason="tells of SQLite's plans")
def test_the_old_are_found_by_an_index(orchestration: Configuration) -> None:
    with CaptureQueriesContext(connection) as captured:
        pruning.prune_jobs(now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {captured[0]['sql']}")
        plan = " ".join(row[3] for row in cursor.fetchall())

    assert "INDEX job_root_by_end" in plan
