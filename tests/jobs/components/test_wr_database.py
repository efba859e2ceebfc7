"""The component `wr-database` as its own process, against SQLite, PostgreSQL and MariaDB."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.components.data_folders import JobFolder, told
from tests.jobs.components.databases import SERVERS, SYSTEMS, Database, fresh
from tests.jobs.components.parquet_inputs import give

ORDERS = """SELECT * FROM (VALUES
    (1::BIGINT, 'a "q"''s, ž😀', 12345678.0001::DECIMAL(12, 4), 0.1::DOUBLE, true, DATE '2026-02-28',
     TIMESTAMPTZ '2026-05-04 14:30:00.5+02'),
    (2, '', -0.5, NULL, false, NULL, NULL),
    (3, NULL, NULL, 1.0, NULL, NULL, NULL)
) orders(id, name, amount, ratio, ok, day, "at")"""


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "job", {"TUTTI_PROJECT_FILES": str(tmp_path)})


@pytest.fixture(params=SYSTEMS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path) as found:
        yield found


def write(job: JobFolder, database: Database, *tables: dict[str, Any]) -> Any:
    return job.run("wr-database", {**database.parameters, **({"tables": list(tables)} if tables else {})})


def test_a_missing_table_is_created_with_types(job: JobFolder, database: Database) -> None:
    give(job, "orders", ORDERS, primary_key=["id"])

    ran = write(job, database)
    again = write(job, database, {"source": "orders", "mode": "append"})

    assert (ran.returncode, ran.stderr, again.returncode) == (0, "", 0)
    assert "orders: created, 3 rows (full) in" in ran.stdout
    text = "CAST({} AS CHAR(40))" if database.system == "mariadb" else "CAST({} AS TEXT)"
    columns = ["id", "name", "amount", "ratio", "ok", text.format("day"), text.format("at")]
    rows = database.rows(f"SELECT {', '.join(columns)} FROM orders ORDER BY id")
    assert len(rows) == 6
    first, second, third = rows[0], rows[2], rows[4]
    assert first[:2] == (1, 'a "q"\'s, ž😀')
    assert float(first[2]) == 12345678.0001
    assert first[3:5] == (0.1, True)
    assert first[5] == "2026-02-28"
    assert first[6].startswith("2026-05-04 12:30:00.5")
    assert second[:2] == (2, "")
    assert third[1:3] == (None, None)
    if database.system != "sqlite":
        assert first[2] == Decimal("12345678.0001")
    assert job.progress() == {"done": 3, "total": 3, "text": "3 rows of 1 tables"}


def test_a_full_load_replaces_rows_and_keeps_the_table(job: JobFolder, database: Database) -> None:
    database.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER, note VARCHAR(20) DEFAULT 'none')",
        "INSERT INTO orders VALUES (1, 1, 'old'), (9, 9, 'old')",
        "CREATE VIEW totals AS SELECT total FROM orders",
    )
    give(job, "sums", "SELECT * FROM (VALUES ('1', '10'), ('2', '')) sums(id, total)")

    ran = write(job, database, {"source": "sums", "table": "orders"})

    assert (ran.returncode, ran.stderr) == (0, "")
    # Text fits where it can be read as the column's type, and an empty one is NULL there.
    assert database.rows("SELECT id, total, note FROM orders ORDER BY id") == [(1, 10, "none"), (2, None, "none")]
    assert database.rows("SELECT count(*) FROM totals") == [(2,)]


def test_upsert_by_key(job: JobFolder, database: Database) -> None:
    give(job, "first", "SELECT * FROM (VALUES ('a', 'x', 1), ('b', 'y', 2)) t(k, word, n)", primary_key=["k"])
    give(job, "second", "SELECT * FROM (VALUES ('b', '', 20), ('c', 'z', 30)) t(k, word, n)", primary_key=["k"])
    renamed = [{"name": "k"}, {"name": "word", "to": 'said "so" %s'}, {"name": "n", "type": "numeric(9,2)"}]

    ran = write(
        job,
        database,
        {"source": "first", "table": "t", "mode": "upsert", "columns": renamed},
        {"source": "second", "table": "t", "mode": "upsert", "columns": renamed, "empty_as_null": True},
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    rows = [(k, word, float(n)) for k, word, n in database.rows("SELECT * FROM t ORDER BY 1")]
    assert rows == [("a", "x", 1.0), ("b", None, 20.0), ("c", "z", 30.0)]


def test_upsert_of_nothing_but_keys(job: JobFolder, database: Database) -> None:
    database.execute("CREATE TABLE t (a INTEGER, b INTEGER, UNIQUE (a, b))", "INSERT INTO t VALUES (1, 1)")
    give(job, "t", "SELECT * FROM (VALUES (1, 1), (1, 2)) t(a, b)")

    ran = write(job, database, {"source": "t", "mode": "upsert", "key": ["a", "b"]})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert database.rows("SELECT a, b FROM t ORDER BY b") == [(1, 1), (1, 2)]


def test_a_load_that_fails_changes_nothing(job: JobFolder, database: Database) -> None:
    database.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, word VARCHAR(20) NOT NULL)", "INSERT INTO t VALUES (1, 'kept')"
    )
    give(job, "t", "SELECT * FROM (VALUES (1, 'x'), (2, NULL)) t(id, word)")
    give(job, "twice", "SELECT * FROM (VALUES (5), (5)) t(id)")

    refused = write(job, database, {"source": "t"})
    twice = write(job, database, {"source": "twice", "table": "made", "key": ["id"]})

    assert told(refused).startswith("t: ")
    assert database.rows("SELECT id, word FROM t") == [(1, "kept")]
    assert told(twice) == "twice: several rows have the key id = 5."
    tables = {"sqlite": "sqlite_master WHERE name = 'made'"}.get(
        database.system, "information_schema.tables WHERE table_name = 'made'"
    )
    assert database.rows(f"SELECT count(*) FROM {tables}") == [(0,)]


def test_a_value_that_does_not_fit_its_column(job: JobFolder, server: Database) -> None:
    server.execute("CREATE TABLE t (n INTEGER)")
    give(job, "t", "SELECT * FROM (VALUES ('1'), ('many')) t(n)")

    ran = write(job, server, {"source": "t", "mode": "append"})

    assert "many" in told(ran)
    assert server.rows("SELECT n FROM t") == []


def test_no_rows(job: JobFolder, database: Database) -> None:
    give(job, "none", "SELECT 1 AS id, 'x' AS word LIMIT 0")

    ran = write(job, database)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert database.rows("SELECT id, word FROM none") == []


def test_many_rows(job: JobFolder, database: Database) -> None:
    give(job, "many", "SELECT range AS n, repeat('x', 100) AS word FROM range(50000)")

    ran = write(job, database, {"source": "many", "mode": "upsert", "key": ["n"]})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert database.rows("SELECT count(DISTINCT n), min(length(word)) FROM many") == [(50000, 100)]


def test_a_connection_that_dies_in_the_middle(job: JobFolder, server: Database) -> None:
    """The table is locked by somebody else, so the job is in the middle of its last transaction."""
    server.execute("CREATE TABLE slow (n BIGINT)", "INSERT INTO slow VALUES (7)")
    give(job, "slow", "SELECT range AS n FROM range(10)")
    with server.engine.begin() as holding:
        holding.exec_driver_sql("UPDATE slow SET n = 8")
        killer = threading.Thread(target=server.end_connections, args=("DELETE",))
        killer.start()
        ran = write(job, server)
        killer.join()

    assert " broke at slow: " in told(ran)
    assert server.rows("SELECT n FROM slow") == [(8,)]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            {"source": "nope"},
            "tables[0].source: the input mapping names no table 'nope'. There is orders.",
        ),
        ({"source": "orders", "columns": [{"name": "nope"}]}, "orders: there is no column 'nope'."),
        ({"source": "orders", "key": ["nope"]}, "orders: there is no column 'nope' for the key."),
        (
            {"source": "orders", "mode": "upsert"},
            "tables[0].key: is missing: upsert needs a key, and orders has none of its own.",
        ),
        (
            {"source": "orders", "table": "small", "mode": "append"},
            "small: the table in the database has no column 'name'.",
        ),
        (
            {"source": "orders", "table": "small", "mode": "upsert", "key": ["id"], "columns": [{"name": "id"}]},
            "small: upsert needs a primary key or a unique index on (id) in the database.",
        ),
        (
            {"source": "orders", "columns": [{"name": "id"}, {"name": "name", "to": "ID"}]},
            "orders: two columns would be called 'ID' in the database.",
        ),
    ],
)
def test_what_cannot_be_written_is_named(job: JobFolder, tmp_path: Path, table: dict[str, Any], sentence: str) -> None:
    give(job, "orders", "SELECT 1 AS id, 'x' AS name")
    with fresh("sqlite", tmp_path) as database:
        database.execute("CREATE TABLE small (id INTEGER)")
        ran = write(job, database, table)

    assert told(ran) == sentence


def test_nothing_to_write(job: JobFolder, tmp_path: Path) -> None:
    with fresh("sqlite", tmp_path) as database:
        ran = write(job, database)

    assert told(ran) == "There is nothing to write: the input mapping names no table."


def test_a_sqlite_file_is_made_only_where_it_is_allowed(job: JobFolder, tmp_path: Path) -> None:
    give(job, "orders", "SELECT 1 AS id")

    made = job.run("wr-database", {"system": "sqlite", "file": "new.sqlite"})
    refused = job.run("wr-database", {"system": "sqlite", "file": str(tmp_path.parent / "new.sqlite")})

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "new.sqlite").exists()
    assert "is not below a folder that the administrator allows" in told(refused)
