"""R1–R3, R10: reading a document, choosing tasks, and what a run does next. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrations import plans
from orchestrations.plans import Finish, InvalidPlan, InvalidSelection, Outcome, Plan, PlanPhase, PlanTask, StartPhase

GOOD, BAD = "success", ["warning", "error", "terminated", "cancelled"]


def plan_of(*phases: list[str], disabled: tuple[str, ...] = ()) -> Plan:
    """Each argument lists the keys of the tasks of one phase."""
    return Plan(
        phases=tuple(
            PlanPhase(
                key=f"p{n}",
                name=f"Phase {n}",
                tasks=tuple(
                    PlanTask(key=key, name=key, component_id="c", configuration_key=key, enabled=key not in disabled)
                    for key in keys
                ),
            )
            for n, keys in enumerate(phases)
        )
    )


def document_of(*tasks: Any, phases: list[Any] | None = None) -> dict[str, Any]:
    return {"phases": phases if phases is not None else [{"id": "p"}], "tasks": list(tasks)}


def task_of(**fields: Any) -> dict[str, Any]:
    return {"id": "t", "phase": "p", "task": {"componentId": "c", "configId": "1", "mode": "run"}, **fields}


# --- Reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        ({"phases": {}, "tasks": "x"}, "tasks"),
        ({"phases": ["x"], "tasks": []}, "phases[0]"),
        ({"phases": [{}], "tasks": []}, "phases[0].id"),
        ({"phases": [{"id": True}], "tasks": []}, "phases[0].id"),
        ({"phases": [{"id": "p"}, {"id": "p"}], "tasks": []}, "phases"),
        ({"phases": [{"id": 1}, {"id": "1"}], "tasks": []}, "phases"),
        ({"phases": [{"id": "p", "name": 1}], "tasks": []}, "phases[0].name"),
        ({"phases": [{"id": "p", "name": "a\x00"}], "tasks": []}, "phases[0].name"),
        ({"phases": [{"id": "p", "name": "n" * 256}], "tasks": []}, "phases[0].name"),
        (document_of("x"), "tasks[0]"),
        (document_of({"id": "t", "phase": "p"}), "tasks[0].task"),
        (document_of(task_of(phase="q")), "tasks[0].phase"),
        (document_of(task_of(), task_of()), "tasks"),
        (document_of(task_of(enabled="yes")), "tasks[0].enabled"),
        (document_of(task_of(continueOnFailure=1)), "tasks[0].continueOnFailure"),
        (document_of(task_of(task={"configId": "1"})), "tasks[0].task.componentId"),
        (document_of(task_of(task={"componentId": "c"})), "tasks[0].task.configId"),
        (document_of(task_of(task={"componentId": "c", "configData": []})), "tasks[0].task.configId"),
        (document_of(task_of(task={"componentId": "c", "configData": "x"})), "tasks[0].task.configData"),
        (document_of(task_of(task={"componentId": "c", "configId": "k" * 101})), "tasks[0].task.configId"),
    ],
)
def test_a_document_that_is_no_orchestration_is_refused_with_the_field(document: Any, path: str) -> None:
    with pytest.raises(InvalidPlan) as caught:
        plans.parse(document)

    assert caught.value.path == path


@pytest.mark.parametrize("name", ["component", "config", "token"])
def test_a_task_cannot_change_component_configuration_or_token(name: str) -> None:
    request = {"componentId": "c", "configId": "1", name: "other"}

    with pytest.raises(InvalidPlan, match=r"tasks\[0\]\.task\." + name):
        plans.parse(document_of(task_of(task=request)))


@pytest.mark.parametrize("mode", ["debug", "forceRun", "", None, 1])
def test_a_task_cannot_change_the_mode(mode: Any) -> None:
    with pytest.raises(InvalidPlan, match="mode"):
        plans.parse(document_of(task_of(task={"componentId": "c", "configId": "1", "mode": mode})))


def test_parameters_of_a_task_keep_everything_but_what_is_fixed() -> None:
    request = {"componentId": "c", "configId": 1, "mode": "run", "variableValuesData": {"values": []}, "tag": "1.2"}

    parsed = plans.parse(document_of(task_of(task=request))).tasks[0]

    assert parsed.request == {"variableValuesData": {"values": []}, "tag": "1.2"}
    assert parsed.configuration_key == "1"


def test_more_tasks_than_the_limit_are_refused() -> None:
    tasks = [task_of(id=n) for n in range(4)]

    assert len(plans.parse(document_of(*tasks), tasks_limit=4).tasks) == 4
    with pytest.raises(InvalidPlan, match="4 tasks are more than the limit of 3"):
        plans.parse(document_of(*tasks), tasks_limit=3)
    with pytest.raises(InvalidPlan, match="4 phases are more than the limit of 3"):
        plans.parse({"phases": [{"id": 1}] * 4}, tasks_limit=3)


def test_phases_follow_depends_on_whatever_their_order_in_the_list() -> None:
    phases: list[Any] = [{"id": "c", "dependsOn": ["b"]}, {"id": "a"}, {"id": "b", "dependsOn": ["a"]}]

    assert [phase.key for phase in plans.parse(document_of(phases=phases)).phases] == ["a", "b", "c"]


def test_phases_without_depends_on_follow_as_listed() -> None:
    phases = [{"id": "c"}, {"id": "a"}, {"id": "b"}]

    assert [phase.key for phase in plans.parse(document_of(phases=phases)).phases] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("phases", "sentence"),
    [
        ([{"id": "a", "dependsOn": ["b"]}, {"id": "b", "dependsOn": ["a"]}], "wait for each other"),
        ([{"id": "a", "dependsOn": ["a"]}], "wait for each other"),
        ([{"id": "a"}, {"id": "b", "dependsOn": []}], "could start together"),
        ([{"id": "a"}, {"id": "b", "dependsOn": ["a"]}, {"id": "c", "dependsOn": ["a"]}], "could start together"),
        ([{"id": "a", "dependsOn": ["z"]}], "no phase 'z'"),
        ([{"id": "a", "dependsOn": "a"}], "list of phase ids"),
    ],
)
def test_phases_that_have_no_single_order_are_refused(phases: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(InvalidPlan, match=sentence):
        plans.parse(document_of(phases=phases))


@given(st.permutations(range(8)))
def test_a_chain_of_phases_is_found_in_any_order(order: list[int]) -> None:
    phases = [{"id": n, "dependsOn": [n - 1] if n else []} for n in order]

    assert [phase.key for phase in plans.parse(document_of(phases=phases)).phases] == [str(n) for n in range(8)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["run", "p", "dependsOn"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["phases", "tasks", "id", "name", "phase", "task", "componentId", "configId", "enabled"]
                )
                | st.text(max_size=3),
                inner,
                max_size=5,
            )
        ),
        max_leaves=25,
    )
)
def test_whatever_comes_is_read_or_refused_with_a_sentence(document: Any) -> None:
    try:
        plan = plans.parse(document)
    except InvalidPlan as error:
        assert str(error)
    else:
        assert len({task.key for task in plan.tasks}) == len(plan.tasks)


# --- Choosing (R3) -----------------------------------------------------------------------------


def test_without_a_choice_the_active_tasks_run_and_phases_keep_their_places() -> None:
    plan = plan_of(["a", "b"], ["c"], ["d"], disabled=("b", "c"))

    chosen = plan.select(None)

    assert [[task.key for task in phase.tasks] for phase in chosen.phases] == [["a"], [], ["d"]]


def test_an_inactive_task_can_be_chosen_by_hand() -> None:
    chosen = plan_of(["a", "b"], disabled=("b",)).select(["b"])

    assert [task.key for task in chosen.tasks] == ["b"]


@pytest.mark.parametrize("only", [["a", "x"], ["x"]])
def test_an_unknown_task_is_refused_by_name(only: list[str]) -> None:
    with pytest.raises(InvalidSelection, match="'x'"):
        plan_of(["a"]).select(only)


@pytest.mark.parametrize(("disabled", "only"), [((), []), (("a",), None)])
def test_a_run_without_any_task_is_refused(disabled: tuple[str, ...], only: list[str] | None) -> None:
    with pytest.raises(InvalidSelection, match="no task to run"):
        plan_of(["a"], disabled=disabled).select(only)


# --- Deciding (R1, R2) -------------------------------------------------------------------------


@pytest.mark.parametrize("status", BAD)
def test_a_task_that_is_not_good_stops_the_run_unless_it_may_fail(status: str) -> None:
    plan = plan_of(["a"], ["b"])

    assert plans.decide(plan, 0, [Outcome("a", status)]) == Finish("error")
    assert plans.decide(plan, 0, [Outcome("a", status, True)]) == StartPhase(1)
    assert plans.decide(plan, 1, [Outcome("a", status, True), Outcome("b", GOOD)]) == Finish("warning")


def test_good_tasks_lead_from_phase_to_phase_and_to_success() -> None:
    plan = plan_of([], ["a"], [], ["b"], [])

    assert plans.decide(plan, None, []) == StartPhase(1)
    assert plans.decide(plan, 1, [Outcome("a", GOOD)]) == StartPhase(3)
    assert plans.decide(plan, 3, [Outcome("a", GOOD), Outcome("b", GOOD)]) == Finish("success")


outcomes = st.lists(
    st.builds(Outcome, st.uuids().map(str), st.sampled_from([GOOD, *BAD]), st.booleans()), min_size=1, max_size=6
)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(-1, 5), outcomes)
def test_a_decision_never_goes_back_and_never_starts_an_empty_phase(
    sizes: list[int], position: int, ended: list[Outcome]
) -> None:
    plan = plan_of(*[[f"{n}-{m}" for m in range(size)] for n, size in enumerate(sizes)])

    decision = plans.decide(plan, None if position < 0 else position, ended)

    stopped = any(each.status != GOOD and not each.continue_on_failure for each in ended)
    if isinstance(decision, StartPhase):
        assert not stopped
        assert decision.position > position
        assert plan.phases[decision.position].tasks
        assert not any(phase.tasks for phase in plan.phases[max(0, position + 1) : decision.position])
    else:
        expected = "error" if stopped else "success" if all(each.status == GOOD for each in ended) else "warning"
        assert decision.status == expected


# --- Retry (R10) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({"a": GOOD, "b": "error"}, ["b", "c", "d"]),
        ({"a": "cancelled", "b": "terminated"}, ["a", "b", "c", "d"]),
        ({"a": GOOD, "b": "warning", "c": GOOD, "d": GOOD}, ["b"]),
        ({"a": GOOD, "b": GOOD, "c": GOOD, "d": "error"}, ["d"]),
        ({"a": GOOD, "b": GOOD, "c": GOOD, "d": GOOD}, []),
        ({}, ["a", "b", "c", "d"]),
    ],
)
def test_a_retry_checks_failed_tasks_and_those_of_phases_not_executed(
    statuses: dict[str, str], expected: list[str]
) -> None:
    plan = plan_of(["a", "b"], ["c"], ["d"])

    assert plans.retry_selection(plan, plan, plan, statuses) == expected


def test_a_retry_of_a_partial_run_leaves_out_what_was_not_chosen() -> None:
    whole = plan_of(["a", "b"], ["c", "not-chosen"], ["d"])

    assert plans.retry_selection(whole, whole.select(["a", "c"]), whole, {"a": "error"}) == ["a", "c"]


def test_a_retry_leaves_out_tasks_removed_since_and_takes_new_ones_of_phases_not_executed() -> None:
    old = plan_of(["a", "b"], ["c"])
    now = plan_of(["a", "new-in-executed"], ["c", "new", "new-inactive"], disabled=("new-inactive",))

    assert plans.retry_selection(old, old, now, {"a": "error", "b": "error"}) == ["a", "c", "new"]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.data())
def test_what_a_retry_checks_was_never_good(sizes: list[int], data: st.DataObject) -> None:
    plan = plan_of(*[[f"{n}-{m}" for m in range(size)] for n, size in enumerate(sizes)])
    executed = data.draw(st.integers(0, len(sizes)))
    keys = [task.key for phase in plan.phases[:executed] for task in phase.tasks]
    statuses = {key: data.draw(st.sampled_from([GOOD, *BAD])) for key in keys}

    chosen = plans.retry_selection(plan, plan, plan, statuses)

    assert set(chosen) == {task.key for task in plan.tasks if statuses.get(task.key) != GOOD}
    assert len(chosen) == len(set(chosen))
