"""The component `ex-database` as its own process, against SQLite, PostgreSQL and MariaDB."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.jobs.components.data_folders import JobFolder, told
from tests.jobs.components.databases import SERVERS, SYSTEMS, Database, fresh

TYPES = {
    "sqlite": "id INTEGER PRIMARY KEY, name TEXT, amount DECIMAL(12,4), ratio REAL, ok BOOLEAN, day DATE, at TIMESTAMP",
    "postgresql": "id bigint PRIMARY KEY, name text, amount numeric(12,4), ratio double precision, ok boolean, "
    "day date, at timestamptz",
    "mariadb": "id BIGINT PRIMARY KEY, name TEXT CHARACTER SET utf8mb4, amount DECIMAL(12,4), ratio DOUBLE, "
    "ok TINYINT(1), day DATE, at DATETIME(6)",
}
AT = {"sqlite": "2026-05-04 12:30:00.5", "postgresql": "2026-05-04 14:30:00.5+02", "mariadb": "2026-05-04 12:30:00.5"}


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


def read(job: JobFolder, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
    parts = f"read_parquet('{job.out_tables}/{name}.parquet/*.parquet')"
    return duckdb.execute(f"SELECT {columns} FROM {parts} ORDER BY 1").fetchall()


def types_of(job: JobFolder, name: str) -> dict[str, str]:
    schema = job.manifest(f"{name}.parquet")["schema"]
    base = {column["name"]: column["data_type"]["base"] for column in schema}
    return {
        name: f"{each['type']}({each['length']})" if "length" in each else each["type"] for name, each in base.items()
    }


def test_a_table_keeps_its_types_and_its_nulls(job: JobFolder, database: Database) -> None:
    at = AT[database.system]
    true = "1" if database.system != "postgresql" else "true"
    database.execute(
        f"CREATE TABLE orders ({TYPES[database.system]})",
        f"INSERT INTO orders VALUES (1, 'a \"q\"''s, ž😀', 12345678.0001, 0.1, {true}, '2026-02-28', '{at}'), "
        "(2, '', -0.5, NULL, NULL, NULL, NULL), (3, NULL, NULL, 1, NULL, NULL, NULL)",
    )

    ran = job.run("ex-database", {**database.parameters, "tables": [{"table": "orders"}]})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "orders: 3 rows in" in ran.stdout
    boolean = {"mariadb": "INTEGER"}.get(database.system, "BOOLEAN")
    digits = {"sqlite": "38,9"}.get(database.system, "12,4")
    assert types_of(job, "orders") == {
        "id": "INTEGER",
        "name": "STRING",
        "amount": f"NUMERIC({digits})",
        "ratio": "FLOAT",
        "ok": boolean,
        "day": "DATE",
        "at": "TIMESTAMP",
    }
    assert job.manifest("orders.parquet")["primary_key"] == ["id"]
    assert job.manifest("orders.parquet")["incremental"] is False
    columns = 'id, name, amount::VARCHAR, ratio, ok::INT, day::VARCHAR, epoch_us("at")'
    amount = "12345678.000100000" if database.system == "sqlite" else "12345678.0001"
    first, second, third = read(job, "orders", columns)
    assert first == (1, 'a "q"\'s, ž😀', amount, 0.1, 1, "2026-02-28", 1777897800500000)
    assert second[:2] == (2, "")
    assert second[3:] == (None, None, None, None)
    assert third == (3, None, None, 1.0, None, None, None)
    assert job.progress() == {"done": 3, "total": 3, "text": "3 rows of 1 tables"}


def test_columns_queries_and_views(job: JobFolder, database: Database) -> None:
    database.execute(
        "CREATE TABLE numbers (n INTEGER, square INTEGER, word VARCHAR(20))",
        "INSERT INTO numbers VALUES (1, 1, 'one'), (2, 4, 'two'), (3, 9, 'three')",
        "CREATE VIEW large AS SELECT n, square FROM numbers WHERE n > 1",
    )
    query = "SELECT n AS number, '100 % :sure ?' AS said FROM numbers WHERE word LIKE 't%' ;"

    ran = job.run(
        "ex-database",
        {
            **database.parameters,
            "tables": [
                {"table": "numbers", "columns": ["word", "n"], "primary_key": ["n"]},
                {"table": "large"},
                {"query": query, "output": "few"},
                {"query": "SELECT * FROM numbers WHERE n > 99", "output": "none"},
            ],
        },
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert read(job, "numbers") == [("one", 1), ("three", 3), ("two", 2)]
    assert job.manifest("numbers.parquet")["primary_key"] == ["n"]
    assert read(job, "large") == [(2, 4), (3, 9)]
    assert read(job, "few") == [(2, "100 % :sure ?"), (3, "100 % :sure ?")]
    assert read(job, "none") == []
    assert list(types_of(job, "none")) == ["n", "square", "word"]


def test_only_what_is_new(job: JobFolder, database: Database) -> None:
    database.execute(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, at TIMESTAMP NULL, word VARCHAR(20))",
        "INSERT INTO events VALUES (1, '2026-01-01 10:00:00', 'a'), (2, '2026-01-02 10:00:00.25', 'b'), (3, NULL, 'c')",
    )
    wanted = {**database.parameters, "tables": [{"table": "events", "incremental_column": "at"}]}

    first = job.run("ex-database", wanted)
    database.execute(
        "INSERT INTO events VALUES (4, '2026-01-03 10:00:00', 'd')",
        "UPDATE events SET at = '2026-01-03 09:00:00', word = 'A' WHERE id = 1",
    )
    after = job.following("second")
    second = after.run("ex-database", wanted)
    last = after.following("third")
    third = last.run("ex-database", wanted)
    again = last.following("fourth")
    other = {**database.parameters, "tables": [{"table": "events", "incremental_column": "id"}]}
    fourth = again.run("ex-database", other)

    assert [ran.returncode for ran in (first, second, third, fourth)] == [0, 0, 0, 0]
    assert [row[0] for row in read(job, "events")] == [1, 2, 3]
    assert not job.manifest("events.parquet")["incremental"]
    seen = [row[0] for row in read(after, "events", "id")]
    # MariaDB's TIMESTAMP keeps whole seconds, so its second row is on the mark as well.
    assert seen == [1, 2, 4]
    assert after.manifest("events.parquet")["incremental"]
    assert after.manifest("events.parquet")["primary_key"] == ["id"]
    assert [row[0] for row in read(last, "events", "id")] == [4]
    assert last.next_state()["tables"]["events"]["column"] == "at"
    assert [row[0] for row in read(again, "events", "id")] == [1, 2, 3, 4]
    assert again.next_state()["tables"]["events"] == {"column": "id", "type": "INTEGER", "value": "4"}


def test_without_a_key_the_mark_itself_is_not_read_again_and_an_empty_result_keeps_it(
    job: JobFolder, database: Database
) -> None:
    database.execute("CREATE TABLE log (n INTEGER, word VARCHAR(9))", "INSERT INTO log VALUES (1, 'a'), (2, 'b')")
    wanted = {
        **database.parameters,
        "tables": [{"query": "SELECT n, word FROM log -- all of it", "output": "log", "incremental_column": "n"}],
    }
    job.run("ex-database", wanted)

    after = job.following("second")
    ran = after.run("ex-database", wanted)

    assert ran.returncode == 0, ran.stderr
    assert read(after, "log") == []
    assert after.next_state() == job.next_state()


def test_binary_durations_and_large_numbers_become_text(job: JobFolder, server: Database) -> None:
    statements = {
        "postgresql": "SELECT '\\x00ff'::bytea AS b, '25:00:01.5'::interval AS t, "
        "18446744073709551615::numeric(20) AS u, '{\"a\": 1.10}'::jsonb AS j, "
        "ARRAY['x', 'ž'] AS l, 1.23::numeric AS free, '12345678-1234-5678-1234-567812345678'::uuid AS id",
        "mariadb": "SELECT x'00ff' AS b, CAST('25:00:01.5' AS TIME(1)) AS t, "
        "CAST(18446744073709551615 AS UNSIGNED) AS u, JSON_OBJECT('a', 1) AS j, 1.5e0 AS free",
    }

    ran = job.run(
        "ex-database", {**server.parameters, "tables": [{"query": statements[server.system], "output": "odd"}]}
    )

    assert ran.returncode == 0, ran.stderr
    types = types_of(job, "odd")
    row = dict(zip(types, read(job, "odd")[0], strict=True))
    assert (row["b"], row["t"], str(row["u"])) == ("AP8=", "25:00:01.5", "18446744073709551615")
    assert (types["u"], types["j"]) == ("NUMERIC(20,0)", "STRING")
    if server.system == "postgresql":
        assert (row["j"], row["l"], str(row["free"]), types["free"]) == (
            '{"a": 1.1}',
            '["x", "ž"]',
            "1.230000000",
            "NUMERIC(38,9)",
        )


def test_many_rows_go_through_in_parts(job: JobFolder, server: Database) -> None:
    series = {
        "postgresql": "SELECT g AS n, repeat('x', 10000) AS word FROM generate_series(1, 15000) g",
        "mariadb": "SELECT seq AS n, repeat('x', 10000) AS word FROM seq_1_to_15000",
    }

    ran = job.run("ex-database", {**server.parameters, "tables": [{"query": series[server.system], "output": "many"}]})

    assert ran.returncode == 0, ran.stderr
    assert read(job, "many", "count(*), count(DISTINCT n), min(length(word))") == [(15000, 15000, 10000)]
    assert len(list((job.out_tables / "many.parquet").iterdir())) == 2
    assert list((job.root / "tmp").glob("*.csv")) == []


def test_what_is_read_cannot_be_changed(job: JobFolder, server: Database) -> None:
    server.execute("CREATE TABLE kept (n INTEGER)", "INSERT INTO kept VALUES (1)")

    ran = job.run("ex-database", {**server.parameters, "tables": [{"query": "DELETE FROM kept", "output": "kept"}]})

    assert ran.returncode == 1
    assert server.rows("SELECT n FROM kept") == [(1,)]


def test_a_connection_that_dies_in_the_middle(job: JobFolder, server: Database) -> None:
    slow = {
        "postgresql": "SELECT g AS slow, pg_sleep(0.01) FROM generate_series(1, 100000) g",
        "mariadb": "SELECT seq AS slow, sleep(0.01) AS s FROM seq_1_to_100000",
    }
    killer = threading.Thread(target=server.end_connections)
    killer.start()

    ran = job.run("ex-database", {**server.parameters, "tables": [{"query": slow[server.system], "output": "slow"}]})

    killer.join()
    assert " broke at the query for slow: " in told(ran)
    assert not (job.out_tables / "slow.parquet.manifest").exists()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"table": "order"}, "There is no table order in the database. There is orders."),
        ({"table": "orders", "columns": ["nope"]}, "orders: there is no column 'nope'."),
        ({"table": "orders", "primary_key": ["nope"]}, "orders: there is no column 'nope' for the primary key."),
        (
            {"query": "SELECT 1 AS a, 2 AS a", "output": "x"},
            "the query for x: two columns are called 'a'; give one another name with AS.",
        ),
        ({"query": "SELECT 1 AS a"}, "tables[0].output: give the output table a name."),
        ({"output": "x"}, "tables[0]: give either a table or a query."),
    ],
)
def test_what_cannot_be_read_is_named(job: JobFolder, database: Database, table: dict[str, Any], sentence: str) -> None:
    database.execute("CREATE TABLE orders (n INTEGER)")

    ran = job.run("ex-database", {**database.parameters, "tables": [table]})

    assert told(ran) == sentence


def test_a_faulty_query_is_told_in_the_words_of_the_database(job: JobFolder, database: Database) -> None:
    ran = job.run("ex-database", {**database.parameters, "tables": [{"query": "SELEC 1", "output": "x"}]})

    assert "syntax" in told(ran)


def test_an_empty_table_of_another_schema(job: JobFolder, server: Database) -> None:
    schema = "sales" if server.system == "postgresql" else server.parameters["database"]
    if server.system == "postgresql":
        server.execute("CREATE SCHEMA sales")
    server.execute(f"CREATE TABLE {schema}.orders (n INTEGER)")

    ran = job.run("ex-database", {**server.parameters, "tables": [{"table": f"{schema}.orders"}]})

    assert ran.returncode == 0, ran.stderr
    assert read(job, "orders") == []


# --- The address -------------------------------------------------------------------------------


def test_a_connection_is_tested(job: JobFolder, database: Database) -> None:
    ran = job.run("ex-database", {**database.parameters, "tables": [{"table": "x"}]}, action="testConnection")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("The connection works: ")


@pytest.mark.mariadb
def test_a_wrong_password_is_told_without_it(job: JobFolder, tmp_path: Path) -> None:
    with fresh("mariadb", tmp_path) as database:
        name = database.parameters["database"]
        database.execute(f"CREATE USER {name}@'%' IDENTIFIED BY 'right'", f"GRANT ALL ON {name}.* TO {name}@'%'")
        try:
            given = {**database.parameters, "user": name, "tables": [{"query": "SELECT 1 AS n", "output": "x"}]}
            right = job.run("ex-database", {**given, "#password": "right"})
            wrong = job.following("wrong").run("ex-database", {**given, "#password": "s3cr3t/ž"})
            url = f"mysql://{name}:s3cr3t%2F@{given['host']}:{given.get('port', 3306)}/{name}"
            by_url = job.following("url").run("ex-database", {"#url": url, "tables": given["tables"]})
        finally:
            database.execute(f"DROP USER {name}@'%'")

    assert right.returncode == 0, right.stderr
    for ran in (wrong, by_url):
        assert f"refused the user {name}: check user and password." in told(ran)
        assert "s3cr3t" not in ran.stdout + ran.stderr


def test_postgresql_refuses_a_password(job: JobFolder) -> None:
    message = b'SFATAL\0C28P01\0Mpassword authentication failed for user "ann"\0\0'
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=refuse, args=(listening, message))
        answering.start()
        port = listening.getsockname()[1]
        ran = job.run(
            "ex-database",
            {"#url": f"postgresql://ann:s3cr3t@127.0.0.1:{port}/sales", "tables": [{"table": "x"}]},
            action="testConnection",
        )
        answering.join()

    title = f"PostgreSQL at 127.0.0.1:{port}, database sales"
    assert told(ran) == f"{title} refused the user ann: check user and password."


def refuse(listening: socket.socket, message: bytes) -> None:
    """A server of PostgreSQL that lets nobody in: first the question for TLS (or GSS), then the one for entry."""
    answer = b"E" + (len(message) + 4).to_bytes(4, "big") + message
    connection, _ = listening.accept()
    with connection:
        while True:
            length = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
            code = int.from_bytes(connection.recv(length - 4, socket.MSG_WAITALL)[:4], "big")
            if code == 196608:
                connection.sendall(answer)
                return
            connection.sendall(b"N")


def test_nobody_listens(job: JobFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    ran = job.run(
        "ex-database",
        {"system": "mariadb", "host": "127.0.0.1", "port": port, "database": "d", "tables": [{"table": "x"}]},
    )

    assert told(ran).startswith(f"MariaDB at 127.0.0.1:{port}, database d cannot be reached: ")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"system": "postgresql", "database": "d"}, "host: is missing."),
        ({"system": "postgresql", "host": "h"}, "database: is missing."),
        ({"system": "sqlite"}, "file: is missing."),
        (
            {"system": "postgresql", "host": "/run/postgresql", "database": "d"},
            "host: '/run/postgresql' is not the name or the address of a machine.",
        ),
        (
            {"#url": "oracle://u:s3cr3t@h/d"},
            "#url: databases of the kind 'oracle' cannot be reached; it begins with postgresql://, mariadb:// or sqlite:///.",
        ),
        (
            {"#url": "mysql://u:s3cr3t@h/d?read_default_file=/etc/my.cnf"},
            "#url: the option 'read_default_file' cannot be given.",
        ),
        ({"#url": "s3cr3t"}, "#url: cannot be read; it looks like postgresql://user:password@host:5432/database."),
        (
            {"system": "sqlite", "file": "/etc/passwd"},
            "/etc/passwd: is not below a folder that the administrator allows by TUTTI_FILES_DIRS.",
        ),
        ({"system": "sqlite", "file": "nothing.sqlite"}, "file: there is no file nothing.sqlite."),
    ],
)
def test_an_address_that_cannot_be(job: JobFolder, given: dict[str, Any], sentence: str) -> None:
    ran = job.run("ex-database", {**given, "tables": [{"table": "x"}]})

    assert told(ran) == sentence


# --- SQLite, where nobody watches over types ------------------------------------------------------


def test_a_value_that_is_not_of_its_columns_type(job: JobFolder, tmp_path: Path) -> None:
    with fresh("sqlite", tmp_path) as database:
        database.execute("CREATE TABLE t (a TEXT, n INTEGER)", "INSERT INTO t VALUES ('x', 1), ('y', 'many')")
        wanted = {**database.parameters, "tables": [{"table": "t"}]}
        ran = job.run("ex-database", wanted)
        text = job.following("text")
        as_text = text.run("ex-database", {**database.parameters, "tables": [{"table": "t", "as_text": True}]})

    assert told(ran) == (
        "t: row 2, column 'n': 'many' is not of the type INTEGER. "
        'Choose "Every column as text" for this table to read it all the same.'
    )
    assert as_text.returncode == 0
    assert read(text, "t", "n") == [("1",), ("many",)]


def test_a_query_cannot_open_another_file(job: JobFolder, tmp_path: Path) -> None:
    with fresh("sqlite", tmp_path) as database:
        queries = [f"ATTACH '{tmp_path}/other.sqlite' AS other", f"VACUUM INTO '{tmp_path}/other.sqlite'"]
        for place, query in enumerate(queries):
            ran = job.following(f"job{place}").run(
                "ex-database", {**database.parameters, "tables": [{"query": query, "output": "x"}]}
            )
            assert ran.returncode == 1

    assert not (tmp_path / "other.sqlite").exists()
