"""One job with tables from its start to its end (DESIGN §6)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.carrying import program
from jobs.models import TableImport, TableUpdate
from jobs.states import JobStatus
from orchestrations.models import Project, Table
from tests import builders
from tests.jobs.carrying.world import ORDERS, build, declared, rows_of, seed, writing
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_python_transformation_reads_a_table_and_writes_another(project: Project, performer: Performer) -> None:
    seed(project, "id,amount\n1,10\n2,32\n", "in.c-shop.orders")
    code = (
        "import csv\n"
        "rows = list(csv.DictReader(open('in/tables/orders.csv')))\n"
        "open('out/tables/total.csv', 'w').write(f\"total\\n{sum(int(r['amount']) for r in rows)}\\n\")\n"
    )
    storage = {
        "input": {"tables": [{"source": "in.c-shop.orders", "destination": "orders.csv"}]},
        "output": {"tables": [{"source": "total.csv", "destination": "out.c-shop.total", "primary_key": ["total"]}]},
    }
    configuration = builders.build_configuration(
        project, component_id="python-transformation", document={"parameters": {"code": code}, "storage": storage}
    )

    job = performer.run(configuration)

    assert job.status == JobStatus.SUCCESS, job.message
    assert rows_of("out.c-shop.total") == [{"total": "42"}]
    table = Table.objects.get(name="total")
    assert (table.rows, table.revision, table.delta_version, table.primary_key) == (1, 1, 0, ["total"])
    assert (table.preview, table.updated_at) == ([["42"]], job.finished_at)
    assert job.result == {
        "message": "",
        "input": {
            "tables": [
                {"id": "in.c-shop.orders", "name": "orders", "columns": [{"name": "id"}, {"name": "amount"}], "rows": 2}
            ]
        },
        "output": {"tables": [{"id": "out.c-shop.total", "name": "total", "columns": [{"name": "total"}], "rows": 1}]},
    }
    each = TableImport.objects.get()
    assert (each.table, each.job, each.mode, each.rows, each.revision, each.plan) == (table, job, "full", 1, 1, {})
    update = TableUpdate.objects.get()
    assert (update.table, update.revision, update.job, update.source, update.rows) == (table, 1, job, "import", 1)


def test_an_update_is_recorded_for_each_change_and_for_nothing_else(project: Project, performer: Performer) -> None:
    added = build(project, writing("id,amount\n1,10\n"), declared(incremental=True, primary_key=["id"]))

    for _ in range(2):
        assert performer.run(added).status == JobStatus.SUCCESS

    table = Table.objects.get()
    assert (table.revision, table.delta_version) == (1, 1)
    assert TableUpdate.objects.count() == 1
    assert [(each.mode, each.revision) for each in TableImport.objects.order_by("pk")] == [("upsert", 1), ("upsert", 1)]


def test_a_job_without_tables_asks_nothing_of_storage(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "COMMAND", ("/nowhere",))
    plain = build(project, "print('hello')")
    performer.run(plain)
    builders.launch(plain)
    claim = performer.claim()

    with CaptureQueriesContext(connection) as queries:
        performer.perform(claim)

    rows_of_storage = ("orchestrations_bucket", "orchestrations_table", "jobs_tableimport", "jobs_tableupdate")
    asked = [query["sql"] for query in queries.captured_queries]
    assert not [sql for sql in asked if any(name in sql for name in rows_of_storage)]


@pytest.mark.parametrize(
    ("code", "storage", "sentence"),
    [
        ("", declared(), r"The declared output orders\.csv was not written to out/tables"),
        (writing("id\n1,2\n"), declared(), r"Table out\.c-results\.orders: line 2 has 2 fields"),
        (writing("id\n1\n"), {}, r"out/tables/orders\.csv: it has no destination"),
        (writing("id\n1\n", manifest={"destination": "a.b"}), {}, r'"a\.b" is not the id of a table'),
        (
            writing("id\n1\n", manifest={"columns": "id"}),
            declared(),
            r"orders\.csv\.manifest: columns: expected a list",
        ),
        ("open('out/tables/a.csv.manifest', 'w').write('{}')", {}, r"there is no table a\.csv beside it"),
        ("import os; os.symlink('/etc/hostname', 'out/tables/orders.csv')", declared(), "not a link out of the job"),
    ],
    ids=["missing", "malformed", "no destination", "bad destination", "bad manifest", "orphan", "link"],
)
def test_output_that_cannot_be_loaded_fails_the_job_with_a_sentence(
    code: str, storage: dict[str, Any], sentence: str, project: Project, performer: Performer
) -> None:
    job = performer.run(build(project, code, storage))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert re.search(sentence, job.message), job.message
    assert not Table.objects.exists() and not TableImport.objects.exists()


def test_what_is_missing_before_the_start_keeps_the_component_from_running(
    project: Project, performer: Performer
) -> None:
    storage = {"input": {"tables": [{"source": ORDERS, "destination": "a.csv"}]}}

    job = performer.run(build(project, "open('ran', 'w')", storage))

    assert job.status == JobStatus.ERROR
    assert job.message == f"storage.input.tables[0].source: there is no table {ORDERS} in this project."
    builders.build_table(project, ORDERS)
    job = performer.run(build(project, "open('ran', 'w')", storage))
    assert job.message == f"storage.input.tables[0].source: nothing has been loaded into {ORDERS} yet."
