"""R18: tokens, tables and plans that change while a job runs count as they are when it comes to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from jobs.models import TableImport, TableUpdate
from jobs.states import JobStatus
from orchestrations import tables
from orchestrations.models import Project, Table, Token
from tests import builders
from tests.builders import task
from tests.clusters import wait_for
from tests.jobs.carrying.world import (
    BOTH,
    TWO,
    build,
    declared,
    rows_of,
    seed,
    stopped_at,
    writing,
)
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_token_that_was_narrowed_meanwhile_loads_nothing(
    project: Project, performer: Performer, storage: Path
) -> None:
    waits = (
        f"import os, time\nopen({str(storage / 'runs')!r}, 'w')\n"
        f"while not os.path.exists({str(storage / 'go')!r}): time.sleep(0.02)\n"
    )
    run = builders.launch(builders.build_orchestration(project, [task(build(project, waits + TWO, BOTH))]))
    job = run.children.get()
    with performer.performing():
        wait_for((storage / "runs").exists, what="the component runs")
        Token.objects.filter(pk=run.token_id).update(bucket_permissions={"out.c-results": "read"})
        (storage / "go").touch()

    job.refresh_from_db()
    assert job.status == JobStatus.ERROR
    assert "needs write access to out.c-results" in job.message
    assert not TableImport.objects.exists()


def test_a_token_that_may_not_touch_a_bucket_keeps_the_component_from_running(
    project: Project, performer: Performer, tmp_path: Path
) -> None:
    ran = build(project, f"open({str(tmp_path / 'ran')!r}, 'w')\n" + TWO, BOTH)
    run = builders.launch(builders.build_orchestration(project, [task(ran)]))
    Token.objects.filter(pk=run.token_id).update(bucket_permissions={"out.c-results": "read"})

    performer.perform()

    job = run.children.get()
    assert job.status == JobStatus.ERROR and "needs write access to out.c-results" in job.message
    assert not (tmp_path / "ran").exists()


def test_a_table_that_is_deleted_meanwhile_is_made_anew(project: Project, performer: Performer, storage: Path) -> None:
    old = seed(project, "id\n7\n")
    builders.launch(build(project, writing("id\n1\n"), declared(incremental=True)))

    with stopped_at(storage, performer, "stage", "after") as job:
        tables.delete(old, actor=builders.admin_of(project), now=timezone.now())

    job.refresh_from_db()
    assert (job.status, rows_of()) == (JobStatus.SUCCESS, [{"id": "1"}])
    table = Table.objects.get()
    assert table.pk != old.pk and table.location != old.location and table.revision == 1


def test_a_plan_that_does_not_fit_any_more_fails_the_job_and_is_told_once(
    project: Project, performer: Performer, storage: Path
) -> None:
    seed(project, "id\n7\n")
    builders.launch(build(project, TWO, BOTH))

    with stopped_at(storage, performer, "commit", "before") as job:
        table = Table.objects.get(name="more")
        (storage / table.location / "refuses").touch()

    job.refresh_from_db()
    assert (job.status, job.message) == (
        JobStatus.ERROR,
        "Table out.c-results.more: its columns do not fit any more.",
    )
    assert rows_of() == [{"id": "1"}] and TableUpdate.objects.get().table.name == "orders"
    assert list(Table.objects.values_list("name", flat=True)) == ["orders"]
    assert not TableImport.objects.filter(committed_at=None).exists()
