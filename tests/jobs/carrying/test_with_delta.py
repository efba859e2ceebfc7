"""The whole way with the real program of tables: Delta tables in, Delta tables out."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from jobs import logs, storing, tidying, updating
from jobs.carrying import course, program
from jobs.models import Job, LogChunk, TableImport, TableUpdate
from jobs.rescuing import Rescuer
from jobs.states import JobStatus
from jobs.storing import CsvFile
from orchestrations import tables
from orchestrations.access import Actor
from orchestrations.models import Project, Table, TableFolder
from orchestrations.tables import Found
from scheduling import triggering
from tests import builders
from tests.jobs.carrying.world import ORDERS, build, declared, writing
from tests.jobs.performing import Performer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SCHEMA = [
    {"name": "id", "data_type": {"base": {"type": "INTEGER"}}, "nullable": False},
    {"name": "day", "data_type": {"base": {"type": "DATE"}}},
    {"name": "note", "data_type": {"base": {"type": "STRING"}}},
]
TYPED = {"schema": SCHEMA, "has_header": False, "incremental": True, "primary_key": ["id"]}


@pytest.fixture
def performer(db: None, settings: Any) -> Iterator[Performer]:
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


def found(project: Project, table_id: str = ORDERS) -> Found:
    table = tables.find(project, table_id)
    assert table is not None
    return table


def folder_of(table: Table) -> Path:
    return Path(django_settings.DATA_DIR) / "storage" / table.location


def by_another_program(table: Table, code: str) -> None:
    """Changes the Delta table as any program could."""
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"from deltalake import DeltaTable\ntable = DeltaTable({str(folder_of(table))!r})\n{code}",
        ],
        check=True,
    )


def test_a_typed_table_is_updated_by_key_read_in_part_and_unloaded(
    project: Project, performer: Performer, by_alice: Actor
) -> None:
    for text in ('1,2026-05-04,first\n2,2026-05-05,"a, b"\n', '2,2026-05-06,"zwei\nZeilen"\n3,,ž\n'):
        job = performer.run(build(project, writing(text, manifest=TYPED), declared()))
        assert job.status == JobStatus.SUCCESS, job.message
    table = Table.objects.get()
    assert (table.rows, table.revision, table.primary_key, table.is_typed) == (3, 2, ["id"], True)
    assert [column["type"] for column in table.columns] == ["INTEGER", "DATE", "STRING"]
    assert sorted(row[0] for row in table.preview) == ["1", "2", "3"]

    copy = "import shutil; shutil.copy('in/tables/part.csv', 'out/tables/part.csv')"
    wanted = {"source": ORDERS, "destination": "part.csv", "columns": ["note"], "where_column": "id"}
    storage = {
        "input": {"tables": [{**wanted, "where_values": ["2", "3"]}]},
        "output": {"tables": [{"source": "part.csv", "destination": "out.c-results.part"}]},
    }
    job = performer.run(build(project, copy, storage))
    assert job.status == JobStatus.SUCCESS, job.message
    assert sorted(row[0] for row in Table.objects.get(name="part").preview) == ["zwei\nZeilen", "ž"]
    assert job.result["input"]["tables"][0]["rows"] == 2

    job = storing.unload(found(project), is_gzipped=True, actor=by_alice, now=timezone.now())
    performer.perform()
    job.refresh_from_db()
    file = storing.unloaded_file(job)
    assert file is not None, job.message
    lines = gzip.decompress(file.read_bytes()).decode()
    assert lines.startswith("id,day,note\n") and '2,2026-05-06,"zwei\nZeilen"\n' in lines


def test_what_is_wrong_with_a_file_is_said_by_its_line_in_message_and_log(
    project: Project, performer: Performer
) -> None:
    job = performer.run(build(project, writing("id,amount\n1,10\n2\n"), declared()))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "Line 3 of orders.csv" in job.message
    text = "".join(LogChunk.objects.filter(job=job).order_by("sequence").values_list("text", flat=True))
    assert any("Line 3" in logs.parse_line(row).text for row in text.splitlines())
    assert not Table.objects.exists()


def test_other_programs_updates_are_seen_and_deleted_tables_leave_no_file(
    project: Project, performer: Performer, by_alice: Actor, tmp_path: Path
) -> None:
    upload = tmp_path / "upload.csv.gz"
    upload.write_bytes(gzip.compress(b"id,amount\n1,10\n2,20\n"))
    job = storing.load_file(project, ORDERS, CsvFile(path=upload), actor=by_alice, now=timezone.now())
    performer.perform()
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS, job.message
    table = Table.objects.get()
    assert updating.look([table]) == 0

    builders.build_trigger(builders.build_orchestration(project), table)
    assert triggering.evaluate_updates(now=timezone.now()).run_ids == []
    by_another_program(table, "table.delete(\"id = '1'\")")
    assert updating.look([table]) == 1
    assert len(triggering.evaluate_updates(now=timezone.now()).run_ids) == 1
    assert updating.look([Table.objects.get()]) == 0
    table.refresh_from_db()
    assert (table.rows, table.revision) == (1, 2)
    assert list(TableUpdate.objects.order_by("revision").values_list("source", flat=True)) == ["import", "program"]

    job = storing.delete_rows(found(project), column="id", values=["2"], actor=by_alice, now=timezone.now())
    performer.perform()
    job.refresh_from_db()
    table.refresh_from_db()
    assert (job.status, table.rows, table.revision) == (JobStatus.SUCCESS, 0, 3), job.message
    tidying.vacuum(now=timezone.now())
    assert updating.look([Table.objects.get()]) == 0

    tables.delete(table, actor=by_alice, now=timezone.now())
    tidying.clean(now=timezone.now() + timedelta(hours=2))
    assert not folder_of(table).exists() and not TableFolder.objects.exists()


STEPS = ["commit.columns", "commit.rewritten", "commit.before-log", "commit.after-log", "commit.tidied"]


@pytest.mark.parametrize("step", STEPS)
def test_a_commit_that_is_killed_at_any_step_is_rolled_forward_and_told_once(
    step: str, project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "TRY_AGAIN_SECONDS", 0)
    key: dict[str, Any] = {"incremental": True, "primary_key": ["id"]}
    assert performer.run(build(project, writing("id\n1\n2\n"), declared(**key))).status == JobStatus.SUCCESS
    monkeypatch.setattr(program, "_environment", dying_once(step, program._environment))

    # Column and row are new, a row is as it was, one has changed.
    job = performer.run(build(project, writing("id,note\n2,x\n3,y\n"), declared(**key)))
    rescuer = Rescuer(performer.claimant.owner)
    while not Job.objects.get(pk=job.pk).is_settled:
        rescuer.rescue()
        taken, rescuer.taken = rescuer.taken, []
        for claim in taken:
            performer.perform(claim)

    job.refresh_from_db()
    table = Table.objects.get()
    assert (job.status, table.rows, table.revision) == (JobStatus.SUCCESS, 3, 2), job.message
    assert [(each.job_id, each.revision) for each in TableUpdate.objects.order_by("pk")][1:] == [(job.pk, 2)]
    assert not TableImport.objects.exclude(plan={}).exists()
    assert updating.look([table]) == 0


@pytest.mark.parametrize("step", ["stage.marked", "stage.written"])
def test_a_stage_that_is_killed_leaves_the_table_as_it_was(
    step: str, project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_environment", dying_once(step, program._environment))
    storage = declared()

    job = performer.run(build(project, writing("id\n1\n"), storage))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert not Table.objects.exists() and not TableImport.objects.exists()
    assert performer.run(build(project, writing("id\n1\n"), storage)).status == JobStatus.SUCCESS
    assert (Table.objects.get().rows, TableUpdate.objects.count()) == (1, 1)


def dying_once(step: str, environment: Callable[[Path], dict[str, str]]) -> Callable[[Path], dict[str, str]]:
    """The first programs die there: of stage and commit, the one that has the step."""
    verb, _, _ = step.partition(".")
    seen: list[Path] = []

    def with_fault(scratch: Path) -> dict[str, str]:
        fault = {"TUTTI_FAULT": step} if not seen or (verb == "commit" and len(seen) == 1) else {}
        seen.append(scratch)
        return {**environment(scratch), **fault}

    return with_fault
