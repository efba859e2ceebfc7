"""From files, manifests and output mapping to tables (DESIGN §6); and what a mapping may say."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import mapping
from jobs.mapping import InvalidOutput, Output
from orchestrations import mappings, table_ids
from orchestrations.components import catalogue, parameters
from orchestrations.mappings import DeleteWhere, InputTable, InvalidMapping, OutputTable
from orchestrations.table_ids import BucketId, TableId

BUCKET = BucketId("in", "c-acme-ex-17")


def resolve(
    files: list[str],
    manifests: dict[str, Any] | None = None,
    tables: list[dict[str, Any]] | None = None,
    *,
    bucket: BucketId | None = BUCKET,
    takes_parquet: bool = False,
) -> list[Output]:
    declared = mappings.parse({"storage": {"output": {"tables": tables or []}}}).outputs
    return mapping.resolve(files, manifests or {}, declared, bucket=bucket, takes_parquet=takes_parquet)


def only(*given: Any, **more: Any) -> Output:
    (output,) = resolve(*given, **more)
    return output


@pytest.mark.parametrize(
    ("component", "key", "stage", "bucket"),
    [
        ("acme.ex-weather", "17", "in", "in.c-acme-ex-weather-17"),
        ("a.b", "Objednávky 1", "out", "out.c-a-b-Objednavky-1"),
        ("x" * 90, "1234567", "in", f"in.c-{'x' * 90}-123"),
    ],
)
def test_the_default_bucket_is_named_after_component_and_configuration(
    component: str, key: str, stage: str, bucket: str
) -> None:
    assert str(table_ids.default_bucket(component, key, stage=stage)) == bucket


@pytest.mark.parametrize(
    ("name", "manifest", "declared", "destination"),
    [
        ("orders.csv", {}, None, "in.c-acme-ex-17.orders"),
        ("orders", {}, None, "in.c-acme-ex-17.orders"),
        ("orders.csv.gz", {}, None, "in.c-acme-ex-17.orders"),
        ("Objednávky 2026.csv", {}, None, "in.c-acme-ex-17.Objednavky-2026"),
        ("out.c-main.orders.csv", {}, None, "out.c-main.orders"),
        ("orders.csv", {"destination": "out.c-b.t"}, None, "out.c-b.t"),
        ("orders.csv", {"destination": "sold"}, None, "in.c-acme-ex-17.sold"),
        ("orders.csv", {"destination": "out.c-b.t"}, "out.c-c.u", "out.c-c.u"),
    ],
)
def test_the_mapping_outranks_the_manifest_and_the_manifest_the_name(
    name: str, manifest: dict[str, Any], declared: str | None, destination: str
) -> None:
    tables = [{"source": name, "destination": declared}] if declared else []

    output = only([name], {name: manifest} if manifest else {}, tables)

    assert str(output.destination) == destination


def test_what_the_mapping_leaves_open_the_manifest_says() -> None:
    manifest = {
        "primary_key": ["id"],
        "incremental": True,
        "delete_where_column": "day",
        "delete_where_values": ["2026-05-04"],
        "columns": ["id", "day"],
        "delimiter": "\t",
        "enclosure": "'",
    }

    output = only(["a.csv"], {"a.csv": manifest}, [{"source": "a.csv", "destination": "out.c-b.t"}])

    assert (output.primary_key, output.incremental, output.columns) == (("id",), True, ("id", "day"))
    assert (output.delimiter, output.enclosure, output.has_header) == ("\t", "'", None)
    assert output.delete_where == DeleteWhere(column="day", operator="eq", values=("2026-05-04",))
    again = only(
        ["a.csv"],
        {"a.csv": manifest},
        [{"source": "a", "destination": "out.c-b.t", "primary_key": [], "incremental": False}],
    )
    assert (again.primary_key, again.incremental) == ((), False)


def test_the_rows_that_the_mapping_deletes_outrank_those_of_the_manifest() -> None:
    manifest = {"delete_where_column": "day", "delete_where_values": ["2026-05-04"]}
    where = {"delete_where_column": "id", "delete_where_operator": "ne", "delete_where_values": [1, "2"]}
    declared = {"source": "a.csv", "destination": "out.c-b.t"}

    outputs = [only(["a.csv"], {"a.csv": manifest}, [{**declared, **given}]) for given in (where, {})]

    assert [output.delete_where for output in outputs] == [
        DeleteWhere(column="id", operator="ne", values=("1", "2")),
        DeleteWhere(column="day", operator="eq", values=("2026-05-04",)),
    ]


def test_a_schema_gives_columns_types_and_key() -> None:
    schema = [
        {"name": "id", "data_type": {"base": {"type": "integer"}}, "nullable": False, "primary_key": True},
        {"name": "price", "data_type": {"base": {"type": "NUMERIC", "length": "12,2"}}},
        {"name": "note"},
    ]

    output = only(["a.csv"], {"a.csv": {"schema": schema, "has_header": True}})

    assert output.columns == (
        {"name": "id", "type": "INTEGER", "nullable": False},
        {"name": "price", "type": "NUMERIC", "length": "12,2", "nullable": True},
        {"name": "note", "type": "STRING", "nullable": True},
    )
    assert (output.primary_key, output.has_header) == (("id",), True)
    untyped = only(["a.csv"], {"a.csv": {"schema": [{"name": "id"}, {"name": "note"}]}})
    assert untyped.columns == ("id", "note")


@pytest.mark.parametrize(
    ("incremental", "key", "mode"),
    [(False, (), "full"), (False, ("id",), "full"), (True, (), "append"), (True, ("id",), "upsert")],
)
def test_how_it_is_loaded_follows_from_incremental_and_key(incremental: bool, key: tuple[str, ...], mode: str) -> None:
    output = Output(source="a", destination=TableId(BUCKET, "a"), incremental=incremental)

    assert output.mode(key) == mode


def test_parquet_is_taken_from_who_declares_it() -> None:
    assert only(["a.parquet"], takes_parquet=True).is_parquet
    assert not only(["a.csv"], takes_parquet=True).is_parquet
    assert not only(["a.parquet"]).is_parquet
    assert str(only(["a.parquet"], takes_parquet=True).destination) == f"{BUCKET}.a"


@pytest.mark.parametrize(
    ("files", "manifests", "tables", "sentence"),
    [
        ([], {}, [{"source": "a.csv", "destination": "out.c-b.t"}], r"declared output a\.csv was not written"),
        ([], {"a.csv": {}}, [], r"out/tables/a\.csv\.manifest: there is no table a\.csv beside it"),
        (["a.csv"], {}, [], r"a\.csv: it has no destination"),
        (["a.csv"], {"a.csv": {"destination": "b"}}, [], r'its destination "b" is not the id'),
        (["a.csv"], {"a.csv": {"destination": 5}}, [], r"a\.csv\.manifest: destination: expected a text"),
        (["a.csv"], {"a.csv": {"incremental": "yes"}}, [], r"manifest: incremental: expected true or false"),
        (["a.csv"], {"a.csv": {"primary_key": "id"}}, [], r"manifest: primary_key: expected a list of texts"),
        (["a.csv"], {"a.csv": {"delimiter": "||"}}, [], r"manifest: delimiter: expected one character"),
        (["a.csv"], {"a.csv": {"schema": [{}]}}, [], r"schema\[0\]\.name: is required"),
        (["a.csv"], {"a.csv": {"delete_where_column": "x"}}, [], r"delete_where_values: needs at least one"),
        (
            ["a.csv"],
            {"a.csv": {"schema": [{"name": "x", "data_type": {"base": {"type": "BLOB"}}}]}},
            [],
            r"schema\[0\]\.data_type\.base\.type: expected one of",
        ),
        (
            ["out.c-b.t", "out.c-b.t.csv"],
            {},
            [],
            r"out/tables/out\.c-b\.t and out/tables/out\.c-b\.t\.csv both go to out\.c-b\.t",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused_by_its_file(
    files: list[str], manifests: dict[str, Any], tables: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(InvalidOutput, match=sentence):
        resolve(files, manifests, tables, bucket=None)


def test_a_mapping_is_read_as_clients_write_it() -> None:
    configuration = {
        "storage": {
            "input": {
                "tables": [
                    {
                        "source": "in.c-a.b",
                        "destination": "b.csv",
                        "columns": ["x", "y"],
                        "where_column": "x",
                        "where_operator": "ne",
                        "where_values": [1, "2"],
                        "changed_since": "-2 days",
                        "limit": "10",
                        "keep_internal_timestamp_column": False,
                    },
                    {"source": "in.c-a.c", "columns": None, "limit": 0},
                ],
                "files": [],
            },
            "output": {"tables": [{"source": "r.csv", "destination": "out.c-a.r", "primary_key": []}]},
        }
    }

    parsed = mappings.parse(configuration)

    assert parsed.inputs[0] == InputTable(
        field="storage.input.tables[0]",
        source="in.c-a.b",
        destination="b.csv",
        columns=("x", "y"),
        where_column="x",
        where_operator="ne",
        where_values=("1", "2"),
        changed_since="-2 days",
        limit=10,
    )
    assert (parsed.inputs[1].destination, parsed.inputs[1].limit) == ("in.c-a.c", None)
    assert parsed.inputs[1].where_operator == "eq"
    assert parsed.outputs == (
        OutputTable(field="storage.output.tables[0]", source="r.csv", destination="out.c-a.r", primary_key=()),
    )
    nothing: list[dict[str, Any]] = [{}, {"storage": []}, {"storage": {"input": [], "output": {"tables": []}}}]
    for empty in nothing:
        assert mappings.parse(empty) is mappings.NOTHING


A = {"source": "in.c-a.b", "destination": "b.csv"}
B = {"source": "b.csv", "destination": "out.c-a.b"}


@pytest.mark.parametrize(
    ("side", "tables", "field"),
    [
        ("input", "a", "storage.input.tables"),
        ("input", ["a"], "storage.input.tables[0]"),
        ("input", [{}], "storage.input.tables[0].source"),
        ("input", [{"source": "orders"}], "storage.input.tables[0].source"),
        ("input", [{**A, "destination": "../b"}], "storage.input.tables[0].destination"),
        ("input", [{**A, "destination": "b.manifest"}], "storage.input.tables[0].destination"),
        ("input", [{**A, "destination": "b" * 201}], "storage.input.tables[0].destination"),
        ("input", [A, A], "storage.input.tables[1].destination"),
        ("input", [{**A, "columns": "id"}], "storage.input.tables[0].columns"),
        ("input", [{**A, "columns": [[]]}], "storage.input.tables[0].columns[0]"),
        ("input", [{**A, "where_column": "x"}], "storage.input.tables[0].where_values"),
        ("input", [{**A, "where_operator": "lt"}], "storage.input.tables[0].where_operator"),
        ("input", [{**A, "limit": -1}], "storage.input.tables[0].limit"),
        ("input", [{**A, "limit": True}], "storage.input.tables[0].limit"),
        ("output", [{"destination": "out.c-a.b"}], "storage.output.tables[0].source"),
        ("output", [{**B, "destination": "out.a.b"}], "storage.output.tables[0].destination"),
        ("output", [{**B, "incremental": 1}], "storage.output.tables[0].incremental"),
        ("output", [{**B, "primary_key": "id"}], "storage.output.tables[0].primary_key"),
        ("output", [{**B, "delete_where_column": "x"}], "storage.output.tables[0].delete_where_values"),
        (
            "output",
            [{**B, "delete_where_column": "x", "delete_where_values": "1"}],
            "storage.output.tables[0].delete_where_values",
        ),
        (
            "output",
            [{**B, "delete_where_column": "x", "delete_where_values": ["1"], "delete_where_operator": "gt"}],
            "storage.output.tables[0].delete_where_operator",
        ),
        ("output", [B, {**B, "source": "c.csv"}], "storage.output.tables[1].destination"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_by_its_field_when_it_is_saved(
    side: str, tables: Any, field: str
) -> None:
    document = {"parameters": {"command": ["true"]}, "storage": {side: {"tables": tables}}}

    with pytest.raises(parameters.InvalidParameters) as caught:
        parameters.validate(catalogue.get("command"), document)

    assert caught.value.field_path == field
    with pytest.raises(InvalidMapping):
        mappings.parse(document)


def test_variables_are_filled_in_later() -> None:
    document = {"storage": {"input": {"tables": [{"source": "in.c-{{ country }}.orders"}]}}}

    assert mappings.parse(document).inputs[0].source == "in.c-{{ country }}.orders"
