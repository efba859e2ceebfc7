"""Killed at every step, and raced by others: what a plan says is there in the end, exactly once (DESIGN §6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.tables import faults
from jobs.tables.answering import answer
from tests.jobs.tables.support import Tables

BEFORE = "id,n\n1,a\n2,a\n3,a\n"
LOADS: dict[str, tuple[dict[str, Any], str, list[list[str]]]] = {
    "new table": ({"mode": "full"}, "id,n\n7,b\n", [["7", "b"]]),
    "full": ({"mode": "full"}, "id,n,m\n7,b,x\n", [["7", "b", "x"]]),
    "append": ({"mode": "append"}, "id,n\n1,b\n", [["1", "a"], ["1", "b"], ["2", "a"], ["3", "a"]]),
    "upsert": (
        {
            "mode": "upsert",
            "primary_key": ["id"],
            "delete_where": {"column": "id", "operator": "eq", "values": ["3"]},
        },
        "id,n,m\n2,b,x\n1,a,\n4,b,y\n",
        [["1", "a", ""], ["2", "b", "x"], ["4", "b", "y"]],
    ),
    "delete": (
        {"mode": "delete", "delete_where": {"column": "id", "operator": "ne", "values": ["2"]}},
        "",
        [["2", "a"]],
    ),
}
STEPS = [step for step in faults.STEPS if step.startswith("commit.")]


def prepare(tables: Tables, load: str) -> tuple[dict[str, Any], list[list[str]]]:
    """A plan for the table, and what is in it when the plan has been carried out."""
    entry, content, rows = LOADS[load]
    if load != "new table":
        tables.put(BEFORE)
    source = tables.file(content) if content else None
    return tables.call("stage", source=source, **entry)["plan"], rows


@pytest.mark.parametrize(
    ("load", "step"),
    # Only an upsert and an append get new columns before their own commit.
    [(load, step) for load in LOADS for step in STEPS if load == "upsert" or step != "commit.columns"],
)
def test_a_commit_killed_anywhere_is_rolled_forward(tables: Tables, load: str, step: str) -> None:
    plan, rows = prepare(tables, load)
    is_committed = step in {"commit.after-log", "commit.tidied"}

    assert tables.start("commit", plan=plan, fault=step).finish() is None
    if not is_committed and load != "new table":
        assert [row[:2] for row in tables.rows()] == [["1", "a"], ["2", "a"], ["3", "a"]]

    done = tables.call("commit", plan=plan)
    again = tables.call("commit", plan=plan)

    assert (done["already"], again["already"]) == (is_committed, True)
    assert (done["data_changed"], again["data_changed"]) == (True, True)
    assert done["committed_version"] == again["committed_version"]
    assert tables.rows() == rows
    changes = tables.call("inspect", delta_version=-1 if load == "new table" else 0)["changes"]
    assert [change["stage"] for change in changes] == [plan["stage"]]
    tables.now = datetime.now(UTC) + timedelta(days=2)
    answer(tables.request("clean"), tables.work, tables.now)
    assert tables.rows() == rows
    assert tables.marks() == []
    assert len(tables.data_files()) <= 3


@pytest.mark.parametrize("step", [step for step in faults.STEPS if step.startswith("stage.")])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_stage_killed_anywhere_leaves_nothing_that_is_seen_or_stays(tables: Tables, step: str, is_new: bool) -> None:
    if not is_new:
        tables.put(BEFORE)
    source = tables.file("id,n\n9,z\n")

    assert tables.start("stage", source=source, mode="append", fault=step).finish() is None

    assert tables.call("inspect")["exists"] is not is_new
    assert len(tables.marks()) == 1
    tables.now = datetime.now(UTC) + timedelta(days=2)
    answer(tables.request("clean"), tables.work, tables.now)
    assert tables.marks() == []
    assert len(tables.data_files()) == int(not is_new)
    if not is_new:
        assert len(tables.rows()) == 3


@pytest.mark.parametrize(
    ("load", "step"),
    [
        *((load, "commit.before-log") for load in LOADS),
        ("upsert", "commit.columns"),
        ("upsert", "commit.rewritten"),
        ("upsert", "commit.after-log"),
    ],
)
def test_two_processes_with_one_plan_carry_it_out_once(tables: Tables, load: str, step: str) -> None:
    """A rescuer rolls forward while the worker, that was thought dead, goes on."""
    plan, rows = prepare(tables, load)
    slow = tables.start("commit", plan=plan, fault=f"{step}:stop")
    slow.wait_until_stopped()

    quick = tables.call("commit", plan=plan)
    slow.go_on()
    answered = slow.finish()

    assert answered
    late = answered["tables"][0]
    assert {quick["already"], late["already"]} == {True, False}
    assert late["rows"] == quick["rows"] == len(rows)
    assert tables.rows() == rows
    assert tables.marks() == []


@pytest.mark.parametrize(
    ("load", "other"),
    [
        ("new table", "full"),
        ("new table", "append"),
        ("full", "append"),
        ("append", "full"),
        ("append", "append"),
        ("upsert", "append"),
        ("upsert", "upsert"),
        ("upsert", "full"),
        ("upsert", "delete"),
        ("delete", "upsert"),
    ],
)
def test_whoever_is_overtaken_comes_after(tables: Tables, load: str, other: str) -> None:
    plan, _ = prepare(tables, load)
    slow = tables.start("commit", plan=plan, fault="commit.before-log:stop")
    slow.wait_until_stopped()
    if other == "delete":
        tables.call("delete", delete_where={"column": "id", "operator": "eq", "values": ["2"]})
    else:
        tables.put("id,n\n2,z\n5,z\n", other, primary_key=["id"])
    between = [row[:2] for row in tables.rows()]  # the slow one may have added its column already

    slow.go_on()
    answered = slow.finish()

    assert answered and answered["tables"][0]["already"] is False
    after = {
        "new table": [["7", "b"]],
        "full": [["7", "b", "x"]],
        "append": sorted([*between, ["1", "b"]]),
        "delete": [row for row in between if row[0] == "2"],
        "upsert": [["1", "a", ""], ["2", "b", "x"], ["4", "b", "y"]] + [[*row, ""] for row in between if row[0] == "5"],
    }
    assert tables.rows() == after[load]
    assert tables.marks() == []


def test_many_processes_at_once(tables: Tables) -> None:
    """Half of them upsert the same rows, half append; the table does not exist yet."""
    plans = []
    for number in range(6):
        content = f"id,by\nsame,{number}\nown-{number},{number}\n"
        mode = "upsert" if number % 2 else "append"
        staged = tables.call("stage", source=tables.file(content), mode=mode, primary_key=["id"])
        plans.append(staged["plan"])

    started = [tables.start("commit", plan=plan) for plan in plans for _ in range(2)]
    answers = [one.finish() for one in started]

    entries = [answered["tables"][0] for answered in answers if answered]
    assert len(entries) == 12
    assert sum(not entry["already"] for entry in entries) == 6
    rows = tables.rows()
    assert [row for row in rows if row[0] != "same"] == [[f"own-{number}", str(number)] for number in range(6)]
    versions = {entry["committed_version"]: entry for entry in entries}
    assert sorted(versions) == list(range(6))
    upserts = [change["version"] for change in tables.call("inspect")["changes"] if change["rows_removed"]]
    appended_since = [version for version in versions if version > max(upserts, default=-1)]
    assert len([row for row in rows if row[0] == "same"]) >= 1
    assert len([row for row in rows if row[0] == "same"]) <= 1 + len(appended_since)


def test_when_the_table_changed_its_columns_in_between(tables: Tables) -> None:
    plan, _ = prepare(tables, "append")
    tables.call("drop")
    tables.put("id,n\n1,2\n", columns=[{"name": "id", "type": "INTEGER"}, "n"], has_header=True)

    refusal = tables.fail("commit", plan=plan)

    assert refusal.endswith("Column id has become INTEGER meanwhile, but is STRING in the load.")
    assert tables.rows() == [["1", "2"]]
