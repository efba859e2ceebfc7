"""Rows of tables: finding, making, describing and deleting them."""

from datetime import datetime
from typing import Any

import pytest

from orchestrations import buckets, table_ids, tables, tokens
from orchestrations.access import Actor, Denied
from orchestrations.buckets import BucketInUse
from orchestrations.models import Bucket, Project, Table, TableFolder, Token, User
from orchestrations.tables import InvalidTable, TableTaken
from tests import builders

pytestmark = pytest.mark.django_db
COLUMNS = [{"name": "id", "type": "INTEGER", "nullable": False}, {"name": "note", "type": "STRING", "nullable": True}]


@pytest.fixture
def bucket(project: Project, by_alice: Actor, now: datetime) -> Bucket:
    return buckets.create(project, "in", "sales", actor=by_alice, now=now)


def test_a_table_is_made_with_columns_and_key(bucket: Bucket, by_alice: Actor, now: datetime) -> None:
    table = tables.create(bucket, "orders", columns=COLUMNS, primary_key=["id"], is_typed=True, actor=by_alice, now=now)

    assert (table.columns, table.primary_key, table.is_typed) == (COLUMNS, ["id"], True)
    assert table.location.startswith(f"{bucket.project_id}/in.c-sales/orders-")
    with pytest.raises(TableTaken, match=r"in\.c-sales\.orders already"):
        tables.create(bucket, "orders", columns=COLUMNS, actor=by_alice, now=now)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"columns": []}, "columns: a table needs"),
        ({"columns": [{"name": ""}]}, "columns: every column"),
        ({"columns": [{"name": "a"}, {"name": "A"}]}, "columns: .A. stands there twice"),
        ({"columns": [{"name": "a", "type": "BLOB"}]}, "columns: the type .BLOB."),
        ({"columns": [{"name": "a"}], "primary_key": ["b"]}, "primary_key: there is no column .b."),
        ({"columns": [{"name": "a"}], "primary_key": ["a", "a"]}, "primary_key: a column stands there twice"),
    ],
)
def test_bad_columns_are_refused_by_their_field(
    fields: dict[str, Any], sentence: str, bucket: Bucket, by_alice: Actor, now: datetime
) -> None:
    with pytest.raises(InvalidTable, match=sentence):
        tables.create(bucket, "orders", actor=by_alice, now=now, **fields)
    assert not Table.objects.exists()


def test_many_tables_are_found_in_two_queries(
    project: Project, by_alice: Actor, now: datetime, django_assert_num_queries: Any
) -> None:
    ids = [f"in.c-b{number % 3}.t{number}" for number in range(9)]
    for table_id in ids:
        builders.build_table(project, table_id)

    with django_assert_num_queries(2):
        found = tables.find_all(project, [*ids, "in.c-b0.none", "in.c-none.t0", "no id at all", "in.c-b0.t1"])

    assert sorted(found) == sorted(ids)
    assert all(each.table_id == table_id for table_id, each in found.items())


def test_a_key_is_given_only_while_there_are_no_rows(bucket: Bucket, by_alice: Actor, now: datetime) -> None:
    table = tables.create(bucket, "orders", columns=COLUMNS, actor=by_alice, now=now)

    table = tables.update(table, primary_key=["id"], description="All orders", actor=by_alice)
    Table.objects.update(rows=5)
    assert tables.update(table, primary_key=["id"], actor=by_alice).description == "All orders"
    assert tables.update(table, primary_key=[], actor=by_alice).primary_key == []
    with pytest.raises(InvalidTable, match=r"^primary_key: the table has rows"):
        tables.update(table, primary_key=["id"], actor=by_alice)


def test_a_table_is_deleted_once_its_import_is_done(project: Project, by_alice: Actor, now: datetime) -> None:
    table = builders.build_table(project, "in.c-sales.orders")
    job = builders.launch(builders.build_configuration(project))
    running = builders.build_import(table, job=job, committed_at=None)

    with pytest.raises(BucketInUse, match=f"being written by job {job.pk}"):
        tables.delete(table, actor=by_alice, now=now)
    running.committed_at = now
    running.save()
    for _ in range(2):
        tables.delete(table, actor=by_alice, now=now)

    assert TableFolder.objects.get().location == table.location


def test_limited_tokens_write_only_what_they_were_given(
    bucket: Bucket, project: Project, alice: User, now: datetime
) -> None:
    token, _ = tokens.create_limited(project, description="CI", component_access=[], created_by=alice, now=now)
    Token.objects.filter(pk=token.pk).update(bucket_permissions={"in.c-sales": "read"})
    token.refresh_from_db()
    with pytest.raises(Denied, match=r"needs write access to in\.c-sales"):
        tables.create(bucket, "orders", columns=COLUMNS, actor=Actor(token=token), now=now)

    token.bucket_permissions = {"in.c-sales": "write"}

    assert tables.create(bucket, "orders", columns=COLUMNS, actor=Actor(token=token), now=now).name == "orders"


@pytest.mark.parametrize(
    ("text", "name"),
    [("Objednávky 2026", "Objednavky-2026"), ("--a..b--", "a-b"), ("日本", ""), ("a" * 200, "a" * 96), ("_x_", "_x_")],
)
def test_a_name_is_made_to_fit(text: str, name: str) -> None:
    assert table_ids.cleaned(text) == name
    assert not name or table_ids.is_name(name)


@pytest.mark.parametrize(
    "text", ["", "in.c-a", "in.a.b", "sys.c-a.b", "in.c-a.b.c", "in.c-.b", "in.c-a.", "in.c-ř.b", 5]
)
def test_what_is_no_id_of_a_table_is_refused(text: object) -> None:
    with pytest.raises(table_ids.InvalidName, match="is not the id of a table"):
        table_ids.table_id(text)
    assert str(table_ids.table_id("in.c-a.b")) == "in.c-a.b"
