"""CSV as components write it: what is read exactly, and what is refused with file and line."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pytest

from tests.jobs.tables.support import Tables

WRAPPED = "Table in.c-sales.orders: "
NASTY = [
    "",
    " ",
    "a,b",
    'say "hi"',
    '"',
    "two\nlines",
    "two\r\nlines",
    "žluťoučký 🐎",
    "NULL",
    "\\N",
    "'",
    "0012",
    "\t",
    "a\x00b",
]


def lines(rows: list[list[str]], newline: str = "\n", **options: Any) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=newline, **options).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_text_comes_back_exactly(tables: Tables, newline: str, packed: bool) -> None:
    rows = [[str(number), words, words[::-1]] for number, words in enumerate(NASTY)]
    content = lines([["id", "a", "b"], *rows], newline, quoting=csv.QUOTE_ALL).encode()

    tables.put(gzip.compress(content) if packed else content)

    assert tables.rows() == sorted(rows)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_newlines_in_fields_may_be_of_another_kind_than_those_between_rows(tables: Tables, newline: str) -> None:
    rows = [["1", "a\nb"], ["2", "c\r\nd"], *([str(number), "x"] for number in range(3, 3000)), ["3000", "\n\r\n"]]

    tables.put(lines([["id", "text"], *rows], newline))

    assert tables.rows() == sorted(rows)


def test_a_mix_of_line_ends_is_read(tables: Tables) -> None:
    tables.put('id,a\r\n1,x\n2,"y\r\nz"\r\n')

    assert tables.rows() == [["1", "x"], ["2", "y\r\nz"]]


@pytest.mark.parametrize("content", ["\ufeffid,a\n1,x\n", 'id,a\n"1","x"', "id,a\n\n1,x\n\n", "id,a\n1,x,\n"])
def test_a_byte_order_mark_blank_lines_and_a_missing_last_newline_do_not_matter(tables: Tables, content: str) -> None:
    tables.put(content)

    assert tables.text() == "id,a\n1,x\n"


def test_slices_without_a_header_take_the_columns_of_the_manifest(tables: Tables) -> None:
    folder = tables.file("1,a\n2,b", "out/part-2").removesuffix("/part-2")
    tables.file(gzip.compress(b"3,c\n") + gzip.compress(b'4,"d\r\n"\n'), "out/part-10")
    tables.file("", "out/part-3")
    tables.file("\ufeff5,e\r\n", "out/part-4.csv")
    tables.file("{}", "out/part-4.csv.manifest")

    staged = tables.call("stage", source=folder, mode="full", columns=["id", "text"])
    tables.call("commit", plan=staged["plan"])

    assert staged["rows"] == 5
    assert tables.text() == 'id,text\n3,c\n4,"d\r\n"\n1,a\n2,b\n5,e\n'


def test_slices_may_have_a_header_each(tables: Tables) -> None:
    folder = tables.file("id,a\n1,x\n", "out/1").removesuffix("/1")
    tables.file("id,a\n2,y\n", "out/2")

    tables.call("commit", plan=tables.call("stage", source=folder, mode="full")["plan"])
    tables.file("a,id\n", "out/3")

    assert tables.rows() == [["1", "x"], ["2", "y"]]
    assert "The header of out/3 differs from that of out/1." in tables.fail("stage", source=folder, mode="full")


def test_a_folder_without_slices_is_no_rows(tables: Tables) -> None:
    (tables.work / "empty").mkdir()

    staged = tables.call("stage", source=str(tables.work / "empty"), mode="full", columns=["id"])
    done = tables.call("commit", plan=staged["plan"])

    assert (done["rows"], done["columns"][0]["name"], done["data_changed"]) == (0, "id", False)


def test_delimiter_and_enclosure_are_as_the_manifest_says(tables: Tables) -> None:
    tables.put("id;a\n1;'x;''y'\n", delimiter=";", enclosure="'")
    assert tables.rows() == [["1", "x;'y"]]

    tables.put('1\t"x"\n', delimiter="\t", enclosure="", columns=["id", "a"])
    assert tables.rows() == [["1", '"x"']]

    refusal = tables.fail("stage", source=tables.file("a"), mode="full", delimiter=";;")
    assert refusal == WRAPPED + 'The delimiter ";;" has 2 characters; it must be one.'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,a\n1,x\n2\n", "Line 3 of orders.csv has 1 field, but there are 2 columns."),
        ('id,a\n1,"x\ny"\n2,y,z\n', "Line 4 of orders.csv has 3 fields, but there are 2 columns."),
        ('id,a\n1,x\n2,"y\n3,z\n', "The quote that opens in line 3 of orders.csv is never closed."),
        ('id,a\n"1\n",x\n2,"y"z\n', "Line 4 of orders.csv has text between a closing quote and the next delimiter."),
        ("id,a\n1,x\n2,a\rb\n", "Line 3 of orders.csv has a carriage return outside quotes."),
        ("id,a\n1,x\n2,caf\xe9\n".encode("latin-1"), "Line 3 of orders.csv is not UTF-8 (byte 6 of the line)."),
        ("id,a\n1,x\n".encode("utf-16"), "orders.csv is in UTF-16 (line 1); it must be in UTF-8."),
        ("\n1,x\n", "Line 1 of orders.csv is empty; it must be the header."),
        ("", "orders.csv is empty; it must have at least a header, or columns in its manifest."),
        ("id,Id\n", 'The columns "id" and "Id" would have the same name Id.'),
        (b"\x1f\x8bnonsense", "orders.csv begins like a gzip file but cannot be unpacked"),
        (
            gzip.compress(b"id,a\n" + b"1,x\n" * 50000, mtime=0)[:-200],
            "orders.csv begins like a gzip file but cannot be unpacked",
        ),
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_what_is_malformed_is_refused_with_its_line(
    tables: Tables, content: str | bytes, message: str, again: bool
) -> None:
    if again:
        tables.put("id,a\n0,w\n")

    refusal = tables.fail("stage", source=tables.file(content, "orders.csv"), mode="full")

    assert refusal.startswith(WRAPPED + message), refusal
    assert tables.marks() == []
    assert len(tables.data_files()) == int(again)


def test_a_malformed_row_is_found_behind_many_good_ones(tables: Tables) -> None:
    content = "id,a\n" + '1,"x\ny"\n' * 100_000 + "2\n" + "3,z\n" * 1000

    refusal = tables.fail("stage", source=tables.file(content, "orders.csv"), mode="full")

    assert refusal == WRAPPED + "Line 200002 of orders.csv has 1 field, but there are 2 columns."


def test_a_missing_file_is_named(tables: Tables) -> None:
    assert tables.fail("stage", source=str(tables.work / "no.csv"), mode="full") == WRAPPED + "There is no file no.csv."
    folder = tables.file("1\n", "out/1").removesuffix("/1")
    refusal = tables.fail("stage", source=folder, mode="full", columns=["id"], slices=["1", "../x"])
    assert refusal == WRAPPED + "There is no file x in out."


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Customer No.", "Customer_No"),
        ("  total (€)  ", "total"),
        ("__a__", "a"),
        ("příjmení", "příjmení"),
        ("e\u0301tat", "état"),
        ("価格-1", "価格-1"),
        ("a.b c", "a_b_c"),
        ("***", "column_2"),
        ("", "column_2"),
        ("x" * 200, "x" * 128),
        ('"quo""ted\nname"', "quo_ted_name"),
    ],
)
def test_names_of_columns_are_cleaned(tables: Tables, header: str, name: str) -> None:
    staged = tables.call("stage", source=tables.file(f"id,{header}\n1,2\n"), mode="full", primary_key=["ID"])
    done = tables.call("commit", plan=staged["plan"])

    assert [column["name"] for column in done["columns"]] == ["id", name]
    assert list(staged["renamed_columns"].values()) == ([] if header == name else [name])
    assert tables.text(columns=[name]) == f"{name}\n2\n"


def test_five_thousand_columns(tables: Tables) -> None:
    header = ",".join(f"c{number}" for number in range(5000))

    done = tables.put(header + "\n" + ",".join(["x"] * 5000) + "\n")

    assert (done["rows"], len(done["columns"])) == (1, 5000)
    assert tables.rows() == [["x"] * 5000]
    refusal = tables.fail("stage", source=tables.file(header + ",one_more\n"), mode="full")
    assert refusal == WRAPPED + "There are 5001 columns; a table has at most 5000."


def test_a_large_field(tables: Tables) -> None:
    tables.put("id,a\n1," + "x" * 5_000_000 + "\n")

    assert len(tables.rows()[0][1]) == 5_000_000
    assert len(tables.call("preview")["preview"][0][1]) == 500
