"""Orchestrations as files: what is written, what is read, what comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrations import access, editing, transfer
from orchestrations.access import Actor
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, User
from orchestrations.transfer import InvalidImport
from tests import builders
from tests.builders import NOW, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(project: Project) -> Configuration:
    parameters = {"command": ["true"], "environment": {"#TOKEN": "the secret", "ZONE": "UTC"}}
    return builders.build_configuration(project, name="Orders", document={"parameters": parameters})


@pytest.fixture
def daily(project: Project, orders: Configuration) -> Configuration:
    prices = builders.build_configuration(project, name="Prices")
    data = {"parameters": {"environment": {"#KEY": "of the task"}}}
    phases = [task(orders, key="orders"), task(prices, key="prices", request={"configData": data})]
    return builders.build_orchestration(project, phases, name="Daily")


@pytest.fixture
def elsewhere(alice: User) -> Project:
    return builders.build_project(alice, "Elsewhere")


def bring_in(project: Project, value: Any, name: str = "") -> transfer.Imported:
    file = transfer.read(json.loads(json.dumps(value)))
    return transfer.import_file(project, file, name=name, actor=builders.admin_of(project), now=NOW)


def names_of_tasks(orchestration: Configuration) -> list[tuple[str, str]]:
    rows = orchestration.tasks.select_related("configuration")
    return [(row.configuration.name, str(row.configuration.project)) for row in rows if row.configuration is not None]


def test_a_file_says_what_it_is_and_holds_no_secret(daily: Configuration) -> None:
    file = transfer.export(daily)

    assert (file["format"], file["formatVersion"], file["name"]) == ("tutti.orchestration", 1, "Daily")
    assert [each["name"] for each in file["configurations"]] == ["Orders", "Prices"]
    assert file["configurations"][0]["secrets"] == ["parameters.environment.#TOKEN"]
    assert file["secrets"] == ["tasks[1].task.configData.parameters.environment.#KEY"]
    assert "secret" not in json.dumps([each["configuration"] for each in file["configurations"]])
    assert "tutti:v1" not in json.dumps(file)


def test_in_another_project_everything_is_created(daily: Configuration, elsewhere: Project) -> None:
    done = bring_in(elsewhere, transfer.export(daily))

    assert done.created == ["Orders", "Prices"]
    assert names_of_tasks(done.orchestration) == [("Orders", "Elsewhere"), ("Prices", "Elsewhere")]
    assert done.secrets == [
        "Daily: tasks[1].task.configData.parameters.environment.#KEY",
        "Orders: parameters.environment.#TOKEN",
    ]


def test_in_the_same_project_configurations_are_used_as_they_are(daily: Configuration, project: Project) -> None:
    done = bring_in(project, transfer.export(daily), name="Daily again")

    assert (done.created, done.orchestration.name) == ([], "Daily again")
    assert {row.configuration_id for row in done.orchestration.tasks.all()} == {
        row.configuration_id for row in daily.tasks.all()
    }


def test_another_configuration_of_the_same_id_is_not_taken_for_it(
    daily: Configuration, orders: Configuration, elsewhere: Project
) -> None:
    editing.create(
        elsewhere,
        "command",
        Content(name="Something else"),
        actor=builders.admin_of(elsewhere),
        now=NOW,
        key=orders.key,
    )

    done = bring_in(elsewhere, transfer.export(daily))

    assert done.created == ["Orders", "Prices"]
    assert names_of_tasks(done.orchestration)[0] == ("Orders", "Elsewhere")


def test_nested_orchestrations_come_along(daily: Configuration, project: Project, elsewhere: Project) -> None:
    outer = builders.build_orchestration(project, [task(daily)], name="Outer")

    done = bring_in(elsewhere, transfer.export(outer))

    assert done.created == ["Orders", "Prices", "Daily"]
    inner = done.orchestration.tasks.get().configuration
    assert inner is not None
    assert names_of_tasks(inner) == [("Orders", "Elsewhere"), ("Prices", "Elsewhere")]


def test_tasks_without_their_configuration_are_named_and_nothing_is_left_behind(
    daily: Configuration, elsewhere: Project
) -> None:
    file = transfer.export(daily)
    del file["configurations"][1]

    with pytest.raises(InvalidImport, match=r"Task 'Prices' .* neither in this project nor in the file"):
        bring_in(elsewhere, file)

    assert not Configuration.objects.in_project(elsewhere).exists()


def test_what_is_in_the_trash_here_is_not_used(daily: Configuration, orders: Configuration, project: Project) -> None:
    file = transfer.export(daily)
    editing.trash(orders, actor=builders.admin_of(project), now=NOW)

    assert bring_in(project, file).created == ["Orders"]
    with pytest.raises(InvalidImport, match="'Orders'"):
        bring_in(project, {**file, "configurations": []})


def test_a_bare_document_needs_a_name(daily: Configuration, project: Project) -> None:
    document = {"phases": daily.document["phases"], "tasks": []}

    assert bring_in(project, document, name="Bare").orchestration.name == "Bare"
    with pytest.raises(InvalidImport, match="name: is missing"):
        bring_in(project, document)


def test_an_editor_is_needed(daily: Configuration, project: Project, oscar: User) -> None:
    file = transfer.read(transfer.export(daily))

    with pytest.raises(access.Denied):
        transfer.import_file(project, file, name="", actor=Actor(user=oscar), now=NOW)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "configuration: expected an object, but it is missing."),
        ({"format": "other"}, "format: expected 'tutti.orchestration'."),
        ({"formatVersion": 2}, "formatVersion: this installation reads version 1."),
        ({"configuration": []}, "configuration: expected an object."),
        ({"configuration": {"tasks": [1]}}, "configuration.tasks[0]: expected an object."),
        ({"tasks": {}, "phases": [1]}, "phases[0]: expected an object."),
        ({"name": 1, "configuration": {}}, "name: expected a text."),
        ({"configuration": {}, "configurations": {"a": 1}}, "configurations: expected a list."),
        ({"configuration": {}, "configurations": [1]}, "configurations[0]: expected an object."),
        (
            {"configuration": {}, "configurations": [{}]},
            "configurations[0].configuration: expected an object, but it is missing.",
        ),
        (
            {"configuration": {}, "configurations": [{"configuration": {}}]},
            "configurations[0].componentId: is missing.",
        ),
        (
            {"configuration": {}, "configurations": [{"configuration": {}, "componentId": "command"}]},
            "configurations[0].id: is missing.",
        ),
    ],
)
def test_what_is_no_file_is_refused_by_the_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidImport) as refused:
        transfer.read(value)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("component_id", "name", "message"),
    [
        ("nowhere", "Orders", 'configurations[0]: There is no component "nowhere".'),
        ("command", "", "configurations[0]: name: is missing."),
    ],
)
def test_a_configuration_that_cannot_be_created_is_named_by_its_place(
    component_id: str, name: str, message: str, project: Project
) -> None:
    carried = {"componentId": component_id, "id": "1", "name": name, "configuration": {}}

    with pytest.raises(InvalidImport) as refused:
        bring_in(project, {"name": "New", "configuration": {}, "configurations": [carried]})

    assert str(refused.value) == message
