"""The draft of an orchestration: every change as a table, and that nothing of the document is lost. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrations import drafts, plans
from orchestrations.drafts import Draft, Refused


def draft_of(*phases: str) -> Draft:
    """ "P: a b" is the phase P with the tasks a and b; its id is p."""
    document: dict[str, Any] = {"phases": [], "tasks": []}
    for text in phases:
        name, _, keys = text.partition(":")
        document["phases"].append({"id": name.lower(), "name": name})
        for key in keys.split():
            request = {"componentId": f"of-{key[0]}", "configId": key}
            document["tasks"].append({"id": key, "phase": name.lower(), "task": request})
    return drafts.read(document)


def shape(draft: Draft) -> list[str]:
    return [f"{phase.name}: {' '.join(task.key for task in phase.tasks)}".strip() for phase in draft.phases]


@pytest.mark.parametrize(
    ("key", "step", "expected"),
    [
        ("a", 1, ["P: b a", "Q: c", "R:"]),
        ("b", -1, ["P: b a", "Q: c", "R:"]),
        ("b", 1, ["P: a", "Q: b c", "R:"]),
        ("c", -1, ["P: a b c", "Q:", "R:"]),
        ("c", 1, ["P: a b", "Q:", "R: c"]),
        ("a", -1, ["P: a b", "Q: c", "R:"]),
    ],
)
def test_a_task_steps_over_the_edge_of_its_phase(key: str, step: int, expected: list[str]) -> None:
    draft = draft_of("P: a b", "Q: c", "R:")

    assert shape(drafts.step_task(draft, key, step)) == expected


def test_the_last_task_of_all_stays_where_it_is() -> None:
    draft = draft_of("P: a", "Q: b")

    assert drafts.step_task(draft, "b", 1) == draft


@pytest.mark.parametrize(
    ("keys", "phase", "place", "expected"),
    [
        (["a"], "p", 0, ["P: a b c", "Q: d"]),
        (["a"], "p", 1, ["P: b a c", "Q: d"]),
        (["a"], "p", 2, ["P: b c a", "Q: d"]),
        (["a"], "p", 99, ["P: b c a", "Q: d"]),
        (["c"], "p", -5, ["P: c a b", "Q: d"]),
        (["a"], "q", 0, ["P: b c", "Q: a d"]),
        (["a"], "q", None, ["P: b c", "Q: d a"]),
        (["c", "a"], "q", 0, ["P: b", "Q: a c d"]),
        (["a", "d"], "q", None, ["P: b c", "Q: a d"]),
        (["a", "no-such"], "q", None, ["P: b c", "Q: d a"]),
    ],
)
def test_tasks_are_moved_to_a_place(keys: list[str], phase: str, place: int | None, expected: list[str]) -> None:
    draft = draft_of("P: a b c", "Q: d")

    assert shape(drafts.move_tasks(draft, keys, phase, place)) == expected


@pytest.mark.parametrize(
    ("key", "place", "expected"),
    [("p", 0, "PQR"), ("p", 1, "QPR"), ("p", 2, "QRP"), ("p", 9, "QRP"), ("r", 0, "RPQ"), ("r", -1, "RPQ")],
)
def test_a_phase_is_moved_to_a_place(key: str, place: int, expected: str) -> None:
    draft = draft_of("P: a", "Q: b", "R: c")

    assert "".join(phase.name for phase in drafts.move_phase(draft, key, place).phases) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"p", "r"}, ["P: a b d", "Q: c"]),
        ({"r", "q"}, ["P: a b", "Q: c d"]),
        ({"p", "q", "r"}, ["P: a b c d"]),
    ],
)
def test_phases_are_merged_into_the_first_of_them(keys: set[str], expected: list[str]) -> None:
    assert shape(drafts.merge_phases(draft_of("P: a b", "Q: c", "R: d"), keys)) == expected


def test_tasks_are_grouped_by_what_their_components_are() -> None:
    draft = draft_of("P: w1 e1", "Writers: e2 t1", "R: w2")
    headings = {"of-e": "Extractors", "of-t": "Transformations", "of-w": "Writers"}
    order = ["Extractors", "Transformations", "Writers", "Applications"]

    grouped = drafts.group_tasks(draft, headings, order, {heading: f"new-{heading}" for heading in order})

    assert shape(grouped) == ["Extractors: e1 e2", "Transformations: t1", "Writers: w1 w2"]
    assert [phase.key for phase in grouped.phases] == ["new-Extractors", "new-Transformations", "writers"]


@pytest.mark.parametrize(
    "change",
    [
        lambda draft: drafts.merge_phases(draft, {"p"}),
        lambda draft: drafts.merge_phases(draft, {"p", "no-such"}),
        lambda draft: drafts.remove(draft, []),
        lambda draft: drafts.move_tasks(draft, ["no-such"], "q"),
        lambda draft: drafts.move_tasks(draft, ["a"], "no-such"),
        lambda draft: drafts.step_task(draft, "no-such", 1),
        lambda draft: drafts.step_phase(draft, "no-such", 1),
        lambda draft: drafts.add_task(draft, "no-such", "x", "c", "1"),
        lambda draft: drafts.set_parameters(draft, "no-such", "", {}),
        lambda draft: drafts.set_parameters(draft, "a", "", {"mode": "debug"}),
        lambda draft: drafts.set_parameters(draft, "a", "", {"configData": [1]}),
        lambda draft: drafts.group_tasks(draft_of("P:"), {}, [], {}),
    ],
)
def test_what_cannot_be_is_refused(change: Callable[[Draft], Draft]) -> None:
    with pytest.raises(Refused):
        change(draft_of("P: a", "Q: b"))


def test_tasks_and_phases_are_removed_together() -> None:
    assert shape(drafts.remove(draft_of("P: a b", "Q: c", "R: d"), ["a"], ["q"])) == ["P: b", "R: d"]


def test_a_new_task_is_active_and_called_as_its_configuration() -> None:
    draft = drafts.add_task(draft_of("P: a"), "p", "new", "of-x", "7")

    task = draft.task("new")
    assert (task.name, task.is_active, task.continues_on_failure) == ("", True, False)
    assert plans.parse(drafts.write(draft)).tasks[1].configuration_key == "7"


@pytest.mark.parametrize(
    ("name", "expected"), [("Extract", "Extract"), ("  E ", "E"), ("", "P"), ("\x00", "P"), ("n" * 300, "n" * 255)]
)
def test_a_phase_is_renamed_to_what_a_document_may_hold(name: str, expected: str) -> None:
    draft = drafts.name_phases(draft_of("P: a", "Q: b"), {"p": name, "no-such": "x"})

    assert [phase.name for phase in draft.phases] == [expected, "Q"]
    plans.parse(drafts.write(draft))


def test_only_tasks_that_were_shown_are_marked() -> None:
    draft = drafts.mark_tasks(draft_of("P: a b c"), {"a", "b"}, {"b"}, {"a"})

    assert [task.is_active for task in draft.tasks] == [False, True, True]
    assert [task.continues_on_failure for task in draft.tasks] == [True, False, False]
    assert dict(draft.task("b").raw) == dict(draft_of("P: a b c").task("b").raw)


def test_parameters_replace_the_old_ones_and_nothing_else() -> None:
    first = drafts.set_parameters(draft_of("P: a"), "a", "Mine", {"tag": "1", "configData": {"x": 1}})

    second = drafts.set_parameters(first, "a", "Mine", {"configData": {"y": 2}})

    assert second.task("a").parameters == {"configData": {"y": 2}}
    assert second.task("a").raw["task"]["componentId"] == "of-a"
    assert second.task("a").name == "Mine"


def test_empty_phases_are_written_only_into_a_draft_that_travels() -> None:
    draft = draft_of("P: a", "Q:", "R: b")

    document = drafts.write(draft)

    assert [(phase["id"], phase["dependsOn"]) for phase in document["phases"]] == [("p", []), ("r", ["p"])]
    assert shape(drafts.read(drafts.write(draft, with_empty=True))) == shape(draft)


def test_what_is_not_known_of_a_document_stays() -> None:
    document = {
        "phases": [{"id": 7, "name": "P", "description": "why", "behavior": {"onError": "stop"}}],
        "tasks": [{"id": 9, "phase": 7, "color": "red", "task": {"componentId": "c", "configId": 1, "mode": "run"}}],
        "note": {"by": "client"},
    }

    written = drafts.write(drafts.step_task(drafts.read(document), "9", 1))

    assert written == {**document, "phases": [{**document["phases"][0], "dependsOn": []}]}  # type: ignore[index]


def test_phases_are_read_in_the_order_that_they_depend_on() -> None:
    document = {"phases": [{"id": 2, "dependsOn": [1]}, {"id": 1, "dependsOn": []}], "tasks": []}

    assert shape(drafts.read(document)) == ["Phase 1:", "Phase 2:"]


@given(st.data())
def test_whatever_is_moved_no_task_is_lost_and_the_document_stays_valid(data: st.DataObject) -> None:
    draft = draft_of("P: a b", "Q: c", "R: d e f")
    keys, phases, steps = st.sampled_from("abcdef"), st.sampled_from("pqr"), st.sampled_from([-1, 1])

    for _ in range(data.draw(st.integers(1, 8))):
        change = data.draw(st.integers(0, 2))
        if change == 0:
            draft = drafts.step_task(draft, data.draw(keys), data.draw(steps))
        elif change == 1:
            draft = drafts.move_tasks(draft, data.draw(st.sets(keys, min_size=1)), data.draw(phases))
        else:
            draft = drafts.step_phase(draft, data.draw(phases), data.draw(steps))

    assert sorted(task.key for task in draft.tasks) == list("abcdef")
    plan = plans.parse(drafts.write(draft))
    assert [task.key for task in plan.tasks] == [task.key for task in draft.tasks]
