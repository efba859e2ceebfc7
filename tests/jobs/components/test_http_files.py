"""The component `ex-http`: formats, several files, what has changed, and the state between two jobs."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.components.ex_http.sources import find_files
from jobs.components.shared.errors import UserError
from jobs.components.shared.folders import AllowedFolder, AllowedFolders
from tests.jobs.components.data_folders import JobFolder, Ran, told
from tests.jobs.components.web import Reply, Web

ORDERS = b"id,item\n1,horn\n2,drum\n"


def load(job: JobFolder, addresses: str | list[str], *, table: str = "orders", **options: Any) -> Ran:
    own = {name: options.pop(name) for name in list(options) if name not in TABLE_OPTIONS}
    addresses = [addresses] if isinstance(addresses, str) else addresses
    return job.run("ex-http", {"tables": [{"table": table, "addresses": addresses, **options}], **own})


TABLE_OPTIONS = {"format", "csv", "primary_key", "incremental"}


def rows(job: JobFolder, name: str = "orders.csv") -> list[list[str]]:
    """What the stage of Storage would read: the columns of the manifest or the header, then the rows."""
    manifest = job.manifest(name)
    path = job.out_tables / name
    found = [manifest["columns"]] if "columns" in manifest else []
    for part in sorted(path.iterdir()) if path.is_dir() else [path]:
        with part.open(encoding="utf-8", newline="") as file:
            found += csv.reader(file, delimiter=manifest["delimiter"], quotechar=manifest["enclosure"])
    return found


def test_a_csv_file_of_the_web_becomes_a_table_as_it_is(job: JobFolder, web: Web) -> None:
    ran = load(job, web.on("/orders.csv", Reply(ORDERS)), primary_key=["id"], incremental=True)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "orders: orders.csv, 22 bytes.\n"
    assert (job.out_tables / "orders.csv").read_bytes() == ORDERS
    assert job.manifest("orders.csv") == {
        "incremental": True,
        "primary_key": ["id"],
        "delimiter": ",",
        "enclosure": '"',
    }
    assert job.progress()["text"] == "Downloading orders, table 1 of 1"
    assert list((job.root / "tmp").iterdir()) == []


def test_a_whole_id_is_the_destination(job: JobFolder, web: Web) -> None:
    load(job, web.on("/orders.csv", Reply(ORDERS)), table="in.c-shop.orders")

    assert job.manifest("in.c-shop.orders.csv")["destination"] == "in.c-shop.orders"


@pytest.mark.parametrize("layers", [1, 2])
def test_gzip_is_seen_by_content_whether_the_file_or_the_server_packs(job: JobFolder, web: Web, layers: int) -> None:
    body = ORDERS
    for _ in range(layers):
        body = gzip.compress(body)

    ran = load(job, web.on("/orders", Reply(body, headers={"Content-Encoding": "gzip"})))

    assert ran.returncode == 0, ran.stderr
    assert (job.out_tables / "orders.csv").read_bytes() == ORDERS


@pytest.mark.parametrize(("cut", "what"), [(-9, "cut off"), (None, "damaged")])
def test_a_broken_gzip_file_is_refused(job: JobFolder, web: Web, cut: int | None, what: str) -> None:
    body = gzip.compress(ORDERS * 100)[:cut]
    body = body if cut else body[:40] + b"\xff" * 9 + body[49:]

    ran = load(job, web.on("/orders.csv.gz", Reply(body)))

    assert told(ran) == f"orders.csv.gz: the packed file (gzip) is {what}."


def test_other_signs_and_encodings_become_utf_8(job: JobFolder, web: Web) -> None:
    body = "číslo\tzboží\n1\t'žluť\tmodř'\n".encode("windows-1250")

    ran = load(job, web.on("/x", Reply(body)), csv={"delimiter": "\\t", "enclosure": "'", "encoding": "windows-1250"})

    assert ran.returncode == 0, ran.stderr
    assert rows(job) == [["číslo", "zboží"], ["1", "žluť\tmodř"]]


def test_a_byte_order_mark_goes(job: JobFolder, web: Web) -> None:
    load(job, web.on("/x", Reply(b"\xef\xbb\xbf" + ORDERS)))

    assert (job.out_tables / "orders.csv").read_bytes() == ORDERS


def test_utf_16_is_read_too(job: JobFolder, web: Web) -> None:
    load(job, web.on("/x", Reply(ORDERS.decode().encode("utf-16"))), csv={"encoding": "utf-16"}, format="csv")

    assert (job.out_tables / "orders.csv").read_bytes() == ORDERS


def test_a_wrong_encoding_is_told_with_the_line(job: JobFolder, web: Web) -> None:
    body = b"id,item\n" + b"1,horn\n" * 300_000 + "2,žluť\n".encode("windows-1250")

    ran = load(job, web.on("/orders.csv", Reply(body)))

    assert told(ran) == "orders.csv: line 300002 is not utf-8 (byte 0x9e); choose the encoding of the file."


def test_several_files_become_one_table(job: JobFolder, web: Web) -> None:
    first = web.on("/1.csv", Reply(b'"id","a\nname"\r\n1,horn\r\n'))
    second = web.on("/2.csv", Reply(b"id,'a\nname'\n".replace(b"'", b'"') + b"2,drum\n"))

    ran = load(job, [first, second])

    assert ran.stdout == "orders: 2 files, 42 bytes.\n"
    assert rows(job) == [["id", "a\nname"], ["1", "horn"], ["2", "drum"]]


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (b"id,price\n", "has a column 'price', which the file before it does not have"),
        (b"item,id\n", "does not have the columns of the file before it in the same order"),
    ],
)
def test_files_of_one_table_must_have_the_same_columns(job: JobFolder, web: Web, second: bytes, what: str) -> None:
    ran = load(job, [web.on("/1.csv", Reply(ORDERS)), web.on("/2.csv", Reply(second))])

    assert told(ran) == f"2.csv: {what}; the files of one table must have the same columns."


def test_names_of_columns_can_be_given(job: JobFolder, web: Web) -> None:
    address = web.on("/orders.csv", Reply(ORDERS))
    other, third, fourth = (job.following(name) for name in ("other", "third", "fourth"))

    load(job, address, csv={"columns": ["number", "thing"]})
    load(other, address, csv={"has_header": False, "columns": ["number", "thing"]})
    load(third, address, csv={"has_header": False})
    wrong = load(fourth, address, csv={"columns": ["number"]})

    assert rows(job) == [["number", "thing"], ["1", "horn"], ["2", "drum"]]
    assert rows(other) == [["number", "thing"], ["id", "item"], ["1", "horn"], ["2", "drum"]]
    assert rows(third)[0] == ["column_1", "column_2"]
    assert told(wrong) == "orders.csv: has 2 columns, but 1 names are given."


def test_an_empty_file_is_refused_and_one_with_names_alone_is_a_table_without_rows(job: JobFolder, web: Web) -> None:
    empty = load(job, web.on("/none.csv", Reply(b"\n")))
    names = load(job.following("second"), web.on("/names.csv", Reply(b"id,item")))

    assert told(empty) == "none.csv: is empty, without even the names of columns."
    assert names.returncode == 0


def test_a_web_page_is_no_data(job: JobFolder, web: Web) -> None:
    ran = load(job, web.on("/orders.csv", Reply(b"\n<!DOCTYPE html><title>Log in</title>")))

    assert told(ran) == "orders.csv: is a web page, not data; maybe it asks for a login."


def test_json_lines_become_text_with_nested_values_as_json(job: JobFolder, web: Web) -> None:
    lines = [
        '\ufeff{"id": 12345678901234567890123, "price": 1.10, "is_new": true, "note": null}',
        "",
        '{"id": 2, "tags": ["a", "č"], "more": {"x": 1.5, "y": null}, "note": "two\\nlines, \\"quoted\\""}',
    ]

    ran = load(job, web.on("/orders.jsonl", Reply("\r\n".join(lines).encode())))

    assert ran.returncode == 0, ran.stderr
    assert rows(job) == [
        ["id", "price", "is_new", "note", "tags", "more"],
        ["12345678901234567890123", "1.10", "true", "", "", ""],
        ["2", "", "", 'two\nlines, "quoted"', '["a","č"]', '{"x":1.5,"y":null}'],
    ]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"a": 1}\n{"a": 2\n', "line 2 is not JSON"),
        (b'{"a": NaN}\n', "line 1 is not JSON"),
        (b'{"a": 1}\n[1]\n', "line 2 is not an object; each line must be an object of its own"),
        (b'[\n{"a": 1},\n{"a": 2}]', "line 1 is not JSON; each line must be an object of its own"),
        (b'{"a": "\xe9"}\n', "line 1 is not UTF-8 (byte 0xe9)"),
        (b"\n", "orders: there is no object in its files, so no names of columns are known"),
        (json.dumps(dict.fromkeys(map(str, range(5001)))).encode(), "line 1 brings more than 5000 columns"),
    ],
)
def test_malformed_json_lines_are_told_with_the_line(job: JobFolder, web: Web, body: bytes, what: str) -> None:
    ran = load(job, web.on("/orders.jsonl", Reply(body)), format="json-lines")

    assert what in told(ran)


def parquet(file: Path, query: str) -> bytes:
    duckdb.connect().execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)").fetchall()
    return file.read_bytes()


def test_parquet_keeps_its_types_and_nested_values_become_json(job: JobFolder, web: Web, tmp_path: Path) -> None:
    query = (
        "SELECT 1::SMALLINT AS id, 2.50::DECIMAL(9,2) AS price, DATE '2026-05-04' AS day, true AS is_new, "
        "'2026-05-04 12:00:00+02'::TIMESTAMPTZ AS made, [1, 2] AS tags, {'x': 'č'} AS more, 1.5::FLOAT AS weight, "
        "'\\x01'::BLOB AS raw, NULL::VARCHAR AS note, 18446744073709551615::UBIGINT AS big"
    )
    body = gzip.compress(parquet(tmp_path / "given.parquet", query))

    ran = load(job, [web.on("/1.parquet", Reply(body)), web.on("/2", Reply(body))])

    assert ran.returncode == 0, ran.stderr
    parts = f"{job.out_tables}/orders.parquet/*.parquet"
    assert duckdb.connect().execute(
        f"SELECT * EXCLUDE (made), made = '2026-05-04 10:00:00+00' FROM read_parquet('{parts}')"
    ).fetchall()[1][3:] == (
        True,
        "[1,2]",
        '{"x":"č"}',
        1.5,
        "AQ==",
        None,
        18446744073709551615,
        True,
    )
    types = {each["name"]: each["data_type"]["base"] for each in job.manifest("orders.parquet")["schema"]}
    assert types["price"] == {"type": "NUMERIC", "length": "9,2"}
    assert [types[name]["type"] for name in ("id", "day", "is_new", "made", "tags", "weight", "note")] == [
        *("INTEGER", "DATE", "BOOLEAN", "TIMESTAMP", "STRING", "FLOAT", "STRING")
    ]


def test_what_is_no_parquet_file_or_half_of_one_is_refused(job: JobFolder, web: Web, tmp_path: Path) -> None:
    body = parquet(tmp_path / "given.parquet", "SELECT 1 AS id")

    text = load(job, web.on("/text", Reply(ORDERS)), format="parquet")
    half = load(job.following("second"), web.on("/half", Reply(body[:-9])))
    broken = load(job.following("third"), web.on("/broken", Reply(body[:40] + b"\xff" * 200 + body[-4:])))

    assert told(text) == "text: is not a Parquet file."
    assert told(half) == "half: the Parquet file is cut off."
    assert told(broken) == "broken: cannot be read as Parquet: Footer length error."


def test_parquet_files_of_other_columns_do_not_become_one_table(job: JobFolder, web: Web, tmp_path: Path) -> None:
    first = web.on("/1", Reply(parquet(tmp_path / "1", "SELECT 1 AS id, 'a' AS name")))
    second = web.on("/2", Reply(parquet(tmp_path / "2", "SELECT 1 AS id, 1 AS name")))

    assert told(load(job, [first, second])).startswith("2: differs from the file before it in the column 'name'; ")


def test_formats_are_not_mixed_in_one_table(job: JobFolder, web: Web) -> None:
    ran = load(job, [web.on("/1", Reply(ORDERS)), web.on("/2", Reply(b'{"id": 1}'))])

    assert told(ran) == "orders: its files are of several formats (csv, json-lines)."


def test_a_table_stands_once_in_a_configuration(job: JobFolder) -> None:
    table = {"table": "orders", "addresses": ["file:orders.csv"]}

    ran = job.run("ex-http", {"tables": [table, table]})

    assert told(ran) == "tables: orders stands here twice; give all its addresses in one entry."


def test_what_has_not_changed_is_not_loaded_again(job: JobFolder, web: Web) -> None:
    address = web.on("/orders.csv", Reply(ORDERS, headers={"ETag": '"v1"'}))
    load(job, address)
    again, changed, otherwise = (job.following(name) for name in ("again", "changed", "otherwise"))

    second = load(again, address)
    web.on("/orders.csv", Reply(ORDERS + b"3,flute\n", headers={"ETag": '"v2"'}))
    third = load(changed, address)
    fourth = load(otherwise, address, primary_key=["id"])

    assert second.stdout == "orders: nothing new.\n"
    assert list(again.out_tables.iterdir()) == []
    assert again.next_state() == job.next_state()
    assert third.stdout == fourth.stdout == "orders: orders.csv, 30 bytes.\n"
    assert [each.headers.get("if-none-match") for each in web.asked] == [None, '"v1"', '"v1"', None]


def test_a_server_that_knows_no_conditions_is_compared_by_content(job: JobFolder, web: Web) -> None:
    address = web.on("/orders.csv?key=hidden", Reply(ORDERS))
    load(job, address)
    again, everything = job.following("again"), job.following("everything")

    assert load(again, address).stdout == "orders: nothing new.\n"
    assert load(everything, address, only_when_changed=False).stdout == "orders: orders.csv, 22 bytes.\n"
    assert "hidden" not in json.dumps(job.next_state())


def test_a_full_load_of_several_files_has_them_all_and_an_incremental_one_the_new(job: JobFolder, web: Web) -> None:
    first = web.on("/1.csv", Reply(ORDERS, headers={"ETag": '"v1"'}))
    second = web.on("/2.csv", Reply(ORDERS, headers={"ETag": '"v1"'}))
    adding = job.following("adding")
    load(job, [first, second])
    load(adding, [first, second], incremental=True)
    full, added = job.following("full"), adding.following("added")
    web.on("/2.csv", Reply(b"id,item\n3,flute\n", headers={"ETag": '"v2"'}))

    load(full, [first, second])
    load(added, [first, second], incremental=True)

    assert rows(full) == [["id", "item"], ["1", "horn"], ["2", "drum"], ["3", "flute"]]
    assert rows(added) == [["id", "item"], ["3", "flute"]]


def test_files_of_an_allowed_folder_by_a_pattern(job: JobFolder, allowed: Path) -> None:
    (allowed / "orders-2.csv").write_bytes(b"id,item\n2,drum\n")
    (allowed / "orders-1.csv").write_bytes(b"id,item\n1,horn\n")
    (allowed / "orders-folder").mkdir()
    again, more = job.following("again"), job.following("more")

    load(job, f"file:{allowed}/orders-*")
    unchanged = load(again, f"file://{allowed}/orders-*")
    same = load(job.following("same"), f"file:{allowed}/orders-*")
    (allowed / "orders-3.csv").write_bytes(b"id,item\n3,flute\n")
    load(more, f"file:{allowed}/orders-*")

    assert rows(job) == [["id", "item"], ["1", "horn"], ["2", "drum"]]
    assert unchanged.returncode == 0, unchanged.stderr
    assert same.stdout == "orders: nothing new.\n"
    assert len(rows(more)) == 4
    assert len(list(allowed.iterdir())) == 4


def test_a_relative_path_is_below_the_files_of_the_project(job: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "project/export").mkdir()
    (tmp_path / "project/export/orders.csv").write_bytes(ORDERS)

    assert load(job, "file:export/orders.csv").returncode == 0


def test_the_shipped_data_is_found_wherever_it_lies_now(
    allowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = AllowedFolders([AllowedFolder(allowed, is_writable=False)], tmp_path / "project")
    monkeypatch.setenv("TUTTI_DEMO_DATA", str(allowed / "moved"))

    assert folders.find("@demo/orders.csv") == allowed / "moved/orders.csv"
    assert folders.find("export/@demo/orders.csv") == tmp_path / "project/export/@demo/orders.csv"
    with pytest.raises(UserError, match="is not below a folder"):
        folders.find("@demo/../../secret.csv")


def test_no_path_leads_out_of_the_allowed_folders(allowed: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(ORDERS)
    (allowed / "link.csv").symlink_to(tmp_path / "secret.csv")
    project = tmp_path / "project"
    project.mkdir()
    (project / "link").symlink_to(tmp_path)
    folders = AllowedFolders([AllowedFolder(allowed, is_writable=True)], project)

    for way in (
        f"{tmp_path}/secret.csv",
        f"//{tmp_path}/secret.csv",
        f"{allowed}/../secret.csv",
        f"{allowed}/link.csv",
        f"{allowed}/lin*.csv",
        "../secret.csv",
        "link/secret.csv",
        "link/*.csv",
        "/etc/passwd",
        f"//{allowed}/%2e%2e/secret.csv",
    ):
        with pytest.raises(UserError, match="is not below a folder that the administrator allows"):
            find_files(f"file:{way}", folders, limit_bytes=100)


def test_a_file_that_is_not_there_is_named(job: JobFolder, allowed: Path) -> None:
    second, third = job.following("second"), job.following("third")

    assert told(load(job, f"file:{allowed}/none.csv")) == f"{allowed}/none.csv: no such file or directory."
    assert told(load(second, f"file:{allowed}/*.csv")) == f"file:{allowed}/*.csv: no file has such a name."
    assert told(load(third, f"file:{allowed}")) == f"{allowed}: is not a file."


def test_a_file_larger_than_the_limit_is_refused_before_and_after_unpacking(
    job: JobFolder, web: Web, allowed: Path
) -> None:
    packed = web.on("/bomb.csv.gz", Reply(gzip.compress(b"id\n" + b"0" * 2_000_000)))
    plain = web.on("/large.csv", Reply(ORDERS * 50_000))
    silent = web.on("/silent.csv", Reply(ORDERS * 50_000, is_chunked=True))
    (allowed / "large.csv").write_bytes(ORDERS * 50_000)
    jobs = [job.following(f"job-{number}") for number in range(4)]

    ends = [
        load(folder, address, limit_megabytes=1)
        for folder, address in zip(jobs, [packed, plain, silent, f"file:{allowed}/large.csv"], strict=True)
    ]

    assert [told(ran) for ran in ends] == [
        "bomb.csv.gz (unpacked): is larger than the limit of 1 MB.",
        "large.csv: is larger than the limit of 1 MB.",
        "silent.csv: is larger than the limit of 1 MB.",
        "large.csv: is larger than the limit of 1 MB.",
    ]


def test_a_thousand_columns_and_a_quote_in_a_name_are_fine(job: JobFolder, web: Web) -> None:
    names = [f"column {number}" for number in range(4999)] + ['say "č"']
    first = ",".join(names[:-1]) + ',"say ""č"""\n'
    body = first + ",".join(["1"] * 5000) + "\n"

    load(job, [web.on("/1.csv", Reply(body.encode())), web.on("/2.csv", Reply(body.encode()))])

    assert rows(job) == [names, ["1"] * 5000, ["1"] * 5000]
