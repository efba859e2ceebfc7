"""The component `wr-file`: formats, names, and that nobody ever sees half a file."""

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import Column
from jobs.components.wr_file.names import file_name
from orchestrations.components import catalogue
from tests.jobs.components.data_folders import JobFolder, Ran, told

COLUMNS = [
    Column("id", "INTEGER"),
    Column("item"),
    Column("price", "NUMERIC", "9,2"),
    Column("day", "DATE"),
    Column("made", "TIMESTAMP"),
    Column("is_new", "BOOLEAN"),
]
ROWS = (
    "SELECT 1 AS id, 'horn, \"French\"' AS item, 1.50::DECIMAL(9,2) AS price, DATE '2026-05-04' AS day, "
    "TIMESTAMPTZ '2026-05-04 14:30:00+02' AS made, true AS is_new "
    "UNION ALL SELECT 2, E'žluť\\nx', NULL, NULL, NULL, NULL"
)


@pytest.fixture
def given(job: JobFolder) -> JobFolder:
    job.give_parquet("orders", ROWS, COLUMNS)
    return job


def write(job: JobFolder, folder: Path | str, **parameters: Any) -> Ran:
    return job.run("wr-file", {"folder": str(folder), **parameters})


def test_a_table_becomes_a_csv_file(given: JobFolder, allowed: Path) -> None:
    ran = write(given, allowed)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"orders: 2 rows to {allowed}/orders.csv.\n"
    assert (allowed / "orders.csv").read_text(encoding="utf-8") == (
        "id,item,price,day,made,is_new\n"
        '1,"horn, ""French""",1.50,2026-05-04,2026-05-04 12:30:00,true\n'
        '2,"žluť\nx",,,,\n'
    )
    assert [file.name for file in allowed.iterdir()] == ["orders.csv"]
    assert given.progress()["text"] == "Writing orders.csv"


def test_the_signs_of_csv_can_be_chosen_and_it_can_be_packed(given: JobFolder, allowed: Path) -> None:
    write(given, allowed, gzip=True, csv={"delimiter": "\\t", "has_header": False, "quotes_all": True})

    text = gzip.decompress((allowed / "orders.csv.gz").read_bytes()).decode()
    assert text.startswith('"1"\t"horn, ""French"""\t"1.50"\t')


def test_a_table_becomes_json_lines(given: JobFolder, allowed: Path) -> None:
    write(given, allowed, format="json-lines")

    first, second = map(json.loads, (allowed / "orders.jsonl").read_text(encoding="utf-8").splitlines())
    assert first == {
        "id": 1,
        "item": 'horn, "French"',
        "price": 1.5,
        "day": "2026-05-04",
        "made": "2026-05-04T12:30:00.000000Z",
        "is_new": True,
    }
    assert (second["item"], second["price"]) == ("žluť\nx", None)


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_becomes_parquet(given: JobFolder, allowed: Path, packed: bool) -> None:
    write(given, allowed, format="parquet", gzip=packed)

    assert (
        duckdb.connect().execute(f"SELECT count(*), sum(price) FROM '{allowed}/orders.parquet'").fetchall()[0][0] == 2
    )


def test_parts_older_than_a_column_and_tables_without_rows_are_written(job: JobFolder, allowed: Path) -> None:
    columns = [Column("id", "INTEGER"), Column("new"), Column("newest", "NUMERIC")]
    job.give_parquet("orders", "SELECT 1::BIGINT AS id", columns)
    job.give_parquet("orders", "SELECT 'x' AS new, 2::BIGINT AS id", columns)
    job.give_parquet("none", "", columns)

    ran = write(job, allowed)

    assert ran.returncode == 0, ran.stderr
    assert (allowed / "orders.csv").read_text() == "id,new,newest\n1,,\n2,x,\n"
    assert (allowed / "none.csv").read_text() == "id,new,newest\n"


def test_a_name_is_made_of_table_date_and_time(given: JobFolder, tmp_path: Path) -> None:
    ran = write(given, "reports/", name="{date}/{table}_{time}", time_zone="Pacific/Kiritimati")

    assert ran.returncode == 0, ran.stderr
    (file,) = (tmp_path / "project").rglob("*.csv")
    assert re.fullmatch(r"reports/\d{4}-\d\d-\d\d/orders_\d{6}\.csv", str(file.relative_to(tmp_path / "project")))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{table}", "in.c-a.b_c.csv"),
        ("{table}.csv", "in.c-a.b_c.csv"),
        (" x/{date} ", "x/2026-05-04.csv"),
        ("{date}T{time}", "2026-05-04T093005.csv"),
    ],
)
def test_placeholders_are_filled_in(pattern: str, name: str) -> None:
    assert file_name(pattern, "in.c-a.b/c", datetime(2026, 5, 4, 9, 30, 5), ".csv") == name  # noqa: DTZ001


