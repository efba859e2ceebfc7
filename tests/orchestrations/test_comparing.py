"""What changed between two versions, in sentences."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrations import comparing, plans
from orchestrations.comparing import Basics, ChangeKind
from orchestrations.lib import differences
from orchestrations.lib.secrets import MASK, encrypt_document

KEY = "a key of thirty-two characters!!!"
Document = dict[str, Any]


def build(*phases: tuple[str, list[str]]) -> Document:
    """Phases by name with the names of their tasks; ids are the names in small letters."""
    return {
        "phases": [{"id": name.lower(), "name": name} for name, _ in phases],
        "tasks": [
            {
                "id": task.lower(),
                "name": task,
                "phase": name.lower(),
                "task": {"componentId": "command", "configId": task.lower(), "mode": "run"},
            }
            for name, tasks in phases
            for task in tasks
        ],
    }


BASE = build(("Extract", ["Orders", "Prices", "Stock"]), ("Transform", ["Mart"]), ("Publish", ["Report"]))


def edit(change: Callable[[Document], None]) -> Document:
    document = copy.deepcopy(BASE)
    change(document)
    return document


def task_of(document: Document, name: str) -> Document:
    found: Document = next(task for task in document["tasks"] if task["name"] == name)
    return found


def put(document: Document, name: str, **fields: Any) -> None:
    task_of(document, name).update(fields)


def number_anew(document: Document) -> None:
    document["phases"][1]["id"] = "anew"
    put(document, "Mart", phase="anew")


def sentences(old: Document, new: Document) -> list[str]:
    return [change.sentence for change in comparing.compare_orchestrations(old, new)]


CASES = {
    "a task is added": (
        build(("Extract", ["Orders", "Prices", "Stock"]), ("Transform", ["Mart", "New"]), ("Publish", ["Report"])),
        ["Task “New” was added to phase “Transform”."],
    ),
    "a task is removed": (
        build(("Extract", ["Orders", "Stock"]), ("Transform", ["Mart"]), ("Publish", ["Report"])),
        ["Task “Prices” was removed from phase “Extract”."],
    ),
    "a task changes its phase": (
        build(("Extract", ["Orders", "Prices"]), ("Transform", ["Mart", "Stock"]), ("Publish", ["Report"])),
        ["Task “Stock” was moved from phase “Extract” to “Transform”."],
    ),
    "a task changes its place": (
        build(("Extract", ["Stock", "Orders", "Prices"]), ("Transform", ["Mart"]), ("Publish", ["Report"])),
        ["Task “Stock” was moved to the beginning in phase “Extract”."],
    ),
    "two tasks change places": (
        build(("Extract", ["Orders", "Stock", "Prices"]), ("Transform", ["Mart"]), ("Publish", ["Report"])),
        ["Task “Stock” was moved behind “Orders” in phase “Extract”."],
    ),
    "a phase is added with a task": (
        build(
            ("Extract", ["Orders", "Prices", "Stock"]),
            ("Check", ["Look"]),
            ("Transform", ["Mart"]),
            ("Publish", ["Report"]),
        ),
        ["Phase “Check” was added.", "Task “Look” was added to phase “Check”."],
    ),
    "a phase is removed with its task": (
        build(("Extract", ["Orders", "Prices", "Stock"]), ("Transform", ["Mart"])),
        ["Phase “Publish” was removed.", "Task “Report” was removed from phase “Publish”."],
    ),
    "a phase is merged into another": (
        build(("Extract", ["Orders", "Prices", "Stock"]), ("Transform", ["Mart", "Report"])),
        ["Phase “Publish” was merged into “Transform”."],
    ),
    "phases change their order": (
        build(("Publish", ["Report"]), ("Extract", ["Orders", "Prices", "Stock"]), ("Transform", ["Mart"])),
        ["Phase “Publish” was moved to the beginning."],
    ),
    "a phase is renamed": (
        edit(lambda document: document["phases"][0].update(name="Load")),
        ["Phase “Extract” was renamed to “Load”."],
    ),
    "a phase gets another id": (edit(number_anew), []),
    "a task is renamed": (
        edit(lambda document: task_of(document, "Mart").update(name="Sales mart")),
        ["Task “Mart” was renamed to “Sales mart”."],
    ),
    "a task is switched off": (
        edit(lambda document: put(document, "Mart", enabled=False)),
        ["Task “Mart” was switched off."],
    ),
    "a task continues on failure": (
        edit(lambda document: put(document, "Mart", continueOnFailure=True)),
        ["Task “Mart” continues on failure now."],
    ),
    "a task runs another configuration": (
        edit(
            lambda document: put(document, "Mart", task={"componentId": "command", "configId": "other", "mode": "run"})
        ),
        ["Task “Mart” runs “command other” instead of “command mart”."],
    ),
    "a field that Tutti does not read": (
        edit(lambda document: put(document, "Mart", colour="red")),
        ['Task “Mart”: colour was added: "red".'],
    ),
    "a field beside the plan": (
        edit(lambda document: document.update(notifications={"error": 1})),
        ["notifications was added."],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_one_sentence(case: str) -> None:
    new, expected = CASES[case]

    assert sentences(BASE, new) == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("a task is switched off", ["Task “Mart” was switched on."]),
        ("a task continues on failure", ["Task “Mart” stops the run on failure now."]),
        (
            "a phase is merged into another",
            ["Phase “Publish” was added.", "Task “Report” was moved from phase “Transform” to “Publish”."],
        ),
        ("a field beside the plan", ["notifications was removed."]),
    ],
)
def test_a_change_is_read_backwards_too(case: str, expected: list[str]) -> None:
    assert sentences(CASES[case][0], BASE) == expected


def test_parameters_are_compared_line_by_line() -> None:
    def with_parameters(data: Document) -> Document:
        request = {"componentId": "command", "configId": "mart", "mode": "run", "configData": data}
        return edit(lambda document: put(document, "Mart", task=request))

    changes = comparing.compare_orchestrations(
        with_parameters({"days": 1, "zone": "UTC"}), with_parameters({"days": 2, "zone": "UTC"})
    )

    assert [change.sentence for change in changes] == ["Parameters of task “Mart” changed."]
    assert [(line.mark, line.text.strip()) for line in changes[0].lines if line.mark != " "] == [
        ("-", '"days": 1,'),
        ("+", '"days": 2,'),
    ]


def test_a_task_without_a_name_is_called_by_its_configuration() -> None:
    new = edit(lambda document: document["tasks"].pop())
    old = edit(lambda document: task_of(document, "Report").update(name=""))

    changes = comparing.compare_orchestrations(old, new, names={("command", "report"): "Board report"})

    assert [change.sentence for change in changes] == ["Task “Board report” was removed from phase “Publish”."]


def test_a_document_that_is_no_plan_is_compared_as_it_is() -> None:
    assert sentences({"phases": 1}, {"phases": 2}) == ["phases changed from 1 to 2."]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": True}, ["a changed from 1 to true."]),
        ({"a": {"b": "x"}}, {"a": {"b": "y", "c": None}}, ['a.b changed from "x" to "y".', "a.c was added: null."]),
        ({"a": {"b": [1]}}, {"a": {}}, ["a.b was removed."]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ["a[1].b changed from 2 to 3."]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 3}]}, ["a changed."]),
        ({"a": 1}, {"a": {"b": 1}}, ["a changed."]),
    ],
)
def test_values_are_named_by_their_paths(old: Document, new: Document, expected: list[str]) -> None:
    assert [change.sentence for change in comparing.compare_configurations(old, new)] == expected


def test_a_text_of_many_lines_is_compared_by_its_lines() -> None:
    changes = comparing.compare_configurations({"code": "a = 1\nb = 2\n"}, {"code": "a = 1\nb = 3\n"})

    assert [(line.mark, line.text) for line in changes[0].lines] == [
        (" ", "a = 1"),
        ("-", "b = 2"),
        ("+", "b = 3"),
        (" ", ""),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"#key": "old secret"}, {"#key": "new secret"}, ["#key changed."]),
        ({}, {"#key": "new secret"}, ["#key was added."]),
        ({"#key": "old secret"}, {}, ["#key was removed."]),
        ({"#key": "old secret"}, {"#key": MASK}, []),
        ({"#key": "old secret"}, {"#key": "old secret"}, []),
        ({"#a": "secret 1", "#b": "secret 2"}, {"#a": "secret 2", "#b": "secret 1"}, ["#a changed.", "#b changed."]),
        (
            {"rows": [{"#key": "secret 1"}, {"#key": "secret 2"}]},
            {"rows": [{"#key": "secret 2"}, {"#key": "secret 1"}]},
            ["rows[0].#key changed.", "rows[1].#key changed."],
        ),
        ({"rows": [{"#key": "secret 1"}, {"#key": "secret 2"}]}, {"rows": [{"#key": "secret 2"}]}, ["rows changed."]),
    ],
)
def test_of_a_secret_only_the_change_is_told(old: Document, new: Document, expected: list[str]) -> None:
    changes = comparing.compare_configurations(old, new)

    assert [change.sentence for change in changes] == expected
    assert "secret" not in str(changes)


def test_ciphertexts_are_secrets_too() -> None:
    old, new = ({"#key": encrypt_document({"#key": text}, "project:1", KEY)["#key"]} for text in ("one", "two"))

    changes = comparing.compare_configurations({"list": [old]}, {"list": [new, new]})

    assert "tutti:v1" not in str(changes)
    assert differences.CHANGED in str(changes)


def test_what_is_very_long_is_cut() -> None:
    lines = differences.lines("\n".join(map(str, range(3000))), "\n".join(map(str, range(3000, 6000))))

    assert len(lines) == differences.MOST_LINES + 1
    assert lines[-1].text == "5600 more lines"


def test_name_description_and_switch_are_compared() -> None:
    old = Basics(name="Daily", description="Orders")
    new = Basics(name="Nightly", description="Orders and stock", is_disabled=True)

    changes = comparing.compare_basics(old, new)

    assert [change.sentence for change in changes] == [
        "Renamed from “Daily” to “Nightly”.",
        "The description changed.",
        "Disabled.",
    ]
    assert comparing.compare_basics(old, old) == []


NAMES = [f"T{number}" for number in range(8)]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    tasks = draw(st.lists(st.sampled_from(NAMES), unique=True))
    phases = draw(st.lists(st.sampled_from(["A", "B", "C", "D"]), unique=True, min_size=1))
    document = build(*((phase, []) for phase in phases))
    for name in tasks:
        phase = draw(st.sampled_from(phases))
        document["tasks"] += build((phase, [name]))["tasks"]
        put(document, name, enabled=draw(st.booleans()), continueOnFailure=draw(st.booleans()))
        task_of(document, name)["task"]["configData"] = draw(
            st.sampled_from([{}, {"days": 1}, {"#key": "x"}, {"#key": "y"}])
        )
    return document


@given(documents())
def test_the_same_has_no_changes(document: Document) -> None:
    assert comparing.compare_orchestrations(document, copy.deepcopy(document)) == []


@given(documents(), documents())
def test_no_change_goes_unnoticed(old: Document, new: Document) -> None:
    differs = plans.parse(old) != plans.parse(new)

    assert bool(comparing.compare_orchestrations(old, new)) is differs


@given(documents(), st.randoms(use_true_random=False))
def test_another_order_is_only_moves(document: Document, random: Any) -> None:
    new = copy.deepcopy(document)
    random.shuffle(new["phases"])
    random.shuffle(new["tasks"])

    changes = comparing.compare_orchestrations(document, new)

    assert {change.kind for change in changes} <= {ChangeKind.MOVED}
    assert bool(changes) is (plans.parse(document) != plans.parse(new))
