"""The database refuses rows that no code should write (R5, R11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from jobs.models import Job
from jobs.states import ACTIVE, SETTLED, JobStatus
from orchestrations.models import Configuration, Project, Token
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.django_db

OWNED = {"owner": "machine/1/1", "fence": "f" * 32, "lease_until": NOW, "started_at": NOW}


def insert(configuration: Configuration | None, project: Project, **fields: Any) -> Job:
    given = {
        "component_id": "command",
        "is_run": False,
        "name": "A job",
        "created_at": NOW,
        "cause": "person",
        "status": JobStatus.WAITING,
        **fields,
    }
    with transaction.atomic():
        return Job.objects.create(project=project, configuration=configuration, **given)


@pytest.mark.parametrize("first", sorted(ACTIVE))
@pytest.mark.parametrize("second", sorted(ACTIVE))
def test_two_active_jobs_of_one_configuration_are_refused(project: Project, first: str, second: str) -> None:
    configuration = builders.build_configuration(project)
    insert(configuration, project, status=first, **OWNED)

    with pytest.raises(IntegrityError):
        insert(configuration, project, status=second, **OWNED)


def test_two_active_runs_of_one_orchestration_are_refused(project: Project) -> None:
    configuration = builders.build_configuration(project)
    orchestration = builders.build_orchestration(project, [builders.task(configuration)])
    insert(orchestration, project, is_run=True, status=JobStatus.PROCESSING, started_at=NOW)

    with pytest.raises(IntegrityError):
        insert(orchestration, project, is_run=True, status=JobStatus.TERMINATING, started_at=NOW)


def test_active_jobs_without_a_configuration_stand_side_by_side(project: Project) -> None:
    insert(None, project, status=JobStatus.PROCESSING, **OWNED)

    insert(None, project, status=JobStatus.PROCESSING, **OWNED)

    assert Job.objects.active().count() == 2


@pytest.mark.parametrize("status", sorted(JobStatus.values))
def test_a_job_has_an_end_exactly_when_it_has_settled(project: Project, status: str) -> None:
    wrong_end = None if status in SETTLED else NOW
    right_end = NOW if status in SETTLED else None
    owned = OWNED if status in ACTIVE else {}

    with pytest.raises(IntegrityError):
        insert(None, project, status=status, finished_at=wrong_end, **owned)

    assert insert(None, project, status=status, finished_at=right_end, **owned).pk


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "finished"},
        {"status": JobStatus.WAITING, "owner": "machine/1/1"},
        {"status": JobStatus.WAITING, "fence": "f" * 32},
        {"status": JobStatus.WAITING, "lease_until": NOW + timedelta(seconds=5)},
        {"status": JobStatus.PROCESSING, "owner": "machine/1/1", "fence": "f" * 32},
        {"status": JobStatus.PROCESSING, "owner": "machine/1/1", "lease_until": NOW},
        {"status": JobStatus.TERMINATING, "owner": "machine/1/1", "lease_until": NOW},
    ],
    ids=[
        "unknown status",
        "waiting with an owner",
        "waiting with a fence",
        "waiting with a lease",
        "processing without a lease",
        "processing without a fence",
        "terminating without a fence",
    ],
)
def test_a_row_that_contradicts_its_status_is_refused(project: Project, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        insert(None, project, **fields)


def test_a_task_has_one_job_in_a_run(project: Project) -> None:
    run = insert(None, project, is_run=True)
    insert(None, project, parent=run, root=run, task_key="load")

    with pytest.raises(IntegrityError):
        insert(None, project, parent=run, root=run, task_key="load")


def test_a_child_without_a_root_and_a_root_without_a_parent_are_refused(project: Project) -> None:
    run = insert(None, project, is_run=True)

    with pytest.raises(IntegrityError):
        insert(None, project, parent=run, task_key="a")
    with pytest.raises(IntegrityError):
        insert(None, project, root=run, task_key="b")


def test_an_idempotency_key_occurs_once_in_a_project_but_in_every_project(project: Project) -> None:
    other = builders.build_project(project.memberships.get().user, name="Another")
    insert(None, project, idempotency_key="once")
    insert(None, other, idempotency_key="once")

    with pytest.raises(IntegrityError):
        insert(None, project, idempotency_key="once")


def test_a_configuration_has_every_version_once(project: Project) -> None:
    configuration = builders.build_configuration(project)
    version = configuration.versions.get()
    version.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        version.save(force_insert=True)


def test_an_orchestration_has_one_token_that_is_not_replaced(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [builders.task(builders.build_configuration(project))])
    second = Token(project=project, orchestration=orchestration, secret_hash="0", description="2", created_at=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        second.save(force_insert=True)
    second.replaced_at = NOW
    second.save(force_insert=True)

    assert orchestration.own_tokens.count() == 2


def test_a_project_runs_at_least_one_job_at_once(project: Project) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.filter(pk=project.pk).update(parallel_jobs=0)


def test_a_project_with_jobs_cannot_be_deleted_under_them(project: Project) -> None:
    insert(None, project)

    with pytest.raises(IntegrityError), transaction.atomic():
        project.delete()
