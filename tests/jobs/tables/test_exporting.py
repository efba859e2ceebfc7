"""What a component finds in ``in/tables``: filters, limits, manifests, Parquet parts, and what changed since when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.jobs.tables.support import Tables

COLUMNS: list[Any] = ["id", {"name": "n", "type": "NUMERIC", "length": "6,2"}, {"name": "day", "type": "DATE"}]
ORDERS = "a,1.50,2026-05-04\nb,,\n,2.00,2026-05-05\n"


@pytest.fixture
def orders(tables: Tables) -> Tables:
    tables.put(ORDERS, columns=COLUMNS)
    return tables


def test_columns_come_in_the_order_wanted_and_the_answer_counts(orders: Tables) -> None:
    target = orders.target()

    done = orders.call("export", to=str(target), columns=["DAY", "id"], limit=2)

    assert target.read_text() == "day,id\n2026-05-04,a\n,b\n"
    assert (done["rows"], done["size_bytes"], done["delta_version"]) == (2, target.stat().st_size, 0)
    assert [column["name"] for column in done["columns"]] == ["day", "id"]
    assert [path.name for path in target.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("column", "operator", "values", "ids"),
    [
        ("id", "eq", ["a"], ["a"]),
        ("id", "eq", ["a", "b", "zzz"], ["a", "b"]),
        ("id", "ne", ["a"], ["", "b"]),
        ("id", "eq", [""], [""]),
        ("id", "ne", ["", "b"], ["a"]),
        ("id", "eq", [], []),
        ("id", "ne", [], ["", "a", "b"]),
        ("n", "eq", ["1.5", 2], ["", "a"]),
        ("n", "ne", ["1.5"], ["", "b"]),
        ("n", "eq", ["", "1.500"], ["a", "b"]),
        ("day", "eq", ["2026-05-05"], [""]),
        ("id", "eq", ["'; DROP TABLE x; --"], []),
    ],
)
def test_where(orders: Tables, column: str, operator: str, values: list[Any], ids: list[str]) -> None:
    rows = orders.rows(where_column=column, where_operator=operator, where_values=values)

    assert [row[0] for row in rows] == ids


def test_wishes_that_cannot_be_met(orders: Tables) -> None:
    def fail(**entry: Any) -> str:
        return orders.fail("export", to=str(orders.target()), **entry).removeprefix("Table in.c-sales.orders: ")

    assert fail(columns=["nr"]) == "There is no column nr."
    assert fail(where_column="nr", where_values=["1"]) == "There is no column nr."
    assert fail(where_column="n", where_values=["x"]) == '"x" cannot be compared with column n, which is NUMERIC.'
    assert fail(where_column="n", where_operator="like", where_values=["x"]).startswith('"like" is no operator')
    assert fail(changed_since="lately") == '"lately" is no time; write one like "-2 days" or "2026-05-04 12:30".'
    assert fail(location="nowhere") == "It has no data: the table does not exist in the storage."
    assert fail(version=7, code=2) == "Version 7 of it cannot be read; the newest is 0."
    assert fail(location="../secret", code=2) == '"../secret" is no folder for a table.'


def test_an_export_never_writes_over_a_file(orders: Tables) -> None:
    target = Path(orders.file("mine"))

    assert "exists already" in orders.fail("export", to=str(target), code=2)
    assert target.read_text() == "mine"


def test_the_manifest_tells_columns_types_and_key(orders: Tables) -> None:
    target = orders.target()

    orders.call(
        "export", to=str(target), manifest={"id": "in.c-sales.orders", "primary_key": ["id"]}, columns=["id", "n"]
    )

    manifest = json.loads(target.with_name(target.name + ".manifest").read_text())
    assert manifest["id"] == "in.c-sales.orders"
    assert manifest["columns"] == ["id", "n"]
    assert manifest["rows_count"] == 3
    assert manifest["schema"] == [
        {"name": "id", "data_type": {"base": {"type": "STRING"}}, "nullable": True, "primary_key": True},
        {
            "name": "n",
            "data_type": {"base": {"type": "NUMERIC", "length": "6,2"}},
            "nullable": True,
            "primary_key": False,
        },
    ]


def test_parquet_parts_are_links_to_the_data_files(orders: Tables) -> None:
    orders.put(ORDERS, "append", columns=COLUMNS)
    target = orders.target()

    done = orders.call("export", to=str(target), format="parquet", manifest={})

    parts = sorted(target.iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet"]
    assert all(part.stat().st_nlink == 2 and part.stat().st_mode & 0o222 == 0 for part in parts)
    assert done["rows"] == 6
    assert rows_of(f"SELECT count(*), sum(n) FROM '{target}/*.parquet'") == [(6, 7)]
    assert target.with_name(target.name + ".manifest").exists()


def test_parquet_parts_are_written_when_something_is_filtered_or_missing(orders: Tables) -> None:
    filtered, evolved = orders.target(), orders.target()
    orders.put("new,id\nx,c\n", "append")

    some = orders.call("export", to=str(filtered), format="parquet", where_column="id", where_values=["a", "c"])
    all_ = orders.call("export", to=str(evolved), format="parquet")

    assert (some["rows"], all_["rows"]) == (2, 4)
    assert rows_of(f"SELECT id FROM '{filtered}/*.parquet' ORDER BY id") == [("a",), ("c",)]
    for part in evolved.iterdir():
        names = [row[0] for row in rows_of(f"DESCRIBE SELECT * FROM '{part}'")]
        assert names == ["id", "n", "day", "new"]


def test_an_empty_table_is_a_parquet_file_with_columns(tables: Tables) -> None:
    tables.put("id,a\n")
    target = tables.target()

    done = tables.call("export", to=str(target), format="parquet")

    assert done["rows"] == 0
    assert rows_of(f"SELECT id, a FROM '{target}/*.parquet'") == []


def moment() -> str:
    return datetime.now(UTC).isoformat()


def test_changed_since_gives_what_was_added_or_changed(tables: Tables) -> None:
    tables.put("id,n\n1,a\n2,a\n3,a\n4,a\n")
    first = moment()
    tables.put("id,n\n3,a\n2,b\n5,b\n", "upsert", primary_key=["id"])
    second = moment()
    tables.put("id,n\n6,c\n", "append")
    tables.call("delete", delete_where={"column": "id", "operator": "eq", "values": ["4"]})

    assert tables.rows(changed_since="-1 hour") == [["1", "a"], ["2", "b"], ["3", "a"], ["5", "b"], ["6", "c"]]
    assert tables.rows(changed_since=first) == [["2", "b"], ["5", "b"], ["6", "c"]]
    assert tables.rows(changed_since=second) == [["6", "c"]]
    assert tables.rows(changed_since=moment()) == []
    assert tables.rows(changed_since=second, columns=["n"]) == [["c"]]


@pytest.mark.parametrize(
    ("words", "age"),
    [("-2 days", 2), ("2 days ago", 2), ("-1 week", 7), ("-48 hours", 2), ("-1 month", 30), ("- 2 Days", 2)],
)
def test_times_may_be_relative(tables: Tables, words: str, age: int) -> None:
    tables.put("id\n1\n")
    written = datetime.now(UTC)

    tables.now = written + timedelta(days=age) - timedelta(minutes=1)
    assert tables.rows(changed_since=words) == [["1"]]
    tables.now = written + timedelta(days=age) + timedelta(minutes=1)
    assert tables.rows(changed_since=words) == []


def test_a_preview_is_small(tables: Tables) -> None:
    rows = "\n".join(f"{number}," + "x" * 1900 for number in range(150))
    tables.put("id,a\n" + rows + "\n")

    preview = tables.call("preview")["preview"]
    short = tables.call("preview", limit=3)["preview"]
    tables.put("id,a\n" + "\n".join(f"{number},x" for number in range(150)))

    assert (len(preview), preview[0]) == (100, ["0", "x" * 500])
    assert len(short) == 3
    assert len(tables.call("preview")["preview"]) == 100
    wide = ",".join(f"c{number}" for number in range(200))
    tables.put(wide + "\n" + (",".join(["y" * 500] * 200) + "\n") * 3)
    cells = tables.call("preview")["preview"]
    assert len(json.dumps(cells)) < 210_000


def rows_of(sql: str) -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(sql).fetchall()
