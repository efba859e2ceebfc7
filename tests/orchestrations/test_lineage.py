"""What configurations read and write: from documents, from SQL, and as rows that follow every save."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrations import editing, lineage, sql_names, table_uses
from orchestrations.components import catalogue
from orchestrations.editing import Content
from orchestrations.lineage import Tables
from orchestrations.models import Configuration, Project, TableUse
from tests import builders
from tests.builders import NOW, task


def storage(reads: list[str], writes: list[str]) -> dict[str, Any]:
    return {
        "input": {"tables": [{"source": name, "destination": name.rpartition(".")[2]} for name in reads]},
        "output": {"tables": [{"source": name.rpartition(".")[2], "destination": name} for name in writes]},
    }


# --- Documents and SQL ---------------------------------------------------------------------------


def test_a_mapping_says_what_is_read_and_written() -> None:
    document = {"storage": storage(["in.c-a.x", "in.c-a.{{ which }}"], ["out.c-b.y"])}

    assert lineage.of_document(None, document) == Tables(frozenset({"in.c-a.x"}), frozenset({"out.c-b.y"}))


@pytest.mark.parametrize("document", [None, [], "x", {}, {"storage": []}, {"storage": {"input": {"tables": [1]}}}])
def test_what_makes_no_sense_reads_nothing(document: Any) -> None:
    assert lineage.of_document(None, document) == lineage.NOTHING


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('SELECT * FROM orders o JOIN "in.c-crm.People" p ON true', ["orders", "in.c-crm.People"]),
        ("CREATE TABLE a AS SELECT 1; CREATE VIEW b AS FROM A; SELECT * FROM B", []),
        ("WITH c AS (SELECT * FROM x) SELECT * FROM c, (SELECT * FROM y) z", ["y", "x"]),
        ("INSERT INTO t SELECT * FROM u; DELETE FROM v; UPDATE w SET a = 1", ["t", "u", "v", "w"]),
        ("CREATE TABLE a (n INT); ALTER TABLE a RENAME TO b; SELECT * FROM b", []),
        ("SELECT * FROM range(10), information_schema.tables, duckdb_tables()", []),
        ("SELECT * FROM x -- from nowhere\n; SELECT 'FROM y'", ["x"]),
        ("SELEC nothing FRM", []),
        ("", []),
        (f"SELECT * FROM x WHERE a = '{'y' * sql_names.LONGEST}'", []),
    ],
)
def test_names_that_sql_does_not_make_itself(text: str, names: list[str]) -> None:
    assert sql_names.not_made_in(text) == names


def test_only_what_is_not_mapped_is_missing() -> None:
    document = {
        "parameters": {"code": "CREATE TABLE sums AS SELECT * FROM Orders JOIN people USING (id)"},
        "storage": storage(["in.c-a.orders"], ["out.c-b.sums"]),
    }

    found = lineage.of_document(catalogue.get("sql-transformation"), document)

    assert found.unmapped == {"people"}


def test_the_query_for_another_database_is_no_sql_of_ours() -> None:
    document = {"parameters": {"tables": [{"query": "SELECT * FROM theirs", "output": "x"}]}}

    assert lineage.of_document(catalogue.get("ex-database"), document) == lineage.NOTHING


# --- Rows --------------------------------------------------------------------------------------


def uses(configuration: Configuration) -> set[tuple[str, str]]:
    return set(TableUse.objects.filter(configuration=configuration).values_list("kind", "table_id"))


def build(project: Project, name: str, reads: list[str], writes: list[str]) -> Configuration:
    document = {"parameters": {"code": "SELECT 1"}, "storage": storage(reads, writes)}
    return editing.create(
        project,
        "sql-transformation",
        Content(name=name, document=document),
        actor=builders.admin_of(project),
        now=NOW,
    )


@pytest.mark.django_db
def test_every_save_writes_the_rows_anew(project: Project) -> None:
    actor = builders.admin_of(project)
    sums = build(project, "Sums", ["in.c-a.x"], ["out.c-b.y"])
    before = uses(sums)

    document = {"parameters": {"code": "SELECT * FROM nowhere"}, "storage": storage(["in.c-a.z"], [])}
    editing.update(sums, Content(document=document), actor=actor, now=NOW)
    after = uses(sums)
    editing.update(sums, Content(name="Totals"), actor=actor, now=NOW)
    renamed = uses(sums)
    editing.roll_back(sums, 1, actor=actor, now=NOW)

    assert before == {("reads", "in.c-a.x"), ("writes", "out.c-b.y")}
    assert after == renamed == {("reads", "in.c-a.z"), ("unmapped", "nowhere")}
    assert uses(sums) == before


@pytest.mark.django_db
def test_an_extractor_writes_its_default_bucket_and_tables_know_who_uses_them(project: Project) -> None:
    wanted = {"parameters": {"tables": [{"table": "x"}]}}
    extractor = editing.create(
        project,
        "ex-database",
        Content(name="Shop", document=wanted),
        actor=builders.admin_of(project),
        now=NOW,
        key="shop",
    )
    reader = build(project, "Sums", ["in.c-ex-database-shop.orders"], [])
    gone = build(project, "Gone", ["in.c-ex-database-shop.orders"], [])
    editing.trash(gone, actor=builders.admin_of(project), now=NOW)

    found = table_uses.of_table(project, "in.c-ex-database-shop.orders")

    assert (found.readers, found.writers) == ([reader], [extractor])
    assert table_uses.of_table(project, "in.c-other.orders") == table_uses.UsersOfTable()


@pytest.mark.django_db
def test_an_orchestration_reads_and_writes_what_it_runs_in_constant_queries(project: Project) -> None:
    first = build(project, "First", ["in.c-a.x"], ["in.c-a.y"])
    second = build(project, "Second", ["in.c-a.y"], ["in.c-a.z"])
    inner = builders.build_orchestration(project, [task(first)], name="Inner")
    outer = builders.build_orchestration(project, [task(inner), task(second)], name="Outer")
    other = builders.build_orchestration(project, [task(second)], name="Other")

    with CaptureQueriesContext(connection) as few:
        table_uses.of_configurations([outer.pk])
    with CaptureQueriesContext(connection) as many:
        found = table_uses.of_configurations([outer.pk, inner.pk, first.pk, other.pk])

    assert found[outer.pk].writes == {"in.c-a.y", "in.c-a.z"}
    assert found[inner.pk] == found[first.pk] == Tables(frozenset({"in.c-a.x"}), frozenset({"in.c-a.y"}))
    assert len(few) == len(many) <= 4


def inline(key: str, reads: list[str], writes: list[str], **fields: Any) -> dict[str, Any]:
    """A task that runs content of its own."""
    content = {"parameters": {"code": "SELECT 1"}, "storage": storage(reads, writes)}
    return {"id": key, "name": key, "task": {"componentId": "sql-transformation", "configData": content}, **fields}


@pytest.mark.django_db
def test_an_orchestration_uses_the_tables_of_the_content_that_its_tasks_bring(project: Project) -> None:
    sums = build(project, "Sums", ["out.c-b.y"], ["out.c-b.z"])
    nested = {"componentId": "keboola.orchestrator", "configData": builders.document([inline("d", ["in.c-a.n"], [])])}
    tasks = [
        inline("a", ["in.c-a.x"], ["out.c-b.y"]),
        inline("b", ["in.c-a.off"], [], enabled=False),
        {"id": "c", "name": "c", "task": nested},
        task(sums),
    ]
    orchestration = builders.build_orchestration(project, tasks)

    found = table_uses.of_table(project, "out.c-b.y")

    assert (found.readers, found.writers) == ([sums], [orchestration])
    assert uses(orchestration) == {("reads", "in.c-a.x"), ("reads", "in.c-a.n"), ("writes", "out.c-b.y")}
    of_all = table_uses.of_configurations([orchestration.pk])[orchestration.pk]
    assert of_all.writes == {"out.c-b.y", "out.c-b.z"}
    assert table_uses.declared("keboola.orchestrator", {"phases": 5}) == lineage.NOTHING


@pytest.mark.django_db
def test_content_of_a_task_stands_in_place_of_its_configuration(project: Project) -> None:
    sums = build(project, "Sums", ["in.c-a.old"], ["out.c-b.old"])
    other = inline("a", ["in.c-a.new"], ["out.c-b.new"])
    other["task"]["configId"] = sums.key
    empty = {"id": "b", "name": "b", "task": {"componentId": sums.component_id, "configId": sums.key, "configData": {}}}
    orchestration = builders.build_orchestration(project, [other], name="Other")
    as_it_is = builders.build_orchestration(project, [empty], name="As it is")

    found = table_uses.of_configurations([orchestration.pk, as_it_is.pk])

    assert found[orchestration.pk] == Tables(frozenset({"in.c-a.new"}), frozenset({"out.c-b.new"}))
    assert found[as_it_is.pk] == Tables(frozenset({"in.c-a.old"}), frozenset({"out.c-b.old"}))


@pytest.mark.django_db
def test_what_was_saved_before_is_found_by_the_migration(project: Project) -> None:
    sums = build(project, "Sums", ["in.c-a.x"], ["out.c-b.y"])
    written = uses(sums)
    TableUse.objects.all().delete()

    import_module("orchestrations.migrations.0008_find_table_uses").find_uses(apps, None)

    assert uses(sums) == written


@pytest.mark.django_db
def test_content_of_tasks_that_was_saved_before_is_found_by_the_migration(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [inline("a", ["in.c-a.x"], ["out.c-b.y"])])
    sums = build(project, "Sums", ["in.c-a.x"], [])
    TableUse.objects.filter(configuration=orchestration).delete()

    for _ in range(2):
        import_module("orchestrations.migrations.0011_find_uses_of_tasks").find_uses(apps, None)

    assert uses(orchestration) == {("reads", "in.c-a.x"), ("writes", "out.c-b.y")}
    assert uses(sums) == {("reads", "in.c-a.x")}
