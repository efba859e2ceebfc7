"""Configurations that write and read tables, where their program hangs, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs.models import Job, TableImport, TableUpdate
from jobs.rescuing import Rescuer
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, Table
from tests import builders
from tests.clusters import wait_for
from tests.jobs.performing import Performer, python

ORDERS = "out.c-results.orders"


def writing(text: str, file: str = "orders.csv", *, manifest: dict[str, Any] | None = None, then: str = "") -> str:
    """Code of a component that writes one file to out/tables."""
    code = f"import json\nopen('out/tables/{file}', 'w', newline='').write({text!r})\n"
    if manifest is not None:
        code += f"json.dump({manifest!r}, open('out/tables/{file}.manifest', 'w'))\n"
    return code + then


def declared(destination: str = ORDERS, source: str = "orders.csv", **fields: Any) -> dict[str, Any]:
    return {"output": {"tables": [{"source": source, "destination": destination, **fields}]}}


def build(project: Project, code: str, storage: dict[str, Any] | None = None, **fields: Any) -> Configuration:
    document = {"parameters": {"command": python(code)}, "storage": storage or {}}
    return builders.build_configuration(project, document=document, **fields)


def rows_of(table_id: str = ORDERS) -> list[dict[str, str]]:
    """What the fake program keeps of the table."""
    stage, bucket, name = table_id.split(".")
    table = Table.objects.get(bucket__stage=stage, bucket__name=bucket, name=name)
    state = Path(settings.DATA_DIR) / "storage" / table.location / "state.json"
    return list(json.loads(state.read_text())["rows"]) if state.exists() else []


def seed(project: Project, text: str = "id,amount\n1,10\n", table_id: str = ORDERS) -> Table:
    """A table with these rows, as a job of Monday left it."""
    lines = text.splitlines()
    columns = lines[0].split(",")
    table = builders.build_table(project, table_id, columns=tuple(columns), delta_version=0, rows=len(lines) - 1)
    rows = [dict(zip(columns, line.split(","), strict=True)) for line in lines[1:]]
    folder = Path(settings.DATA_DIR) / "storage" / table.location
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"version": 0, "rows": rows, "columns": columns, "stages": {}}))
    return table


TWO = writing("id\n1\n") + writing("id\n2\n", "more.csv")
BOTH: dict[str, Any] = {
    "output": {
        "tables": [
            {"source": "orders.csv", "destination": ORDERS, "primary_key": ["id"]},
            {"source": "more.csv", "destination": "out.c-results.more"},
        ]
    }
}


def rescue(performer: Performer) -> int:
    """What a cluster's sweep does, and its workers with what it takes over."""
    rescuer = Rescuer(performer.claimant.owner)
    count = rescuer.rescue()
    for claim in rescuer.taken:
        performer.perform(claim)
    return count


def assert_loaded_once(job: Job) -> None:
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS, job.message
    assert (rows_of(), rows_of("out.c-results.more")) == ([{"id": "1"}], [{"id": "2"}])
    assert [(table.revision, table.rows) for table in Table.objects.all()] == [(1, 1), (1, 1)]
    assert TableUpdate.objects.filter(job=job, revision=1).count() == TableUpdate.objects.count() == 2
    assert list(TableImport.objects.values_list("job", "plan", "revision")) == [(job.pk, {}, 1)] * 2


def die(*args: object, **kwargs: object) -> None:
    """In place of a function: the worker dies there."""
    raise SystemExit


@contextmanager
def stopped_at(storage: Path, performer: Performer, verb: str, place: str) -> Iterator[Job]:
    """A job performed in a thread, while its program of tables hangs there; it goes on with the end of the body."""
    (storage / "fault").write_text(f"{verb}:{place}:hang")
    claim = performer.claim()
    with performer.performing(claim):
        try:
            wait_for((storage / "there").exists, what="the program hangs")
            yield Job.objects.get(pk=claim.job_id)
        finally:
            (storage / "fault").unlink(missing_ok=True)
