"""What is larger than the memory that the request allows is loaded all the same."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from jobs.tables import engine
from tests.jobs.tables.support import Tables

ROWS = 60_000
WORDS = 20


def test_parquet_files_with_row_groups_larger_than_the_memory(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a component may write them that has more memory than we take: each needs 150 MB to be read whole."""
    # What other tests share has spilled nothing, and would not change its folder once it has.
    monkeypatch.setattr(engine, "DATABASE", ":memory:")
    tables.limits = {"threads": 2, "memory_bytes": 300_000_000}
    words = ", ".join(f'md5((i + {n})::VARCHAR) || md5((i * {n})::VARCHAR) AS "w{n}"' for n in range(WORDS))
    folder = tables.work / "parts"
    folder.mkdir()
    write(folder / "1.parquet", f"SELECT i AS id, [i, i + 1] AS pair, {words} FROM range({ROWS}) AS _ (i)")
    write(folder / "2.parquet", f"SELECT {ROWS} AS id, 'x' AS w0, 'late' AS \"more, or less\"")

    staged = tables.call("stage", source=str(folder), format="parquet", mode="full", primary_key=["id"])
    done = tables.call("commit", plan=staged["plan"])

    assert done["rows"] == ROWS + 1
    target = tables.target()
    tables.call("export", to=str(target), format="parquet")
    given = (
        f"SELECT * REPLACE (to_json(pair)::VARCHAR AS pair)"
        f" FROM read_parquet(['{folder}/1.parquet', '{folder}/2.parquet'], union_by_name = true)"
    )
    loaded = f"read_parquet('{target}/*.parquet')"
    assert rows_of(f"SELECT count(*) FROM ({given} EXCEPT SELECT * FROM {loaded})") == [(0,)]
    assert rows_of(f"SELECT count(*) FROM {loaded} WHERE more_or_less = 'late' AND w0 = 'x'") == [(1,)]


def test_a_table_of_long_rows_can_be_read_again(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short rows stand first, so that nothing is known of the long ones before they are written."""
    tables.limits = {"threads": 2, "memory_bytes": 300_000_000}
    monkeypatch.setattr(engine, "DATABASE", ":memory:")
    names = ", ".join(f"w{n}" for n in range(WORDS))
    words = ", ".join(f"if(i < 9000, '', repeat(md5((i * {n})::VARCHAR), 8)) AS w{n}" for n in range(WORDS))
    given = tables.work / "given.csv"
    duckdb.connect().execute(f"COPY (SELECT i AS id, {words} FROM range(21000) AS _ (i)) TO '{given}' (HEADER)")

    for mode in ("full", "upsert"):
        staged = tables.call("stage", source=str(given), mode=mode, primary_key=["id"])
        done = tables.call("commit", plan=staged["plan"])
    target = tables.target()
    tables.call("export", to=str(target))

    assert (done["rows"], done["rows_added"], done["rows_removed"]) == (21_000, 0, 0)
    largest = rows_of(
        "SELECT max(bytes) FROM (SELECT sum(total_uncompressed_size) AS bytes"
        f" FROM parquet_metadata('{tables.storage}/**/*.parquet') GROUP BY file_name, row_group_id)"
    )
    assert largest <= [(2 * 300_000_000 // engine.SHARES_OF_GROUPS,)]
    options = "header = true, all_varchar = true"
    assert rows_of(
        f"SELECT count(*) FROM (SELECT id, {names} FROM read_csv('{given}', {options})"
        f" EXCEPT SELECT id, {names} FROM read_csv('{target}', {options}))"
    ) == [(0,)]


def write(path: Path, query: str) -> None:
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def rows_of(query: str) -> list[tuple[object, ...]]:
    return duckdb.connect().execute(query).fetchall()
