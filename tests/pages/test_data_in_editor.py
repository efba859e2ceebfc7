"""What the editor says of the tables that tasks read and write, and how it arranges phases by them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import task
from tests.pages.editor_form import open_editor, plan_in, press, saved, words

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def build(project: Project, name: str, reads: list[str], writes: list[str]) -> Configuration:
    storage = {
        "input": {"tables": [{"source": each} for each in reads]},
        "output": {"tables": [{"source": each, "destination": each} for each in writes]},
    }
    document = {"parameters": {"code": "SELECT * FROM nowhere"}, "storage": storage}
    return builders.build_configuration(project, component_id="sql-transformation", name=name, document=document)


@pytest.fixture
def tangled(project: Project) -> Configuration:
    """Totals and Sums in the first phase, Orders in the second, though Totals reads Sums and Sums reads Orders."""
    orders = build(project, "Orders", [], ["in.c-shop.orders"])
    sums = build(project, "Sums", ["in.c-shop.orders"], ["out.c-shop.sums"])
    totals = build(project, "Totals", ["out.c-shop.sums"], ["out.c-shop.totals"])
    tasks = {row.name: task(row, key=row.name) for row in (orders, sums, totals)}
    return builders.build_orchestration(project, [tasks["Totals"], tasks["Sums"]], [tasks["Orders"]])


def test_a_table_that_is_written_too_late_is_told_and_phases_are_arranged(
    tangled: Configuration, as_alice: Client
) -> None:
    page = open_editor(as_alice, tangled)
    answer = press(as_alice, page, "arrange")
    again = press(as_alice, answer, "arrange")
    fragment = press(as_alice, page, "arrange", headers={"HX-Request": "true"})
    nothing = press(as_alice, answer, "arrange", headers={"HX-Request": "true"})
    saved_page = press(as_alice, answer, "save")

    said = words(page)
    assert "reads out.c-shop.sums , which Sums writes in the same phase: put it in a later phase" in said
    assert "reads in.c-shop.orders , which Orders writes in a later phase: put it in a later phase" in said
    assert plan_in(answer) == [("Phase 2", ["Orders"]), ("Phase 1", ["Sums"]), ("Phase 1 (2)", ["Totals"])]
    assert 'data-announce="Arranged by data: 1 task was moved."' in fragment.text
    assert "writes in" not in words(answer)
    assert plan_in(again) == plan_in(answer)
    assert 'data-announce="Every task stands after the tasks whose tables it reads already."' in nothing.text
    assert saved_page.status_code == 302
    assert [name for name, _ in saved(tangled)] == ["Phase 2", "Phase 1", "Phase 1 (2)"]


def test_each_task_says_what_it_reads_and_writes(tangled: Configuration, as_alice: Client) -> None:
    page = words(open_editor(as_alice, tangled))

    assert "In: in.c-shop.orders Out: out.c-shop.sums" in page
    assert "Out: in.c-shop.orders" in page
    assert ".*" not in page


def test_tasks_that_wait_for_each_other_are_refused_by_name(project: Project, as_alice: Client) -> None:
    rows = [build(project, "Here", ["out.c-x.b"], ["out.c-x.a"]), build(project, "There", ["out.c-x.a"], ["out.c-x.b"])]
    orchestration = builders.build_orchestration(project, [task(row) for row in rows])

    answer = press(as_alice, open_editor(as_alice, orchestration), "arrange")

    assert answer.status_code == 422
    assert "no order fits: Here &gt; There &gt; Here." in answer.text


def test_an_orchestration_among_the_tasks_counts_with_what_it_runs(project: Project, as_alice: Client) -> None:
    inner = builders.build_orchestration(
        project, [task(build(project, "Orders", [], ["in.c-shop.orders"]))], name="Load"
    )
    reader = build(project, "Sums", ["in.c-shop.orders"], [])
    outer = builders.build_orchestration(project, [task(inner), task(reader)])

    page = open_editor(as_alice, outer)

    assert "reads in.c-shop.orders , which Load writes in the same phase" in words(page)


def test_more_tasks_cost_no_more_queries(project: Project, as_alice: Client) -> None:
    def build_many(count: int) -> Configuration:
        inner = builders.build_orchestration(project, [task(build(project, "Inner", [], ["in.c-x.t"]))])
        rows = [build(project, f"Task {n}", ["in.c-x.t"], [f"in.c-x.t{n}"]) for n in range(count)]
        return builders.build_orchestration(project, [task(inner), *(task(row) for row in rows)])

    def count_of(orchestration: Configuration) -> int:
        open_editor(as_alice, orchestration)
        with CaptureQueriesContext(connection) as captured:
            open_editor(as_alice, orchestration)
        return len(captured)

    assert count_of(build_many(1)) == count_of(build_many(25))


def test_a_table_says_which_configurations_use_it(project: Project, as_alice: Client) -> None:
    table = builders.build_table(project, "in.c-shop.orders")
    writer = build(project, "Orders", [], ["in.c-shop.orders"])
    build(project, "Sums", ["in.c-shop.orders"], ["out.c-shop.sums"])
    build(project, "Compact", ["in.c-shop.orders"], ["in.c-shop.orders"])

    page: Any = as_alice.get(reverse("table", args=[project.pk, table.table_id]))

    assert [(user.name, user.words) for user in page.context["users"]] == [
        ("Compact", "reads and writes it"),
        ("Orders", "writes it"),
        ("Sums", "reads it"),
    ]
    assert reverse("configuration", args=[project.pk, writer.pk]) in page.text


def test_a_configuration_says_which_names_in_its_sql_nothing_gives(project: Project, as_alice: Client) -> None:
    row = build(project, "Sums", [], [])

    page: Any = as_alice.get(reverse("configuration", args=[project.pk, row.pk]))

    assert "Its SQL names <code>nowhere</code>, which neither the input mapping nor a statement gives" in page.text


def test_tables_of_a_task_that_brings_its_own_content_are_told_like_those_of_others(
    project: Project, as_alice: Client
) -> None:
    orders = build(project, "Orders", [], ["in.c-shop.orders"])
    mapped = {"source": "in.c-shop.orders", "destination": "orders"}
    inputs = {"parameters": {"code": "SELECT 1"}, "storage": {"input": {"tables": [mapped]}}}
    asked = {"componentId": "sql-transformation", "configData": inputs}
    twice = [{"id": key, "name": key, "task": asked} for key in ("Inline", "Likewise")]
    orchestration = builders.build_orchestration(project, [*twice], [task(orders)])

    page = open_editor(as_alice, orchestration)
    answer = press(as_alice, page, "arrange")

    assert words(page).count("reads in.c-shop.orders , which Orders writes in a later phase") == 2
    assert "writes in" not in words(answer)


def test_of_tasks_with_content_of_their_own_one_may_read_what_another_writes(
    project: Project, as_alice: Client
) -> None:
    document = {"parameters": {"code": "SELECT 1"}}
    sides = {
        "Reader": {"input": {"tables": [{"source": "in.c-shop.orders"}]}},
        "Writer": {"output": {"tables": [{"source": "orders", "destination": "in.c-shop.orders"}]}},
    }
    tasks = [
        {
            "id": key,
            "name": key,
            "task": {"componentId": "sql-transformation", "configData": {**document, "storage": side}},
        }
        for key, side in sides.items()
    ]

    page = open_editor(as_alice, builders.build_orchestration(project, tasks))

    assert "reads in.c-shop.orders , which Writer writes in the same phase" in words(page)
