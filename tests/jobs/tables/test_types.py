"""Columns with types: what text becomes, what is refused, and what Parquet files bring."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from tests.jobs.tables.support import Tables

WRAPPED = "Table in.c-sales.orders: "
KINDS = {
    "INTEGER": ["1", "-5", "", "5.0", "1e3"],
    "NUMERIC": ["1.5", "-0.000000001", "", "12345678901234567890123456789.5", "1e2"],
    "FLOAT": ["1.5", "1e20", "", "-0.5", "3"],
    "BOOLEAN": ["true", "FALSE", "", "1", "0"],
    "DATE": ["2026-05-04", "0001-01-01", "", "9999-12-31", "2026-5-4"],
    "TIMESTAMP": ["2026-05-04 12:30:00.123456", "2026-05-04T12:30:00+02:00", "", "2026-05-04", "1900-01-01 00:00:01Z"],
}
AS_TEXT = {
    "INTEGER": ["1", "-5", "", "5", "1000"],
    "NUMERIC": ["1.500000000", "-0.000000001", "", "12345678901234567890123456789.500000000", "100.000000000"],
    "FLOAT": ["1.5", "1e+20", "", "-0.5", "3.0"],
    "BOOLEAN": ["true", "false", "", "true", "false"],
    "DATE": ["2026-05-04", "0001-01-01", "", "9999-12-31", "2026-05-04"],
    "TIMESTAMP": [
        "2026-05-04 12:30:00.123456",
        "2026-05-04 10:30:00",
        "",
        "2026-05-04 00:00:00",
        "1900-01-01 00:00:01",
    ],
}
COLUMNS = [{"name": kind.lower(), "type": kind} for kind in KINDS]


def typed_csv() -> str:
    return "\n".join(",".join(row) for row in zip(*KINDS.values(), strict=True)) + "\n"


def test_every_type_comes_and_goes(tables: Tables) -> None:
    done = tables.put(typed_csv(), columns=COLUMNS)

    expected = "\n".join(",".join(row) for row in zip(*AS_TEXT.values(), strict=True)) + "\n"
    assert tables.text() == ",".join(kind.lower() for kind in KINDS) + "\n" + expected
    assert done["is_typed"] is True
    assert [column["type"] for column in done["columns"]] == list(KINDS)
    assert done["columns"][1]["length"] == "38,9"
    assert done["preview"][2] == [None] * 6
    again = tables.put(tables.text(), "append")
    assert (again["rows"], again["preview"][5]) == (10, done["preview"][0])


def test_deltalake_itself_reads_what_was_written(tables: Tables) -> None:
    """Other programs see the same values: types on disk are those that the schema of the log says."""
    tables.put(typed_csv(), columns=COLUMNS)
    stream = DeltaTable(tables.storage / "1/orders-1").scan()
    connection = duckdb.connect()
    connection.execute("SET timezone = 'UTC'")
    connection.register("seen", stream)
    first = connection.execute("SELECT COLUMNS(*)::VARCHAR FROM seen LIMIT 1").fetchone()

    assert first == ("1", "1.500000000", "1.5", "true", "2026-05-04", "2026-05-04 12:30:00.123456+00")


@pytest.mark.parametrize(
    ("kind", "value", "what"),
    [
        ("INTEGER", "1.7", "an INTEGER"),
        ("INTEGER", "x", "an INTEGER"),
        ("INTEGER", "9223372036854775808", "an INTEGER"),
        ("NUMERIC", "1,5", "a DECIMAL(38,9)"),
        ("FLOAT", "1_", "a FLOAT"),
        ("BOOLEAN", "maybe", "a BOOLEAN"),
        ("DATE", "04.05.2026", "a DATE"),
        ("DATE", "2026-02-30", "a DATE"),
        ("DATE", "infinity", "a DATE"),
        ("TIMESTAMP", "noon", "a TIMESTAMP"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_line_and_column(
    tables: Tables, kind: str, value: str, what: str
) -> None:
    content = f'id,v\n"1\n1",\n2,"{value}"\n'
    columns = ["id", {"name": "v", "type": kind}]
    source = tables.file(content, "orders.csv")

    refusal = tables.fail("stage", source=source, mode="full", columns=columns, has_header=True)

    assert refusal == f'{WRAPPED}Line 4 of orders.csv. Column v: "{value}" is not {what}.'
    assert tables.data_files() == []


def test_a_column_that_must_have_a_value(tables: Tables) -> None:
    columns = [{"name": "id", "type": "INTEGER", "nullable": False}, "a"]
    tables.put("1,x\n", columns=columns)

    empty = tables.fail("stage", source=tables.file(",x\n", "orders.csv"), mode="append", columns=columns)
    missing = tables.fail("stage", source=tables.file("a\nx\n"), mode="append")

    assert empty == (f"{WRAPPED}Line 1 of orders.csv. Column id: the value is empty, but the column must have a value.")
    assert missing == f"{WRAPPED}Column id must have a value, but the load does not have the column."
    assert tables.call("preview")["columns"][0]["nullable"] is False


def test_types_that_nobody_knows(tables: Tables) -> None:
    load = {"source": tables.file("1\n"), "mode": "full"}

    unknown = tables.fail("stage", columns=[{"name": "id", "type": "MONEY"}], **load)
    too_long = tables.fail("stage", columns=[{"name": "id", "type": "NUMERIC", "length": "50,2"}], **load)

    assert "Column id has the type MONEY; known are STRING, INTEGER" in unknown
    assert 'Column id has the length "50,2"; NUMERIC has at most 38 digits' in too_long


def write_parquet(folder: Path, name: str, query: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.connect().execute(f"COPY ({query}) TO '{folder / name}' (FORMAT parquet)")
    return str(folder / name)


def test_parquet_brings_its_types(tables: Tables) -> None:
    query = """SELECT 1::INTEGER AS id, 1.50::DECIMAL(10, 2) AS "Total €", true AS ok, DATE '2026-05-04' AS day,
        TIMESTAMP '2026-05-04 12:00:00' AS at, 'x' AS word, [1, 2] AS list, {'a': 1} AS thing, 1.5::FLOAT AS f,
        18446744073709551615::UBIGINT AS big, TIMESTAMPTZ '2026-05-04 12:00:00+02' AS zoned"""
    source = write_parquet(tables.work, "orders.parquet", query)

    done = tables.call("commit", plan=tables.call("stage", source=source, format="parquet", mode="full")["plan"])

    kinds = {column["name"]: column["type"] for column in done["columns"]}
    assert kinds == {
        "id": "INTEGER",
        "Total": "NUMERIC",
        "ok": "BOOLEAN",
        "day": "DATE",
        "at": "TIMESTAMP",
        "word": "STRING",
        "list": "STRING",
        "thing": "STRING",
        "f": "FLOAT",
        "big": "NUMERIC",
        "zoned": "TIMESTAMP",
    }
    row = ["1", "1.50", "true", "2026-05-04", "2026-05-04 12:00:00", "x", "[1,2]", '{"a":1}', "1.5"]
    assert done["preview"] == [[*row, "18446744073709551615", "2026-05-04 10:00:00"]]


def test_a_folder_of_parquet_parts_with_different_columns(tables: Tables) -> None:
    folder = tables.work / "parts"
    write_parquet(folder, "1.parquet", "SELECT 1 AS id, 'a' AS x")
    write_parquet(folder, "2.parquet", "SELECT 'b' AS x, 2.5::DOUBLE AS y")

    staged = tables.call("stage", source=str(folder), format="parquet", mode="full")
    tables.call("commit", plan=staged["plan"])

    assert tables.text() == "id,x,y\n1,a,\n,b,2.5\n"


def test_a_table_of_texts_takes_typed_parquet_as_text(tables: Tables) -> None:
    tables.put("id,at\n1,then\n")
    source = write_parquet(tables.work, "more.parquet", "SELECT 2 AS id, TIMESTAMP '2026-05-04 12:00:00' AS at")

    tables.call("commit", plan=tables.call("stage", source=source, format="parquet", mode="append")["plan"])

    assert tables.rows() == [["1", "then"], ["2", "2026-05-04 12:00:00"]]


def test_parquet_into_other_types(tables: Tables) -> None:
    columns = [{"name": "n", "type": "NUMERIC", "length": "4,1"}, {"name": "i", "type": "INTEGER"}]
    tables.put("1.5,1\n", columns=columns)

    def stage(query: str) -> dict[str, object]:
        source = tables.work / "more.parquet"
        source.unlink(missing_ok=True)
        write_parquet(tables.work, "more.parquet", query)
        return {"source": str(source), "format": "parquet", "mode": "append"}

    tables.call("commit", plan=tables.call("stage", **stage("SELECT 2 AS n, '3' AS i"))["plan"])
    assert tables.rows() == [["1.5", "1"], ["2.0", "3"]]
    wide = tables.fail("stage", **stage("SELECT 5000 AS n, 1 AS i"))
    float_ = tables.fail("stage", **stage("SELECT 1 AS n, 1.5::DOUBLE AS i"))
    text = tables.fail("stage", **stage("SELECT 1 AS n, '1.5' AS i"))
    assert wide == f'{WRAPPED}Column n: "5000" is not a DECIMAL(4,1).'
    assert float_ == f"{WRAPPED}Column i is INTEGER in the table, but FLOAT in the load."
    assert text == f'{WRAPPED}Column i: "1.5" is not an INTEGER.'


def test_what_is_no_parquet(tables: Tables) -> None:
    source = tables.file("id,a\n", "orders.parquet")

    assert "orders.parquet" in tables.fail("stage", source=source, format="parquet", mode="full")
    blob = write_parquet(tables.work, "b.parquet", "SELECT 'x'::BLOB AS b")
    assert "Column b holds bytes" in tables.fail("stage", source=blob, format="parquet", mode="full")
