"""Deleting rows, emptying, vacuuming, dropping and cleaning up; and seeing what others did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.tables import answering
from jobs.tables.answering import answer
from jobs.tables.places import ObjectStore
from tests.jobs.tables.support import TABLE, Tables

WRAPPED = "Table in.c-sales.orders: "


def insert(tables: Tables, query: str, **options: Any) -> None:
    """As another program would."""
    write_deltalake(tables.storage / TABLE, duckdb.connect().sql(query), mode="append", **options)


def table_of(tables: Tables) -> DeltaTable:
    return DeltaTable(tables.storage / TABLE)


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"column": "n", "operator": "lt", "values": ["2"]}, ["", "2", "10"]),
        ({"column": "n", "operator": "le", "values": [2]}, ["", "10"]),
        ({"column": "n", "operator": "gt", "values": ["2"]}, ["", "1", "2"]),
        ({"column": "n", "operator": "ge", "values": ["2"]}, ["", "1"]),
        ({"column": "n", "operator": "eq", "values": ["", "1"]}, ["2", "10"]),
        ({"column": "n", "operator": "ne", "values": ["1"]}, ["1"]),
        (None, []),
    ],
)
def test_rows_are_deleted_by_a_condition(tables: Tables, where: dict[str, Any] | None, left: list[str]) -> None:
    tables.put('1\n2\n10\n""\n', columns=[{"name": "n", "type": "INTEGER"}])

    done = tables.call("delete", delete_where=where)

    assert sorted(row[0] for row in tables.rows()) == sorted(left)
    assert (done["rows"], done["rows_removed"], done["rows_added"]) == (len(left), 4 - len(left), 0)
    again = tables.call("delete", delete_where=where)
    assert (again["data_changed"], again["rows_removed"], again["already"]) == (False, 0, False)


def test_rows_are_deleted_by_age(tables: Tables) -> None:
    tables.now = datetime(2026, 5, 31, 12, tzinfo=UTC)
    days = "2026-04-30\n2026-05-01 11:59:59\n2026-05-01 12:00:00\n2026-05-30\nsome day\n"
    tables.put("day\n" + days)

    tables.call("delete", delete_where={"column": "day", "older_than": "30 days"})

    assert [row[0] for row in tables.rows()] == ["2026-05-01 12:00:00", "2026-05-30", "some day"]


def test_files_are_deleted_by_the_age_of_their_rows(tables: Tables) -> None:
    tables.put("id\n1\n2\n")
    limit = datetime.now(UTC)
    tables.put("id\n2\n3\n", "append")
    tables.now = limit + timedelta(days=30)

    done = tables.call("delete", delete_where={"older_than": "30 days"})

    assert tables.rows() == [["2"], ["3"]]
    assert done["rows_removed"] == 2


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"column": "day", "older_than": "30 days"}, 2),
        ({"older_than": "30 days"}, 3),
        ({"column": "day", "operator": "eq", "values": ["some day"]}, 1),
        (None, 5),
    ],
)
def test_it_counts_what_a_deletion_would_take(tables: Tables, where: dict[str, Any] | None, rows: int) -> None:
    tables.put("day\n2026-04-30\n2026-05-01 11:59:59\nsome day\n")
    limit = datetime.now(UTC)
    tables.put("day\n2127-05-01\n2127-05-30\n", "append")
    tables.now = limit + timedelta(days=30)

    counted = tables.call("count", delete_where=where)
    done = tables.call("delete", delete_where=where)

    assert (counted["rows"], counted["total"]) == (rows, 5)
    assert done["rows_removed"] == rows


def test_a_deletion_with_a_key_is_done_once(tables: Tables) -> None:
    tables.put("id\n1\n")

    first = tables.call("truncate", key="import-17")
    tables.put("id\n2\n", "append")
    second = tables.call("truncate", key="import-17")

    assert (first["already"], first["rows"], first["data_changed"]) == (False, 0, True)
    assert (second["already"], second["rows"], second["committed_version"]) == (True, 1, first["committed_version"])


def test_deletions_that_cannot_be_meant(tables: Tables) -> None:
    nothing = tables.fail("delete", delete_where={"column": "id", "operator": "eq", "values": ["1"]})
    tables.put("id,n\n1,2\n", columns=["id", {"name": "n", "type": "INTEGER"}], has_header=True)

    assert nothing == WRAPPED + "There is nothing to delete: the table does not exist in the storage."
    wrong = {"column": "n", "older_than": "30 days"}
    assert tables.fail("delete", delete_where=wrong).startswith(WRAPPED + "Column n is INTEGER: only dates")
    two = {"column": "n", "operator": "lt", "values": ["1", "2"]}
    assert tables.fail("delete", delete_where=two) == WRAPPED + "The operator lt takes one value, not 2."
    load = {"source": tables.file("id,n\n1,2\n"), "mode": "append", "delete_where": {"column": "x", "values": ["1"]}}
    assert tables.fail("stage", **load) == WRAPPED + "There is no column x."
    assert tables.rows() == [["1", "2"]]


def test_another_programs_commits_are_seen_and_only_those_that_change_data(tables: Tables) -> None:
    assert tables.call("inspect") == {
        "name": "in.c-sales.orders",
        "location": TABLE,
        "exists": False,
        "delta_version": -1,
        "data_changed": False,
        "changes": [],
        "is_complete": True,
    }
    staged = tables.call("stage", source=tables.file("id,n\n1,a\n"), mode="full")
    ours = tables.call("commit", plan=staged["plan"], job=5, **{"import": 17})
    seen = tables.call("inspect", delta_version=-1)
    assert [(change["version"], change["import"], change["job"]) for change in seen["changes"]] == [(0, 17, 5)]
    assert tables.call("inspect", delta_version=ours["delta_version"])["changes"] == []

    insert(tables, "SELECT '2' AS id, 'b' AS n")  # version 1
    table_of(tables).optimize.compact()  # 2
    table_of(tables).vacuum(0, dry_run=False, enforce_retention_duration=False)  # 3, 4
    table_of(tables).alter.set_table_description("orders")  # 5
    insert(tables, "SELECT '2' AS id, 'b' AS n LIMIT 0")  # 6
    tables.put("id,n\n", "append")  # 7
    table_of(tables).delete("id = '1'")  # 8
    seen = tables.call("inspect", delta_version=0)

    assert [(change["version"], change["operation"], change["import"]) for change in seen["changes"]] == [
        (1, "WRITE", None),
        (8, "DELETE", None),
    ]
    assert [change["rows_added"] for change in seen["changes"]] == [1, None]
    assert (seen["data_changed"], seen["delta_version"], seen["rows"]) == (True, 8, 1)
    assert seen["preview"] == [["2", "b"]]
    quiet = tables.call("inspect", delta_version=1)["changes"][:-1]
    assert quiet == []


def test_a_log_that_was_cleaned_counts_as_a_change(tables: Tables) -> None:
    for number in range(4):
        tables.put(f"id\n{number}\n", "append")
    table_of(tables).create_checkpoint()
    for version in range(3):
        (tables.storage / TABLE / "_delta_log" / f"{version:020}.json").unlink()

    seen = tables.call("inspect", delta_version=0)

    assert seen["is_complete"] is False
    assert [change["operation"] for change in seen["changes"]] == ["UNKNOWN", "WRITE"]
    assert seen["rows"] == 4


def test_our_imports_go_on_after_another_programs_commits(tables: Tables) -> None:
    tables.put("id,n\n1,a\n2,a\n")
    upsert = tables.call("stage", source=tables.file("id,n\n2,b\n3,b\n"), mode="upsert", primary_key=["id"])
    append = tables.call("stage", source=tables.file("id,n\n9,b\n"), mode="append")
    insert(tables, "SELECT '3' AS id, 'other' AS n")

    first = tables.call("commit", plan=upsert["plan"])
    tables.call("commit", plan=append["plan"])

    assert tables.rows() == [["1", "a"], ["2", "b"], ["3", "b"], ["9", "b"]]
    assert (first["rows_added"], first["rows_removed"]) == (2, 2)


def test_columns_that_another_program_adds(tables: Tables) -> None:
    tables.put("id\n1\n")
    query = "SELECT '2' AS id, [1, 2] AS list, 5::INTEGER AS small, TIMESTAMP '2026-05-04 12:00:00' AS at"
    insert(tables, query, schema_mode="merge")

    seen = tables.call("inspect")

    assert [column["type"] for column in seen["columns"]] == ["STRING", "STRING", "INTEGER", "TIMESTAMP"]
    assert tables.text() == 'id,list,small,at\n1,,,\n2,"[1,2]",5,2026-05-04 12:00:00\n'
    refusal = tables.fail("stage", source=tables.file("id\n3\n"), mode="append")
    assert refusal == WRAPPED + "Column list has a type that only another program can write."


def test_a_table_with_partitions_of_another_program_is_read_but_not_written(tables: Tables) -> None:
    query = "SELECT range AS id, 'p' || range % 2 AS part FROM range(4)"
    write_deltalake(tables.storage / TABLE, duckdb.connect().sql(query), partition_by="part")

    assert tables.rows(columns=["id"]) == [["0"], ["1"], ["2"], ["3"]]
    assert tables.rows(where_column="part", where_values=["p1"], columns=["id"]) == [["1"], ["3"]]
    target = tables.target()
    assert tables.call("export", to=str(target), format="parquet")["rows"] == 4
    assert tables.call("preview")["rows"] == 4
    refusal = tables.fail("stage", source=tables.file("id,part\n3,x\n"), mode="append")
    assert refusal.startswith(WRAPPED + "It was changed by another program to use partitions")


def test_vacuum_removes_what_only_old_versions_need(tables: Tables) -> None:
    tables.put("id\n1\n")
    tables.put("id\n2\n")

    kept = tables.call("vacuum", retention_hours=1)
    gone = tables.call("vacuum", retention_hours=0)

    assert (kept["files"], len(tables.data_files())) == (0, 1)
    assert gone["files"] == 1
    assert gone["freed_bytes"] > 0
    assert tables.rows() == [["2"]]
    assert tables.call("inspect", delta_version=1)["data_changed"] is False
    assert len([path for path in (tables.storage / TABLE).iterdir() if path.is_dir()]) == 2


def test_vacuum_compacts_small_files_without_a_change_of_data(tables: Tables) -> None:
    tables.put("id\n0\n")
    for number in range(1, 9):
        tables.put(f"id\n{number}\n", "append")
    version = tables.call("preview")["delta_version"]
    early = tables.call("vacuum", compact=True)
    tables.now = datetime.now(UTC) + timedelta(days=8)

    tables.call("vacuum", compact=True)

    assert early["delta_version"] == version
    assert len(table_of(tables).file_uris()) == 1
    seen = tables.call("inspect", delta_version=version)
    assert (seen["data_changed"], seen["rows"]) == (False, 9)
    assert tables.text() == "id\n" + "".join(f"{number}\n" for number in range(9))
    assert tables.marks() == []


def test_drop_removes_the_folder(tables: Tables) -> None:
    tables.put("id\n1\n")

    assert tables.call("drop")["dropped"] is True
    assert tables.call("drop")["dropped"] is False
    assert [path.name for path in tables.storage.iterdir()] == ["_staged"]
    assert tables.put("id\n2\n")["delta_version"] == 0


def clean(tables: Tables, **fields: Any) -> dict[str, Any]:
    found, code = answer(tables.request("clean", **fields), tables.work, tables.now or datetime.now(UTC))
    assert code == 0
    return found


def test_clean_removes_stages_that_nobody_will_commit(tables: Tables) -> None:
    source = tables.file("id\n1\n")
    lost, open_, young = (tables.call("stage", source=source, mode="append")["plan"] for _ in range(3))
    tables.now = datetime.now(UTC) + timedelta(hours=25)
    mark = tables.storage / "_staged" / f"{young['stage']}.json"
    mark.write_text(mark.read_text().replace(str(datetime.now(UTC).date()), str(tables.now.date())))

    done = clean(tables, keep=[open_["stage"]])

    assert done["removed"] == [lost["stage"]]
    assert done["freed_bytes"] > 0
    assert len(tables.data_files()) == 2
    assert tables.call("commit", plan=open_)["rows"] == 1
    assert clean(tables, older_than_hours=-24)["removed"] == [young["stage"]]
    assert tables.rows() == [["1"]]
    assert tables.marks() == []


def test_an_object_store_by_url(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that objects go, over files: no object store is at hand here."""
    tables.storage.mkdir()
    url = tables.storage.as_uri()
    monkeypatch.setattr(answering, "open_place", lambda storage, scratch: ObjectStore(url, {}, scratch))
    tables.put("id,n\n1,a\n2,a\n")
    done = tables.put("id,n\n2,b\n3,b\n", "upsert", primary_key=["id"])

    assert tables.rows() == [["1", "a"], ["2", "b"], ["3", "b"]]
    assert (done["rows_added"], done["rows_removed"]) == (2, 1)
    assert tables.call("commit", plan=tables.call("stage", source=None, mode="full")["plan"])["rows"] == 0
    tables.call("vacuum", retention_hours=0)
    assert [Path(name).suffix for name in tables.data_files()] == []
    assert tables.call("drop")["dropped"] is True
    assert tables.call("inspect")["exists"] is False


def test_a_file_url_with_blanks_in_it(tables: Tables) -> None:
    tables.storage = tables.folder / "my data # ž"
    tables.url = tables.storage.as_uri()

    tables.put("id\n1\n")
    tables.put("id\n1\n2\n", "upsert", primary_key=["id"])

    assert tables.rows() == [["1"], ["2"]]
    tables.url = "relative/path"
    assert "neither an absolute path nor a URL" in tables.fail("preview", code=2)
    tables.url = str(tables.folder / "a%20b")
    assert "must not have * ? [ or %20" in tables.fail("preview", code=2)