@pytest.mark.parametrize(
    "pattern", ["../{table}", "a/../b", "/{table}", "a//b", "{tabel}", "{}", "x\ny", ".x", "x" * 201, "a/"]
)
def test_what_is_no_name_is_refused(pattern: str) -> None:
    with pytest.raises(UserError, match=r"^name: "):
        file_name(pattern, "orders", datetime(2026, 5, 4), ".csv")  # noqa: DTZ001


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"folder": "/etc"}, "/etc/lines.csv: is not below a folder that the administrator allows"),
        ({"folder": "../out"}, "is not below a folder that the administrator allows"),
        ({"folder": "x", "name": "all"}, "name: two tables would be written to all.csv; put {table} into the name."),
        ({"folder": "x", "time_zone": "Mars/Base"}, "time_zone: 'Mars/Base' is not a time zone such as Europe/Prague."),
        ({"folder": "taken"}, "project/taken: no file can be written there: "),
        ({"folder": "folder"}, "project/folder/orders.csv: is a folder."),
        ({"folder": "there", "if_exists": "error"}, "orders.csv: is there already, and is not to be replaced."),
    ],
)
def test_what_cannot_be_written_is_told(given: JobFolder, tmp_path: Path, parameters: Any, what: str) -> None:
    given.give_parquet("lines", "SELECT 1 AS id", [Column("id", "INTEGER")])
    (tmp_path / "project/taken").write_text("a file")
    (tmp_path / "project/folder/orders.csv").mkdir(parents=True)
    (tmp_path / "project/there").mkdir()
    (tmp_path / "project/there/orders.csv").write_text("before")

    assert what in told(write(given, **parameters))
    assert (tmp_path / "project/there/orders.csv").read_text() == "before"


def test_without_tables_there_is_nothing_to_write(job: JobFolder, allowed: Path) -> None:
    assert told(write(job, allowed)) == "No table is mapped: choose the tables to write as input tables."


def test_a_folder_to_be_read_only_is_not_written(given: JobFolder, allowed: Path) -> None:
    given.environment["TUTTI_FILES_DIRS"] = f"{allowed}:ro"

    sentence = told(write(given, allowed))

    assert sentence.endswith("lies in a folder that the administrator allows for reading only (TUTTI_FILES_DIRS).")


def test_an_error_in_a_later_table_leaves_everything_as_it_was(given: JobFolder, allowed: Path) -> None:
    (allowed / "orders.csv").write_text("before")
    given.give_parquet("zero", "SELECT 1 AS id", [Column("id", "INTEGER")])
    (given.data / "in/tables/zero.parquet/part-00000.parquet").write_bytes(b"PAR1 broken PAR1")

    ran = write(given, allowed)

    assert ran.returncode == 2
    assert (allowed / "orders.csv").read_text() == "before"
    assert [file.name for file in allowed.iterdir()] == ["orders.csv"]


def test_stopped_in_the_middle_it_leaves_the_old_file_and_nothing_else(given: JobFolder, allowed: Path) -> None:
    (allowed / "huge.csv").write_text("before")
    columns = [Column("id", "INTEGER"), Column("text")]
    given.give_parquet("huge", "SELECT range AS id, repeat('x', 200) AS text FROM range(3000000)", columns)
    drafts = ".huge.csv.*.part"

    with started(given, allowed) as process:
        while process.poll() is None and not any(file.stat().st_size for file in allowed.glob(drafts)):
            time.sleep(0.005)  # until it writes
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    assert process.returncode == 143
    assert list(allowed.glob(drafts)) == []
    assert (allowed / "huge.csv").read_text() == "before"


@contextmanager
def started(job: JobFolder, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (job.data / "config.json").write_text(json.dumps({"parameters": {"folder": str(folder)}}))
    words = catalogue.get("wr-file").command
    assert words is not None
    with subprocess.Popen(words, env=job.environment, cwd=job.data, stdout=subprocess.DEVNULL) as process:
        yield process
