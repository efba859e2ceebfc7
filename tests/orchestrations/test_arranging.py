"""Phases arranged by the tables that tasks read and write. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrations import arranging, drafts
from orchestrations.arranging import Where
from orchestrations.drafts import Draft, DraftTask, Refused
from orchestrations.lineage import Tables
from tests.orchestrations.test_drafts import draft_of, shape

TABLE = "in.c-t.{}"


def uses(**tasks: str) -> dict[str, Tables]:
    """``b="x > y z"``: the task b reads x and writes y and z."""
    found = {}
    for key, text in tasks.items():
        reads, _, writes = text.partition(">")
        found[key] = Tables(*(frozenset(map(TABLE.format, side.split())) for side in (reads, writes)))
    return found


def keys() -> Iterator[str]:
    return (f"new-{number}" for number in count(1))


def arranged(draft: Draft, tables: dict[str, Tables]) -> Draft:
    return arranging.arrange(draft, tables, names={}, new_key=keys().__next__)


@pytest.mark.parametrize(
    ("phases", "tables", "expected"),
    [
        (["P: a b"], uses(a="> x", b="x >"), ["P: a", "P (2): b"]),
        (["P: b a"], uses(a="> x", b="x >"), ["P: a", "P (2): b"]),
        (["P: a b", "Q: c"], uses(a="> x", b="x >"), ["P: a", "Q: c b"]),
        (["P: b", "Q: a"], uses(a="> x", b="x >"), ["Q: a", "P: b"]),
        (["P: a b c", "Q:"], uses(a="> x", b="x > y", c="y >"), ["P: a", "Q: b", "P (2): c"]),
        (["P: a", "Q: b"], uses(a="> x", b="x >"), ["P: a", "Q: b"]),
        (["P: a b"], uses(a="> x", b="y >"), ["P: a b"]),
        (["P: a"], uses(a="x > x"), ["P: a"]),
        (["P: a b c"], uses(c="> x", a="x > y", b="y >"), ["P: c", "P (2): a", "P (3): b"]),
    ],
)
def test_each_task_comes_after_the_tasks_whose_tables_it_reads(
    phases: list[str], tables: dict[str, Tables], expected: list[str]
) -> None:
    draft = arranged(draft_of(*phases), tables)

    assert shape(draft) == expected
    assert arranging.warnings_of(draft, tables) == {}


def test_a_whole_bucket_is_written() -> None:
    tables = {"a": Tables(writes=frozenset({"in.c-t.*"})), "b": Tables(reads=frozenset({"in.c-t.x", "in.c-u.x"}))}

    assert shape(arranged(draft_of("P: b a"), tables)) == ["P: a", "P (2): b"]


def test_inactive_tasks_read_and_write_nothing() -> None:
    draft = drafts.mark_tasks(draft_of("P: a b"), ["a", "b"], ["b"], [])

    assert arranged(draft, uses(a="> x", b="x >")) == draft


def test_of_one_configuration_twice_the_first_counts() -> None:
    draft = draft_of("P: a", "Q: b", "R: c")
    again = replace(draft.task("c"), raw={**draft.task("c").raw, "task": draft.task("a").raw["task"]})
    draft = replace(draft, phases=(*draft.phases[:2], replace(draft.phases[2], tasks=(again,))))

    assert arranged(draft, uses(a="> x", b="x >", c="> x")) == draft


def test_a_circle_is_told_by_name() -> None:
    tables = uses(a="y > x", b="x > y", c="x >")

    with pytest.raises(Refused) as refused:
        arranging.arrange(draft_of("P: a b c"), tables, names={"a": "Sums", "b": "Totals"}, new_key=keys().__next__)

    assert str(refused.value) == ("These tasks read what the next one writes, so no order fits: Sums > Totals > Sums.")


def test_where_the_writer_stands() -> None:
    tables = uses(a="> x", b="x >", c="> z", d="z >")

    found = arranging.warnings_of(draft_of("P: a b d", "Q: c"), tables)

    assert {key: [(each.need.writer, each.where) for each in warned] for key, warned in found.items()} == {
        "b": [("a", Where.SAME_PHASE)],
        "d": [("c", Where.LATER_PHASE)],
    }


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Draft, dict[str, Tables]]:
    """Tasks in any phases; each reads only what tasks before it in another order write, so that some order fits."""
    names = "abcdefgh"[: draw(st.integers(1, 8))]
    places = [draw(st.integers(0, 3)) for _ in names]
    phases = [
        f"P{place}: {' '.join(n for n, p in zip(names, places, strict=True) if p == place)}" for place in range(4)
    ]
    order = draw(st.permutations(names))
    tables = {}
    for place, name in enumerate(order):
        reads = draw(st.sets(st.sampled_from(order[:place]))) if place else set()
        tables[name] = Tables(frozenset(map(TABLE.format, reads)), frozenset({TABLE.format(name)}))
    return draft_of(*phases), tables


@given(worlds())
def test_arranging_loses_nothing_moves_no_more_than_it_must_and_is_done_at_once(
    world: tuple[Draft, dict[str, Tables]],
) -> None:
    draft, tables = world
    warned = arranging.warnings_of(draft, tables)

    new = arranged(draft, tables)

    assert arranging.warnings_of(new, tables) == {}
    assert arranged(new, tables) == new
    assert (new == draft) is (not warned)
    assert sorted(map(key_of, new.tasks)) == sorted(map(key_of, draft.tasks))
    assert len({phase.key for phase in new.phases}) == len(new.phases) == len({phase.name for phase in new.phases})
    assert all(phase.tasks for phase in new.phases if phase.key not in {p.key for p in draft.phases if not p.tasks})


def key_of(task: DraftTask) -> str:
    return task.key
