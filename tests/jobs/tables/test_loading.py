"""Full load, append, upsert: what a table holds afterwards, and what the answers say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.tables.answering import answer
from tests.jobs.tables.support import Tables

ORDERS = "id,status\n1,new\n2,paid\n"


def test_a_full_load_makes_the_table_and_replaces_it(tables: Tables) -> None:
    first = tables.put(ORDERS, primary_key=["id"])
    second = tables.put("id,status\n3,sent\n")

    assert first["rows"] == 2
    assert first["columns"] == [
        {"name": "id", "type": "STRING", "nullable": True},
        {"name": "status", "type": "STRING", "nullable": True},
    ]
    assert first["preview"] == [["1", "new"], ["2", "paid"]]
    assert first["primary_key"] == ["id"]
    assert (first["delta_version"], first["data_changed"], first["already"]) == (0, True, False)
    assert (second["delta_version"], second["rows_added"], second["rows_removed"]) == (1, 1, 2)
    assert tables.text() == "id,status\n3,sent\n"
    assert tables.text(version=0) == ORDERS


def test_an_append_adds_and_one_of_no_rows_changes_nothing(tables: Tables) -> None:
    tables.put(ORDERS)

    more = tables.put("status,id\nsent,1\n", "append")
    none = tables.put("id,status\n", "append")

    assert (more["rows"], more["rows_added"], more["data_changed"]) == (3, 1, True)
    assert (none["rows"], none["data_changed"], none["delta_version"]) == (3, False, 2)
    assert tables.text() == "id,status\n1,new\n2,paid\n1,sent\n"


def test_an_upsert_changes_by_key_and_adds_the_others(tables: Tables) -> None:
    tables.put("id,status\n1,new\n2,paid\n3,sent\n")

    done = tables.put("id,status\n2,sent\n4,new\n3,sent\n", "upsert", primary_key=["id"])

    assert tables.rows() == [["1", "new"], ["2", "sent"], ["3", "sent"], ["4", "new"]]
    assert (done["rows"], done["rows_added"], done["rows_removed"], done["data_changed"]) == (4, 2, 1, True)


def test_an_upsert_of_rows_as_they_are_changes_nothing(tables: Tables) -> None:
    tables.put("id,n\n1,\n2,5\n,7\n", columns=["id", {"name": "n", "type": "INTEGER"}], has_header=True)

    done = tables.put("n,id\n5,2\n,1\n7,\n", "upsert", primary_key=["id"])

    assert (done["data_changed"], done["rows_added"], done["rows_removed"], done["rows"]) == (False, 0, 0, 3)
    assert len(tables.data_files()) == 1


def test_an_upsert_into_nothing_is_a_load(tables: Tables) -> None:
    done = tables.put(ORDERS, "upsert", primary_key=["id"])

    assert (done["rows"], done["rows_added"], done["delta_version"]) == (2, 2, 0)


def test_an_upsert_by_two_columns_counts_empty_and_missing_keys_as_values(tables: Tables) -> None:
    key = ["shop", "id"]
    tables.put("shop,id,n\na,1,1\na,2,1\n,1,1\n", primary_key=key)

    tables.put("shop,id,n\na,2,2\n,1,2\nb,1,2\n", "upsert", primary_key=key)

    assert tables.rows() == [["", "1", "2"], ["a", "1", "1"], ["a", "2", "2"], ["b", "1", "2"]]


def test_an_upsert_heals_keys_that_an_append_has_doubled(tables: Tables) -> None:
    tables.put("id,n\n1,a\n1,b\n2,a\n")

    done = tables.put("id,n\n1,b\n2,a\n", "upsert", primary_key=["id"])

    assert tables.rows() == [["1", "b"], ["2", "a"]]
    assert (done["rows_added"], done["rows_removed"]) == (1, 2)


def test_keys_are_told_apart_when_there_is_little_memory(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are compared by digests then: where a value ends, and what is missing, must not be lost."""
    tables.put("a,b,v\nx,yz,1\nxy,z,1\n-,,1\n", primary_key=["a", "b"])
    monkeypatch.setattr("jobs.tables.engine.WIDE_COLUMNS", 1)

    done = tables.put("a,b,v\nx,yz,2\nxy,z,1\n,-,3\n", "upsert", primary_key=["a", "b"])

    assert (done["rows_added"], done["rows_removed"]) == (2, 1)
    assert tables.rows() == [["", "-", "3"], ["-", "", "1"], ["x", "yz", "2"], ["xy", "z", "1"]]


@pytest.mark.parametrize("mode", ["full", "upsert"])
def test_of_rows_with_one_key_the_last_counts(tables: Tables, mode: str) -> None:
    source = tables.file("id,n\n1,first\n2,x\n", "slices/a")
    tables.file("id,n\n1,second\n1,third\n", "slices/b")

    staged = tables.call("stage", source=source.removesuffix("/a"), mode=mode, primary_key=["ID"])
    tables.call("commit", plan=staged["plan"])

    assert (staged["rows"], staged["duplicates"], staged["primary_key"]) == (2, 2, ["id"])
    assert tables.rows() == [["1", "third"], ["2", "x"]]


