"""The component `sql-transformation` as its own process."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.jobs.components.data_folders import JobFolder, Ran, told
from tests.jobs.components.parquet_inputs import give


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "job")


def transform(job: JobFolder, code: str, *outputs: str) -> Ran:
    tables = [{"source": name, "destination": f"out.c-test.t{place}"} for place, name in enumerate(outputs)]
    return job.run("sql-transformation", {"code": code}, storage={"output": {"tables": tables}})


def read(job: JobFolder, name: str) -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(f"SELECT * FROM '{job.out_tables}/{name}.parquet' ORDER BY ALL").fetchall()


def message(ran: Ran) -> list[str]:
    """The lines of an error of the user."""
    assert ran.returncode == 1, (ran.returncode, ran.stdout, ran.stderr)
    return ran.stderr.splitlines()


def test_statements_run_in_order_on_the_mapped_tables(job: JobFolder) -> None:
    give(job, "orders", "SELECT range AS id, range % 3 AS customer, range * 1.5 AS amount FROM range(10)")
    give(job, "in.c-crm.customers", "SELECT * FROM (VALUES (0, 'Ann'), (1, 'Žofie')) c(id, name)")
    code = """-- what everybody has spent;
    CREATE TABLE sums AS
        SELECT customer, sum(amount) AS total, count(*) AS orders FROM orders GROUP BY customer;

    /* a view
       is kept as well */ CREATE VIEW named AS
        SELECT name, total FROM sums JOIN "in.c-crm.customers" c ON c.id = customer;
    DELETE FROM sums WHERE customer = 2;
    SELECT error('never') FROM sums WHERE total < 0"""

    ran = transform(job, code, "Sums", "named")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert read(job, "named") == [("Ann", 27), ("Žofie", 18)]
    assert [row[0] for row in read(job, "Sums")] == [0, 1]
    lines = ran.stdout.splitlines()
    assert lines[2].startswith("Statement 1 (line 2): CREATE TABLE sums AS SELECT customer, sum(amount) AS total")
    assert ": 3 rows in 0." in lines[2]
    assert lines[3].startswith("Statement 2 (line 6): CREATE VIEW named AS SELECT name")
    assert lines[4].startswith("Statement 3 (line 8): DELETE FROM sums WHERE customer = 2: 1 row in 0.")
    assert lines[6].startswith("Output table Sums: 2 rows in 0.")
    assert job.progress() == {"done": 4, "total": 4, "text": "4 statements"}


def test_types_of_duckdb_become_types_of_tables(job: JobFolder) -> None:
    code = """CREATE TYPE mood AS ENUM ('good');
    CREATE TABLE t AS SELECT 1::TINYINT AS a, 2::UBIGINT AS b, 1.50::DECIMAL(5, 2) AS c, 1.5::FLOAT AS d, true AS e,
        DATE '2026-01-01' AS f, TIMESTAMP '2026-01-01 10:00:00' AS g, 'good'::mood AS h, ['x', NULL] AS i,
        {'k': 1} AS j, '\\xAA'::BLOB AS k, NULL AS l, uuid '12345678-1234-5678-1234-567812345678' AS m"""

    ran = transform(job, code, "t")

    assert (ran.returncode, ran.stderr) == (0, "")
    schema = job.manifest("t.parquet")["schema"]
    assert [column["data_type"]["base"] for column in schema] == [
        {"type": "INTEGER"},
        {"type": "NUMERIC", "length": "38,0"},
        {"type": "NUMERIC", "length": "5,2"},
        {"type": "FLOAT"},
        {"type": "BOOLEAN"},
        {"type": "DATE"},
        {"type": "TIMESTAMP"},
        *[{"type": "STRING"}] * 6,
    ]
    row = duckdb.connect().execute(f"SELECT h, i, j, k, l, m FROM '{job.out_tables}/t.parquet'").fetchone()
    assert row == ("good", '["x",null]', '{"k":1}', "qg==", None, "12345678-1234-5678-1234-567812345678")


def test_a_timestamp_has_its_zone_also_where_there_are_no_files_or_older_ones(job: JobFolder) -> None:
    schema = [{"name": "id", "data_type": {"base": {"type": "INTEGER"}}}]
    schema += [{"name": "moment", "data_type": {"base": {"type": "TIMESTAMP"}}}]
    for name in ("empty", "older"):
        give(job, name, "SELECT 1 AS id", schema=schema)
    for part in (job.data / "in/tables/empty.parquet").iterdir():
        part.unlink()

    ran = transform(
        job, "CREATE TABLE t AS SELECT typeof(moment) AS kind FROM older; CREATE TABLE u AS FROM empty", "t", "u"
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert read(job, "t") == [("TIMESTAMP WITH TIME ZONE",)]
    kinds = duckdb.connect().execute(f"DESCRIBE SELECT moment FROM '{job.out_tables}/u.parquet'").fetchall()
    assert kinds[0][1] == "TIMESTAMP WITH TIME ZONE"


def test_no_rows_and_no_files(job: JobFolder) -> None:
    give(job, "empty", "SELECT 1 AS id LIMIT 0")
    give(
        job,
        "bare",
        "SELECT 1 AS id",
        schema=[{"name": "id", "data_type": {"base": {"type": "INTEGER"}}}, {"name": "word"}],
    )
    for part in (job.data / "in/tables/bare.parquet").iterdir():
        part.unlink()

    ran = transform(job, "CREATE TABLE t AS SELECT id FROM empty UNION ALL SELECT id FROM bare", "t", "bare")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert read(job, "t") == read(job, "bare") == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (
            "CREATE TABLE a AS SELECT 1 AS x;\n\nSELECT\n  'ž', nope\nFROM a;",
            [
                'Statement 2, line 4: Referenced column "nope" not found in FROM clause! Candidate bindings: "x".',
                "  'ž', nope",
                "       ^",
            ],
        ),
        (
            "CREATE TABLE a AS SELECT ';' AS x;\n-- so far\nSELEC 1;",
            ['Statement 2, line 3: syntax error at or near "SELEC".', "SELEC 1;", "^"],
        ),
        (
            "SELECT 1;\nSELECT error('out of ' || 'stock')",
            ["Statement 2, line 2: out of stock.", "SELECT error('out of ' || 'stock')"],
        ),
        (" \n-- nothing\n", ["code: there is no statement."]),
        (
            "CREATE TABLE a AS SELECT 1 AS x",
            ["The output mapping wants 'kept', and no statement made a table or view of that name. There is a."],
        ),
    ],
)
def test_an_error_names_its_place(job: JobFolder, code: str, lines: list[str]) -> None:
    assert message(transform(job, code, "kept")) == lines


def test_a_long_line_is_cut_around_the_place(job: JobFolder) -> None:
    code = (
        f"SELECT {', '.join(f'{n} AS c{n}' for n in range(200))}, nope, {', '.join(f'{n} AS d{n}' for n in range(200))}"
    )

    _, line, mark = message(transform(job, code))

    assert len(line) == 100
    assert line[len(mark) - 1 :].startswith("nope,")


def test_an_error_inside_a_view_is_not_placed_in_the_statement_that_uses_it(job: JobFolder) -> None:
    code = (
        "CREATE VIEW v AS SELECT 'x'::VARCHAR AS a; CREATE TABLE t AS SELECT a FROM v;\nDROP VIEW v;\nSELECT   a FROM v"
    )

    first, line, mark = message(transform(job, code))

    assert first.startswith("Statement 4, line 3: Table with name v does not exist!")
    assert line[len(mark) - 1 :] == "v"


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{folder}/x.csv'",
        "COPY orders TO '{part}' (FORMAT parquet)",
        "COPY (PIVOT orders ON id USING count(*)) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "/* a /* b */ c */ COPY (PIVOT orders ON id USING count(*)) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "WITH x AS (COPY orders TO '{part}' (FORMAT csv, USE_TMP_FILE false)) SELECT * FROM x",
        "WITH x(n)AS NOT MATERIALIZED(/*-*/copy orders TO '{part}' (FORMAT csv, USE_TMP_FILE false)) SELECT n FROM x",
        "CREATE TABLE t AS WITH é AS (COPY orders TO '{part}' (FORMAT csv, USE_TMP_FILE false)) SELECT * FROM é",
        "EXPLAIN ANALYZE COPY orders TO '{part}' (FORMAT parquet)",
        "PREPARE p AS COPY orders TO '{part}' (FORMAT parquet)",
        "EXPORT DATABASE '{folder}/x'",
        "ATTACH '{folder}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "RESET allowed_directories",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_text('{folder}/secret.txt')",
        "SELECT * FROM read_text('{folder}/job/data/out/tables/../../config.json')",
        "SELECT * FROM '{folder}/link.csv'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "SELECT * FROM query('COPY (SELECT 1) TO ''{folder}/x.csv''')",
        "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    ],
)
def test_only_the_jobs_own_tables_can_be_reached(job: JobFolder, tmp_path: Path, statement: str) -> None:
    give(job, "orders", "SELECT 1 AS id UNION ALL SELECT 2")
    part = job.data / "in/tables/orders.parquet/part-00000.parquet"
    before = part.read_bytes()
    (tmp_path / "secret.txt").write_text("s3cr3t")
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    there = set(tmp_path.iterdir())

    ran = transform(job, statement.format(folder=tmp_path, part=part))

    assert ran.returncode == 1, ran.stdout
    assert "s3cr3t" not in ran.stdout + ran.stderr
    assert part.read_bytes() == before
    assert set(tmp_path.iterdir()) == there


def test_copy_may_be_a_word_of_a_persons_own(job: JobFolder) -> None:
    give(job, "orders", "SELECT 1 AS id, 2 AS copy UNION ALL SELECT 3, 4")

    ran = transform(
        job, "CREATE TABLE t AS WITH x AS (SELECT 'AS (COPY' AS said, sum(copy) AS copy FROM orders) SELECT copy FROM x"
    )

    assert ran.returncode == 0, ran.stderr


def test_parts_may_be_links_to_files_elsewhere(job: JobFolder, tmp_path: Path) -> None:
    give(job, "orders", "SELECT 1 AS id UNION ALL SELECT 2")
    for part in sorted((job.data / "in/tables/orders.parquet").iterdir()):
        part.rename(tmp_path / part.name)
        part.symlink_to(tmp_path / part.name)

    ran = transform(job, "CREATE TABLE t AS SELECT sum(id) AS s FROM orders", "t")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert read(job, "t") == [(3,)]


def test_more_than_fits_into_memory_goes_by_the_disk_and_leaves_nothing_there(job: JobFolder) -> None:
    code = """CREATE TABLE t AS SELECT range AS n, repeat(md5(range::VARCHAR), 20) AS a FROM range(1000000);
    CREATE TABLE s AS SELECT count(*) AS c, min(length(a)) AS l FROM t"""

    ran = transform(job, code, "s")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert read(job, "s") == [(1000000, 640)]
    assert [file for file in (job.root / "tmp").rglob("*") if file.is_file()] == []


def test_an_unknown_action(job: JobFolder) -> None:
    ran = job.run("sql-transformation", {"code": "SELECT 1"}, action="explode")

    assert told(ran) == "action: there is no action 'explode'."
