"""R3: which tasks a run executes, and with what."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.launching import IsDisabled, Refused
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor, Denied
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    one, off, two = (builders.build_configuration(project, name=name) for name in ("One", "Off", "Two"))
    return builders.build_orchestration(
        project, [task(one, key="one"), task(off, key="off", enabled=False)], [task(two, key="two")]
    )


def test_an_inactive_task_is_not_run_with_the_orchestration(orchestration: Configuration) -> None:
    builders.launch(orchestration)

    assert builders.drain(builders.build_cluster()) == ["One", "Two"]


def test_an_inactive_task_can_be_chosen_for_one_run(orchestration: Configuration) -> None:
    run = builders.launch(orchestration, only_task_keys=["off"])

    assert builders.drain(builders.build_cluster()) == ["Off"]
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS
    assert run.is_partial


def test_a_choice_keeps_the_order_of_phases(orchestration: Configuration) -> None:
    builders.launch(orchestration, only_task_keys=["two", "off"])

    assert builders.drain(builders.build_cluster()) == ["Off", "Two"]


@pytest.mark.parametrize("only", [[], ["one", "unknown"]])
def test_an_impossible_choice_is_refused_and_nothing_is_created(orchestration: Configuration, only: list[str]) -> None:
    with pytest.raises(Refused):
        builders.launch(orchestration, only_task_keys=only)

    assert not Job.objects.exists()


def test_an_orchestration_without_an_active_task_is_refused(project: Project) -> None:
    configuration = builders.build_configuration(project)
    orchestrations: list[list[Any]] = [[], [[]], [[task(configuration, enabled=False)]]]
    for phases in orchestrations:
        with pytest.raises(Refused, match="no task to run"):
            builders.launch(builders.build_orchestration(project, *phases))

    assert not Job.objects.exists()


def test_tasks_of_a_component_cannot_be_chosen(project: Project) -> None:
    with pytest.raises(Refused, match="only an orchestration has tasks"):
        builders.launch(builders.build_configuration(project), only_task_keys=["x"])

    assert not Job.objects.exists()


def test_parameters_of_a_task_are_the_request_of_its_job(project: Project) -> None:
    configuration = builders.build_configuration(project)
    values = {"values": [{"name": "day", "value": "Monday"}]}
    orchestration = builders.build_orchestration(
        project, [task(configuration, request={"variableValuesData": values, "tag": "2"})]
    )

    run = builders.launch(orchestration)

    assert run.children.get().request == {"variableValuesData": values, "tag": "2"}
    assert run.children.get().configuration == configuration


@pytest.mark.parametrize("request_", [{"mode": "debug"}, {"token": "1-2-x"}, {"component": "x"}, {"config": "x"}])
def test_a_document_whose_task_changes_what_is_fixed_is_not_saved(project: Project, request_: dict[str, Any]) -> None:
    configuration = builders.build_configuration(project)
    before = Configuration.objects.count()

    with pytest.raises(editing.InvalidConfiguration):
        builders.build_orchestration(project, [task(configuration, request=request_)])

    assert Configuration.objects.count() == before


def test_a_disabled_orchestration_runs_only_when_forced(project: Project, orchestration: Configuration) -> None:
    off = editing.set_enabled(orchestration, False, actor=builders.admin_of(project), now=NOW)

    with pytest.raises(IsDisabled):
        builders.launch(off)
    builders.launch(off, forced=True)

    assert builders.drain(builders.build_cluster()) == ["One", "Two"]


def test_an_orchestration_in_the_trash_is_never_launched(project: Project, orchestration: Configuration) -> None:
    editing.trash(orchestration, actor=builders.admin_of(project), now=NOW)
    orchestration.refresh_from_db()

    with pytest.raises(Refused, match="in the trash"):
        builders.launch(orchestration, forced=True)


def test_a_configuration_of_another_project_is_refused(alice: User, project: Project) -> None:
    other = builders.build_project(alice, name="Another")
    foreign = builders.build_configuration(other)
    foreign.project = project

    with pytest.raises(Refused, match="no configuration"):
        launching_request(project, Configuration.objects.get(pk=foreign.pk))


def launching_request(project: Project, configuration: Configuration) -> Job:
    from_elsewhere = Configuration.objects.select_related("project").get(pk=configuration.pk)
    return builders.launching.launch(
        project,
        from_elsewhere.component_id,
        from_elsewhere,
        builders.launching.Request(),
        actor=builders.admin_of(project),
        now=NOW,
    )


def test_viewers_and_strangers_launch_nothing(orchestration: Configuration, bob: User, charlie: User) -> None:
    for person in (bob, charlie):
        with pytest.raises(Denied):
            builders.launch(orchestration, actor=Actor(user=person))

    assert not Job.objects.exists()


@pytest.mark.parametrize("seconds", [-1, 366 * 24 * 3600 + 1, float("nan"), float("inf")])
def test_an_impossible_delay_is_refused(orchestration: Configuration, seconds: float) -> None:
    with pytest.raises(Refused, match="delay"):
        builders.launch(orchestration, delay_seconds=seconds)

    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"variableValuesData": {"values": [1]}},
        {"variableValuesData": {"values": [{"name": "a"}]}},
        {"variableValuesData": {"values": {"a": 1}}},
        {"variableValuesData": [1]},
        {"configData": "text"},
        {"configData": [1]},
    ],
)
def test_a_malformed_request_is_refused_when_it_is_made(project: Project, data: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        builders.launch(builders.build_configuration(project), data=data)

    assert not Job.objects.exists()


def test_content_against_the_schema_of_the_component_is_refused(project: Project) -> None:
    with pytest.raises(Refused, match="command"):
        builders.launch(builders.build_configuration(project), data={"configData": {"parameters": {"command": "ls"}}})

    assert not Job.objects.exists()