def test_the_order_of_slices_is_kept_however_many_threads_read_them(tables: Tables) -> None:
    """One of several threads is done with a small slice long before the large one that stands before it."""
    tables.limits = {"threads": 4}
    large = "id,n\n" + "".join(f"{number},first\n" for number in range(200_000))
    folder = tables.file(large, "slices/a").removesuffix("/a")
    for name in "bcd":
        tables.file(f"id,n\n0,{name}\n", f"slices/{name}")

    all_ = tables.call("stage", source=folder, mode="full")
    tables.call("commit", plan=all_["plan"])
    ids = [line.split(",") for line in tables.text().splitlines()]
    last = tables.call("stage", source=folder, mode="full", primary_key=["id"])
    tables.call("commit", plan=last["plan"])

    assert ids[1:] == [*([str(number), "first"] for number in range(200_000)), ["0", "b"], ["0", "c"], ["0", "d"]]
    assert (last["rows"], last["duplicates"]) == (200_000, 3)
    assert tables.rows(where_column="id", where_values=["0"]) == [["0", "d"]]


def test_append_never_looks_at_keys(tables: Tables) -> None:
    tables.put("id\n1\n", primary_key=["id"])

    assert tables.put("id\n1\n1\n", "append", primary_key=["id"])["rows"] == 3


def test_delete_where_deletes_before_it_adds(tables: Tables) -> None:
    tables.put("day,n\n2026-05-03,1\n2026-05-04,2\n2026-05-04,3\n")
    where = {"column": "day", "operator": "eq", "values": ["2026-05-04"]}

    done = tables.put("day,n\n2026-05-04,9\n", "append", delete_where=where)

    assert tables.rows() == [["2026-05-03", "1"], ["2026-05-04", "9"]]
    assert (done["rows_added"], done["rows_removed"]) == (1, 2)


def test_delete_where_and_upsert_together(tables: Tables) -> None:
    tables.put("id,n\n1,old\n2,old\n3,keep\n")
    where = {"column": "n", "operator": "eq", "values": ["old"]}

    tables.put("id,n\n2,old\n3,new\n", "upsert", primary_key=["id"], delete_where=where)

    assert tables.rows() == [["2", "old"], ["3", "new"]]


def test_new_columns_are_added_and_missing_ones_are_null(tables: Tables) -> None:
    tables.put("id,status\n1,new\n", primary_key=["id"])

    staged = tables.call("stage", source=tables.file("note,ID\nhello,2\n"), mode="append")
    done = tables.call("commit", plan=staged["plan"])

    assert staged["added_columns"] == ["note"]
    assert [column["name"] for column in done["columns"]] == ["id", "status", "note"]
    assert done["preview"] == [["1", "new", None], ["2", None, "hello"]]
    tables.put("id,status,extra\n2,paid,x\n", "upsert", primary_key=["id"])
    assert tables.rows() == [["1", "new", "", ""], ["2", "paid", "", "x"]]
    tables.put("id,more\n5,y\n")
    assert tables.text() == "id,status,note,extra,more\n5,,,,y\n"


def test_other_changes_of_the_columns_are_refused_by_name(tables: Tables) -> None:
    columns = [{"name": "id", "type": "INTEGER"}, {"name": "at", "type": "TIMESTAMP"}]
    tables.put("1,2026-05-04 12:00\n", columns=columns)
    load = {"source": tables.file("1,2026-05-04 12:00\n"), "mode": "append"}

    typed = tables.fail("stage", columns=[{"name": "id", "type": "INTEGER"}, {"name": "at", "type": "DATE"}], **load)
    lost = tables.fail("stage", source=tables.file("at\n2026-05-04\n"), mode="upsert", primary_key=["id"])
    unknown = tables.fail("stage", source=load["source"], mode="full", columns=["id", "at"], primary_key=["nr"])

    assert typed == "Table in.c-sales.orders: Column at is TIMESTAMP in the table, but DATE in the load."
    assert lost == "Table in.c-sales.orders: Column id of the primary key is missing in the load."
    assert unknown == "Table in.c-sales.orders: Column nr of the primary key does not exist."
    assert len(tables.data_files()) == 1
    assert tables.marks() == []


def test_an_upsert_needs_a_key(tables: Tables) -> None:
    assert "needs a primary key" in tables.fail("stage", source=tables.file(ORDERS), mode="upsert")


def test_all_tables_of_a_stage_or_none(tables: Tables) -> None:
    good = {"source": tables.file(ORDERS), "mode": "full"}
    bad = {"source": tables.file("id\n1,2\n"), "mode": "full", "location": "2", "name": "in.c-sales.bad"}

    found, code = answer(tables.request("stage", good, bad), tables.work, datetime.now(UTC))

    assert (code, found["tables"], found["error"]["table"]) == (1, [], "in.c-sales.bad")
    assert (tables.data_files(), tables.marks()) == ([], [])


def test_an_empty_load_empties_the_table(tables: Tables) -> None:
    tables.put(ORDERS)

    done = tables.call("commit", plan=tables.call("stage", source=None, mode="full")["plan"])

    assert (done["rows"], done["preview"], done["rows_removed"]) == (0, [], 2)
    assert tables.text() == "id,status\n"
