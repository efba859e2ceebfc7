"""Jobs of the built-in components one after another, with real tables between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, Table
from tests import builders
from tests.jobs.performing import Performer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CUSTOMERS = 'id,name\n1,"Novák, Jan"\n2,žluť\n'
VISITS = [{"id": 1, "tags": ["a", "č"], "spent": 1.10}, {"id": 2, "note": "two\nlines"}]
PRICES = (
    "SELECT range AS id, (range + 0.5)::DECIMAL(9,2) AS price, "
    "TIMESTAMPTZ '2026-05-04 14:30:00+02' AS since, DATE '2026-05-04' AS day, {'x': 1} AS more FROM range(3)"
)


@pytest.fixture
def performer(db: None) -> Iterator[Performer]:
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """A folder of files that the administrator allows."""
    folder = tmp_path / "exchange"
    folder.mkdir()
    settings.FILES_DIRS = [str(folder)]
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (folder / "visits.jsonl").write_text("\n".join(map(json.dumps, VISITS)), encoding="utf-8")
    duckdb.connect().execute(f"COPY ({PRICES}) TO '{folder}/prices.parquet' (FORMAT parquet)").fetchall()
    return folder


def run(performer: Performer, configuration: Configuration) -> Job:
    job = performer.run(configuration)
    assert job.status == JobStatus.SUCCESS, job.message
    return job


def build(project: Project, component_id: str, parameters: dict[str, Any], **storage: Any) -> Configuration:
    document = {"parameters": parameters, "storage": storage}
    return builders.build_configuration(project, component_id=component_id, document=document)


def test_files_become_tables_that_code_reads_and_become_files_again(
    project: Project, performer: Performer, folder: Path
) -> None:
    names = {"customers": "csv", "visits": "jsonl", "prices": "parquet"}
    tables = [
        {"table": f"in.c-shop.{name}", "addresses": [f"file:{folder}/{name}.{ending}"], "primary_key": ["id"]}
        for name, ending in names.items()
    ]
    extracting = build(project, "ex-http", {"tables": tables})

    run(performer, extracting)

    found = {table.name: table for table in Table.objects.all()}
    assert {name: (table.rows, table.primary_key) for name, table in found.items()} == {
        "customers": (2, ["id"]),
        "visits": (2, ["id"]),
        "prices": (3, ["id"]),
    }
    assert [column["type"] for column in found["prices"].columns] == [
        "INTEGER",
        "NUMERIC",
        "TIMESTAMP",
        "DATE",
        "STRING",
    ]

    run(performer, extracting)  # nothing has changed

    assert {table.revision for table in Table.objects.all()} == {found["prices"].revision}

    code = (
        "import csv\n"
        "prices = {row['id']: row for row in csv.DictReader(open('in/tables/prices', newline=''))}\n"
        "with open('out/tables/joined.csv', 'w', newline='') as file:\n"
        "    writer = csv.writer(file)\n"
        "    writer.writerow(['id', 'name', 'price', 'since'])\n"
        "    for row in csv.DictReader(open('in/tables/customers', newline='')):\n"
        "        price = prices[row['id']]\n"
        "        writer.writerow([row['id'], row['name'], price['price'], price['since']])\n"
    )
    joining = build(
        project,
        "python-transformation",
        {"code": code},
        input={"tables": [{"source": f"in.c-shop.{name}", "destination": name} for name in ("customers", "prices")]},
        output={"tables": [{"source": "joined.csv", "destination": "out.c-shop.joined", "primary_key": ["id"]}]},
    )

    run(performer, joining)

    sources = ["in.c-shop.visits", "in.c-shop.prices", "out.c-shop.joined"]
    mapping = [{"source": source, "destination": source.rpartition(".")[2]} for source in sources]
    writing = build(project, "wr-file", {"folder": f"{folder}/out"}, input={"tables": mapping})

    run(performer, writing)

    assert (folder / "out/joined.csv").read_text(encoding="utf-8") == (
        'id,name,price,since\n1,"Novák, Jan",1.50,2026-05-04 12:30:00\n2,žluť,2.50,2026-05-04 12:30:00\n'
    )
    assert (folder / "out/visits.csv").read_text(encoding="utf-8") == (
        'id,tags,spent,note\n1,"[""a"",""č""]",1.1,""\n2,"","","two\nlines"\n'
    )
    assert (folder / "out/prices.csv").read_text(encoding="utf-8").splitlines()[1] == (
        '0,0.50,2026-05-04 12:30:00,2026-05-04,"{""x"":1}"'
    )
