from __future__ import annotations

from typing import Any

import pytest

from orchestrations import editing
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project
from tests import builders
from tests.api.conftest import Api, assert_storage_error, limited_api

COMPONENTS = "/v2/storage/components"


@pytest.fixture
def load(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load orders")


def test_components_are_listed_with_their_configurations(api: Api, project: Project, load: Configuration) -> None:
    nightly = builders.build_orchestration(project, [builders.task(load)])

    listed = {each["id"]: each for each in api.get(COMPONENTS).json()}

    assert set(listed) == {"command", ORCHESTRATOR}
    assert listed["command"]["type"] == "application"
    assert [each["id"] for each in listed["command"]["configurations"]] == [load.key]
    assert [each["id"] for each in listed[ORCHESTRATOR]["configurations"]] == [nightly.key]
    assert not {"configuration", "rows", "state"} & set(listed["command"]["configurations"][0])


def test_a_list_includes_what_is_asked_for(api: Api, load: Configuration) -> None:
    listed = api.get(f"{COMPONENTS}?include=configuration,rows,state").json()

    configuration = listed[0]["configurations"][0]
    assert configuration["configuration"] == load.document
    assert (configuration["rows"], configuration["state"]) == ([], {})


def test_components_are_listed_by_kind(api: Api, project: Project, load: Configuration) -> None:
    builders.build_orchestration(project, [builders.task(load)])

    listed = api.get(f"{COMPONENTS}?componentType=orchestrator").json()

    assert [each["id"] for each in listed] == [ORCHESTRATOR]
    assert "componentType" in assert_storage_error(api.get(f"{COMPONENTS}?componentType=other"), 400)


def test_the_trash_is_listed_apart(api: Api, load: Configuration) -> None:
    editing.trash(load, actor=builders.admin_of(load.project), now=builders.NOW)

    assert api.get(COMPONENTS).json() == []
    assert [each["id"] for each in api.get(f"{COMPONENTS}?isDeleted=1").json()[0]["configurations"]] == [load.key]


def test_a_list_takes_the_same_queries_for_one_and_for_many(
    api: Api, project: Project, load: Configuration, django_assert_num_queries: Any
) -> None:
    api.get(COMPONENTS)
    with django_assert_num_queries(5):
        api.get(COMPONENTS)
    for _ in range(20):
        builders.build_configuration(project)

    with django_assert_num_queries(5):
        assert len(api.get(COMPONENTS).json()[0]["configurations"]) == 21


def test_a_component_is_shown(api: Api) -> None:
    shown = api.get(f"{COMPONENTS}/command").json()

    assert (shown["id"], shown["type"]) == ("command", "application")
    assert "command" in shown["configurationSchema"]["properties"]


def test_who_may(
    api: Api, viewer: Api, stranger: Api, nobody: Api, operator: Api, project: Project, load: Configuration
) -> None:
    assert len(viewer.get(COMPONENTS).json()) == len(operator.get(COMPONENTS).json()) == 1
    assert stranger.get(COMPONENTS).json() == []
    assert_storage_error(nobody.get(COMPONENTS), 401)
    assert_storage_error(nobody.get(f"{COMPONENTS}/command"), 401)
    assert_storage_error(api.post(COMPONENTS), 405)
    assert_storage_error(api.get(f"{COMPONENTS}/nothing"), 404)
    trigger = limited_api(project, component_access=[])
    assert trigger.get(COMPONENTS).json() == []
    assert_storage_error(trigger.get(f"{COMPONENTS}/command"), 404)
    assert trigger.get(f"{COMPONENTS}/{ORCHESTRATOR}").status_code == 200


@pytest.mark.parametrize("branch", ["default", "ID"])
def test_components_are_there_for_the_branch(api: Api, project: Project, load: Configuration, branch: str) -> None:
    here = f"/v2/storage/branch/{branch.replace('ID', str(project.pk))}/components"

    assert api.get(here).json() == api.get(COMPONENTS).json()
    assert api.get(f"{here}/command").json() == api.get(f"{COMPONENTS}/command").json()
    assert_storage_error(api.get("/v2/storage/branch/0/components"), 404)
