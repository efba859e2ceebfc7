"""The rules of the Common Interface on the whole way: what a mapping or a manifest says is what happens."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, Table
from tests.jobs.carrying.world import ORDERS, build, declared, writing
from tests.jobs.performing import Performer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

DAYS = "id,day\n1,2026-05-03\n2,2026-05-04\n3,2026-05-05\n4,\n"
SLICES = """
import gzip, json, os
os.mkdir('out/tables/orders.csv')
slices = {'part-1': "3;'c;''d'", 'part-2.csv.gz': "1;'a'\\n2;'b'\\n3;'last'\\n"}
for name, text in slices.items():
    with gzip.open(f'out/tables/orders.csv/{name}', 'wt') as packed:
        packed.write(text)
"""
SLICED = {"columns": ["id", "note"], "delimiter": ";", "enclosure": "'"}


@pytest.fixture
def performer(db: None, settings: Any) -> Iterator[Performer]:
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


def load(project: Project, performer: Performer, text: str, **fields: Any) -> Job:
    return succeed(performer, build(project, writing(text), declared(**fields)))


def succeed(performer: Performer, configuration: Configuration) -> Job:
    job = performer.run(configuration)
    assert job.status == JobStatus.SUCCESS, job.message
    return job


def reading(project: Project, seen: Path, *inputs: dict[str, Any], code: str = "") -> Configuration:
    """A component that copies what it found in ``in/tables`` to a folder."""
    copy = f"import os, shutil, sys\nshutil.copytree('in/tables', {str(seen)!r}, dirs_exist_ok=True)\n{code}"
    return build(project, copy, {"input": {"tables": [{"source": ORDERS, **each} for each in inputs]}})


def ids_in(file: Path) -> list[str]:
    with file.open(newline="") as opened:
        return sorted(row["id"] for row in csv.DictReader(opened))


def rows_of(name: str = "orders") -> list[list[str | None]]:
    return sorted(Table.objects.get(name=name).preview, key=str)


# --- Tables in -----------------------------------------------------------------------------------


def test_limit_filters_and_changed_since_of_an_input_reach_the_component(
    project: Project, performer: Performer, tmp_path: Path
) -> None:
    load(project, performer, DAYS)
    between = timezone.now().isoformat()
    load(project, performer, "id,day\n5,2026-05-06\n", incremental=True)
    some = {"where_column": "id", "where_values": ["1", "2", "9"]}
    inputs: dict[str, dict[str, Any]] = {
        "limited.csv": {"limit": 2},
        "equal.csv": some,
        "unequal.csv": {**some, "where_operator": "ne"},
        "empty.csv": {"where_column": "day", "where_values": [""]},
        "new.csv": {"changed_since": between},
        "recent.csv": {"changed_since": "-1 hour"},
        "none.csv": {"where_column": "id", "where_values": ["9"]},
    }
    configuration = reading(project, tmp_path, *({"destination": name, **each} for name, each in inputs.items()))

    job = succeed(performer, configuration)

    found = {name: ids_in(tmp_path / name) for name in inputs}
    assert len(found.pop("limited.csv")) == 2
    assert found == {
        "equal.csv": ["1", "2"],
        "unequal.csv": ["3", "4", "5"],
        "empty.csv": ["4"],
        "new.csv": ["5"],
        "recent.csv": ["1", "2", "3", "4", "5"],
        "none.csv": [],
    }
    assert (tmp_path / "none.csv").read_text() == "id,day\n"
    assert [each["rows"] for each in job.result["input"]["tables"]] == [2, 2, 3, 1, 1, 5, 0]
    manifest = json.loads((tmp_path / "none.csv.manifest").read_text())
    assert (manifest["id"], manifest["columns"], manifest["primary_key"]) == (ORDERS, ["id", "day"], [])


def test_adaptive_gives_what_changed_since_the_last_job_that_succeeded(
    project: Project, performer: Performer, tmp_path: Path
) -> None:
    load(project, performer, "id\n1\n")
    broken = tmp_path / "broken"
    code = f"sys.exit('Not today.' if os.path.exists({str(broken)!r}) else 0)"
    seen = tmp_path / "seen"
    wanted = {"destination": "orders.csv", "changed_since": "adaptive"}
    configuration = reading(project, seen, wanted, code=code)

    succeed(performer, configuration)
    first = ids_in(seen / "orders.csv")
    load(project, performer, "id\n2\n", incremental=True)
    broken.touch()
    assert performer.run(configuration).message == "Not today."
    broken.unlink()
    succeed(performer, configuration)
    second = ids_in(seen / "orders.csv")
    succeed(performer, configuration)

    assert (first, second, ids_in(seen / "orders.csv")) == (["1"], ["2"], [])


# --- Tables out ----------------------------------------------------------------------------------


def test_gzipped_slices_are_one_table_with_the_delimiter_and_enclosure_of_their_manifest(
    project: Project, performer: Performer
) -> None:
    manifest = f"json.dump({SLICED!r}, open('out/tables/orders.csv.manifest', 'w'))"

    succeed(performer, build(project, SLICES + manifest, declared()))

    assert rows_of() == [["1", "a"], ["2", "b"], ["3", "c;'d"], ["3", "last"]]


def test_of_rows_with_one_key_the_last_is_kept_across_slices(project: Project, performer: Performer) -> None:
    manifest = f"json.dump({SLICED!r}, open('out/tables/orders.csv.manifest', 'w'))"

    succeed(performer, build(project, SLICES + manifest, declared(primary_key=["id"])))

    assert rows_of() == [["1", "a"], ["2", "b"], ["3", "last"]]
    assert Table.objects.get().rows == 3


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"delete_where_column": "id", "delete_where_values": ["1", "3"]}, ["2", "4", "9"]),
        (
            {"delete_where_column": "id", "delete_where_operator": "ne", "delete_where_values": ["1", "3"]},
            ["1", "3", "9"],
        ),
        ({"delete_where_column": "day", "delete_where_older_than": "1 day"}, ["4", "9"]),
    ],
    ids=["eq", "ne", "older than"],
)
@pytest.mark.parametrize("by_manifest", [False, True], ids=["mapping", "manifest"])
def test_delete_where_removes_rows_before_new_ones_are_added(
    where: dict[str, Any], left: list[str], by_manifest: bool, project: Project, performer: Performer
) -> None:
    load(project, performer, DAYS)
    manifest = where if by_manifest else None
    storage = declared(incremental=True, **({} if by_manifest else where))

    succeed(performer, build(project, writing("id,day\n9,2026-05-04\n", manifest=manifest), storage))

    assert [row[0] for row in rows_of()] == left


def test_a_table_of_no_rows_is_made_with_its_columns_and_a_full_load_of_none_empties_it(
    project: Project, performer: Performer
) -> None:
    load(project, performer, "id,day\n", primary_key=["id"])
    made = Table.objects.get()
    load(project, performer, DAYS)
    filled = Table.objects.get()

    succeed(performer, build(project, writing("", manifest={"columns": ["id", "day"]}), declared()))

    emptied = Table.objects.get()
    assert [(each.rows, [c["name"] for c in each.columns]) for each in (made, filled, emptied)] == [
        (0, ["id", "day"]),
        (4, ["id", "day"]),
        (0, ["id", "day"]),
    ]
    assert emptied.preview == []


def test_the_line_of_what_is_malformed_is_named_within_its_slice(project: Project, performer: Performer) -> None:
    code = "import os\nos.mkdir('out/tables/orders.csv')\n" + writing("id,day\n1,x\n2\n", "orders.csv/part-1")

    job = performer.run(build(project, code, declared()))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "Line 3 of orders.csv/part-1 has 1 field, but there are 2 columns." in job.message
    assert not Table.objects.exists()
