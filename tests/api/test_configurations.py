from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, ConfigurationVersion, Project, Token
from tests import builders
from tests.api.conftest import Api, assert_storage_error, limited_api

COMMAND = "/v2/storage/components/command/configs"
RUNS = f"/v2/storage/components/{ORCHESTRATOR}/configs"
DOCUMENT = {"parameters": {"command": ["true"]}}
KEYS = {
    "id",
    "name",
    "description",
    "created",
    "creatorToken",
    "version",
    "changeDescription",
    "isDisabled",
    "isDeleted",
    "configuration",
    "rowsSortOrder",
    "rows",
    "state",
    "currentVersion",
    "metadata",
}


@pytest.fixture
def configuration(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load orders")


@pytest.fixture
def path(configuration: Configuration) -> str:
    return f"{COMMAND}/{configuration.key}"


def create(api: Api, **body: Any) -> Any:
    return api.post(COMMAND, {"name": "Load", "configuration": DOCUMENT, **body})


def test_a_configuration_is_created(api: Api, token: tuple[Token, str]) -> None:
    response = create(api, description="Every night", changeDescription="First", state={"component": {"day": 3}})

    assert response.status_code == 201
    created = response.json()
    assert set(created) == KEYS
    assert created["name"] == "Load"
    assert created["description"] == "Every night"
    assert created["configuration"] == DOCUMENT
    assert created["state"] == {"component": {"day": 3}}
    assert created["version"] == 1
    assert created["changeDescription"] == "First"
    assert created["currentVersion"]["changeDescription"] == "First"
    assert created["creatorToken"]["description"] == token[0].description
    assert (created["isDisabled"], created["isDeleted"]) == (False, False)
    assert isinstance(created["id"], str)
    assert response.headers["ETag"] == '"1"'


def test_a_configuration_may_begin_empty_but_not_half_filled(api: Api) -> None:
    assert create(api, configuration={}).status_code == 201
    assert "parameters" in assert_storage_error(create(api, configuration={"parameters": {}}), 400)


def test_a_configuration_may_bring_its_own_id(api: Api) -> None:
    assert create(api, configurationId="nightly.load-1").json()["id"] == "nightly.load-1"
    assert "taken" in assert_storage_error(create(api, configurationId="nightly.load-1"), 400)


def test_a_form_does_what_json_does(api: Api) -> None:
    form = "name=Load&isDisabled=1&configuration=" + json.dumps(DOCUMENT)

    created = api.post(COMMAND, form=form).json()
    saved = api.put(f"{COMMAND}/{created['id']}", form="name=Reload&isDisabled=false").json()

    assert created["configuration"] == DOCUMENT
    assert created["isDisabled"] is True
    assert (saved["name"], saved["isDisabled"], saved["configuration"]) == ("Reload", False, DOCUMENT)


def test_a_form_may_hold_nested_fields(api: Api) -> None:
    form = "name=Load&configuration[parameters][command][]=echo&configuration[parameters][command][]=hello"

    created = api.post(COMMAND, form=form).json()

    assert created["configuration"] == {"parameters": {"command": ["echo", "hello"]}}


def test_configurations_are_listed(api: Api, configuration: Configuration) -> None:
    builders.build_configuration(
        configuration.project, component_id="python-transformation", document={"parameters": {"code": "1"}}
    )

    listed = api.get(COMMAND).json()

    assert [each["id"] for each in listed] == [configuration.key]
    assert set(listed[0]) == KEYS


def test_a_list_takes_the_same_queries_for_one_and_for_many(
    api: Api, project: Project, configuration: Configuration, django_assert_num_queries: Any
) -> None:
    api.get(COMMAND)
    with django_assert_num_queries(5):
        api.get(COMMAND)
    for _ in range(20):
        builders.build_configuration(project)

    with django_assert_num_queries(5):
        assert len(api.get(COMMAND).json()) == 21


def test_an_edit_is_one_new_version(api: Api, path: str) -> None:
    response = api.put(path, {"name": "Load again", "changeDescription": "Rename"})

    saved = response.json()
    assert (saved["version"], saved["name"], saved["changeDescription"]) == (2, "Load again", "Rename")
    assert saved["configuration"] == DOCUMENT
    assert saved["currentVersion"]["changeDescription"] == "Rename"
    assert response.headers["ETag"] == '"2"'


@pytest.mark.parametrize("version", ['"1"', "1", 'W/"1"', "*"])
def test_an_edit_of_the_version_that_stands_is_saved(api: Api, path: str, version: str) -> None:
    assert api.put(path, {"name": "Mine"}, If_Match=version).json()["version"] == 2


@pytest.mark.parametrize("method", ["put", "delete", "rollback"])
def test_a_stale_write_changes_nothing(api: Api, path: str, configuration: Configuration, method: str) -> None:
    api.put(path, {"name": "Theirs"})

    match method:
        case "put":
            response = api.put(path, {"name": "Mine"}, If_Match='"1"')
        case "delete":
            response = api.delete(path, If_Match='"1"')
        case _:
            response = api.post(f"{path}/versions/1/rollback", If_Match='"1"')

    assert "version is 2" in assert_storage_error(response, 409)
    configuration.refresh_from_db()
    assert (configuration.name, configuration.version, configuration.deleted_at) == ("Theirs", 2, None)


def test_a_version_that_is_none_is_refused(api: Api, path: str) -> None:
    assert "If-Match" in assert_storage_error(api.put(path, {"name": "Mine"}, If_Match="yesterday"), 400)


def test_null_leaves_a_field_as_it_is(api: Api, path: str) -> None:
    saved = api.put(path, {"name": None, "configuration": None, "description": "New"}).json()

    assert (saved["name"], saved["configuration"], saved["description"]) == ("Load orders", DOCUMENT, "New")


def test_an_operator_may_switch_and_no_more(operator: Api, path: str) -> None:
    assert operator.put(path, {"isDisabled": True}).json()["isDisabled"] is True
    assert_storage_error(operator.put(path, {"isDisabled": True, "name": "Mine"}), 403)


def test_the_state_is_replaced_without_a_version(api: Api, path: str) -> None:
    saved = api.put(f"{path}/state", {"state": {"component": {"last": 7}}}).json()

    assert (saved["state"], saved["version"]) == ({"component": {"last": 7}}, 1)


def test_the_first_delete_is_the_trash_and_the_second_for_good(
    api: Api, path: str, configuration: Configuration
) -> None:
    first = api.delete(path)

    assert (first.status_code, first.content) == (204, b"")
    assert "json" not in first.headers.get("Content-Type", "")
    assert "trash" in assert_storage_error(api.get(path), 404)
    assert api.get(COMMAND).json() == []
    assert [each["isDeleted"] for each in api.get(f"{COMMAND}?isDeleted=true").json()] == [True]

    assert api.delete(path).status_code == 204
    assert not Configuration.objects.filter(pk=configuration.pk).exists()
    assert_storage_error(api.delete(path), 404)


@pytest.mark.django_db(transaction=True)
def test_what_still_runs_is_not_purged(api: Api, path: str, configuration: Configuration) -> None:
    builders.launch(configuration)
    api.delete(path)

    assert "not settled" in assert_storage_error(api.delete(path), 409)


def test_what_is_in_the_trash_can_be_restored(api: Api, path: str) -> None:
    api.delete(path)

    assert api.post(f"{path}/restore").json()["isDeleted"] is False
    assert api.get(path).status_code == 200


def test_versions_are_listed_and_shown(api: Api, path: str) -> None:
    api.put(path, {"name": "Second", "configuration": {"parameters": {"command": ["false"]}}})

    listed = api.get(f"{path}/versions").json()
    whole = api.get(f"{path}/versions?include=configuration&limit=1&offset=1").json()
    shown = api.get(f"{path}/versions/1").json()

    assert [(each["version"], each["name"]) for each in listed] == [(2, "Second"), (1, "Load orders")]
    assert "configuration" not in listed[0]
    assert [each["configuration"] for each in whole] == [DOCUMENT]
    assert (shown["configuration"], shown["version"]) == (DOCUMENT, 1)


def test_a_rollback_is_a_new_version(api: Api, path: str) -> None:
    api.put(path, {"name": "Second"})

    saved = api.post(f"{path}/versions/1/rollback").json()

    assert (saved["version"], saved["name"]) == (3, "Load orders")


@pytest.mark.parametrize("action", ["copy", "versions/1/create"])
def test_a_copy_is_a_configuration_of_its_own(api: Api, path: str, configuration: Configuration, action: str) -> None:
    api.put(path, {"name": "Second"})

    response = api.post(f"{path}/{action}", {"name": "Twin", "description": "As it was"})

    copied = response.json()
    assert response.status_code == 201
    assert copied["id"] != configuration.key
    assert (copied["name"], copied["description"], copied["configuration"]) == ("Twin", "As it was", DOCUMENT)


@pytest.mark.parametrize("number", ["9", "0", "x", "99999999999999999999", "-1"])
def test_a_version_that_there_is_not_is_not_found(api: Api, path: str, number: str) -> None:
    assert_storage_error(api.get(f"{path}/versions/{number}"), 404)
    assert_storage_error(api.post(f"{path}/versions/{number}/rollback"), 404)
    assert_storage_error(api.post(f"{path}/copy", {"version": number}), 404)


def test_a_secret_comes_back_as_it_is_stored_and_can_be_sent_again(api: Api) -> None:
    secret = {"parameters": {"command": ["true"], "environment": {"#PASSWORD": "hunter2"}}}

    created = create(api, configuration=secret).json()
    ciphertext = created["configuration"]["parameters"]["environment"]["#PASSWORD"]
    saved = api.put(f"{COMMAND}/{created['id']}", {"configuration": created["configuration"]})

    assert "hunter2" not in json.dumps(created)
    assert saved.status_code == 200
    assert saved.json()["configuration"]["parameters"]["environment"]["#PASSWORD"] == ciphertext


@pytest.mark.parametrize("branch", ["default", "own"])
def test_every_call_is_also_there_for_the_branch(api: Api, project: Project, path: str, branch: str) -> None:
    number = "default" if branch == "default" else str(project.pk)
    here = path.replace("/v2/storage/", f"/v2/storage/branch/{number}/")

    assert api.get(here).json() == api.get(path).json()
    assert api.put(here, {"name": "By branch"}).json()["name"] == "By branch"
    assert api.get(f"{here}/versions").status_code == 200
    assert api.delete(here).status_code == 204
    assert "branch" in assert_storage_error(api.get(here.replace(f"/branch/{number}/", "/branch/77777/")), 404)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "name: is missing"),
        ({"name": ""}, 400, "name"),
        ({"name": "   "}, 400, "name"),
        ({"name": ["Load"]}, 400, "name: expected a text"),
        ({"name": "x" * 256}, 400, "name: is longer"),
        ({"name": "Load", "description": {}}, 400, "description: expected a text"),
        ({"name": "Load", "configuration": "{}"}, 400, "configuration: expected an object"),
        ({"name": "Load", "configuration": [1]}, 400, "configuration: expected an object"),
        ({"name": "Load", "configuration": {"parameters": {"command": "true"}}}, 400, "parameters.command"),
        ({"name": "Load", "configuration": {"parameters": {"command": ["true"], "x": 1}}}, 400, "parameters"),
        ({"name": "Load", "configuration": DOCUMENT, "isDisabled": "perhaps"}, 400, "isDisabled: expected true"),
        ({"name": "Load", "configuration": DOCUMENT, "state": [1]}, 400, "state: expected an object"),
        ({"name": "Load", "configuration": DOCUMENT, "rows": [{}]}, 400, "rows"),
        ({"name": "Load", "configuration": DOCUMENT, "configurationId": "a/b"}, 400, "configurationId"),
        ({"name": "Load\x00", "configuration": DOCUMENT}, 400, "NUL"),
        ({"name": "Load", "configuration": {"parameters": {"command": ["\x00"]}}}, 400, "NUL"),
    ],
)
def test_what_cannot_be_created_leaves_nothing_behind(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    assert words in assert_storage_error(api.post(COMMAND, body), status)
    assert not Configuration.objects.exists()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"phases": [{"id": 1, "name": "A"}, {"id": 2, "name": "B", "dependsOn": [3]}], "tasks": []},
            "phases[1].dependsOn",
        ),
        ({"phases": [{"id": 1, "dependsOn": [2]}, {"id": 2, "dependsOn": [1]}], "tasks": []}, "wait for each other"),
        (
            {"phases": [{"id": 1, "name": "A", "dependsOn": []}, {"id": 2, "name": "B"}], "tasks": []},
            "'A', 'B' could start together",
        ),
        (
            {"phases": [], "tasks": [{"id": 1, "phase": 1, "task": {"componentId": "command", "configId": "9"}}]},
            "phase",
        ),
        (
            {
                "phases": [{"id": 1}],
                "tasks": [{"id": 1, "phase": 1, "task": {"componentId": "command", "configId": "9"}}],
            },
            "no configuration '9'",
        ),
        ({"phases": "all"}, "phases: expected a list"),
    ],
)
def test_a_document_that_is_no_orchestration_is_refused(api: Api, document: dict[str, Any], words: str) -> None:
    message = assert_storage_error(api.post(RUNS, {"name": "Nightly", "configuration": document}), 422)

    assert words in message
    assert not Configuration.objects.exists()
    assert not ConfigurationVersion.objects.exists()
    assert not Token.objects.filter(orchestration__isnull=False).exists()


def test_orchestrations_that_would_run_each_other_are_refused(api: Api, project: Project) -> None:
    load = builders.build_configuration(project)
    first = builders.build_orchestration(project, [builders.task(load)], name="First")
    second = builders.build_orchestration(project, [builders.task(first)], name="Second")

    response = api.put(f"{RUNS}/{first.key}", {"configuration": builders.document([builders.task(second)])})

    assert "circle: " in assert_storage_error(response, 422)
    first.refresh_from_db()
    assert first.version == 1


def test_ids_of_a_document_stay_as_they_were_given(api: Api, project: Project) -> None:
    load = builders.build_configuration(project)
    document = {
        "phases": [{"id": 7, "name": "Load", "dependsOn": []}],
        "tasks": [
            {
                "id": 11,
                "name": "Load",
                "phase": 7,
                "enabled": True,
                "continueOnFailure": False,
                "task": {"componentId": "command", "configId": load.key, "mode": "run"},
            }
        ],
    }

    created = api.post(RUNS, {"name": "Nightly", "configuration": document}).json()

    assert created["configuration"] == document


def test_broken_json_is_refused_with_line_and_column(api: Api) -> None:
    text = '{"name": "Load",\n "configuration": }'

    in_body = api.post(COMMAND, form=text)
    in_form = api.post(COMMAND, form="name=Load&configuration={broken")

    assert "line 2, column 19" in assert_storage_error(in_body, 400)
    assert "configuration: Invalid JSON in line 1" in assert_storage_error(in_form, 400)


@pytest.mark.parametrize("component", ["no-such-component", "a%00b", "x" * 300])
def test_an_unknown_component_is_not_found(api: Api, component: str) -> None:
    assert_storage_error(api.get(f"/v2/storage/components/{component}/configs"), 404)
    assert_storage_error(api.post(f"/v2/storage/components/{component}/configs", {"name": "Load"}), 404)


def calls(path: str) -> list[tuple[str, str, Any]]:
    """Every call on one configuration that an editor may make: method, path, body."""
    return [
        ("GET", path, None),
        ("PUT", path, {"name": "Mine"}),
        ("PUT", f"{path}/state", {"state": {}}),
        ("POST", f"{path}/copy", {"name": "Mine"}),
        ("GET", f"{path}/versions", None),
        ("GET", f"{path}/versions/1", None),
        ("POST", f"{path}/versions/1/rollback", None),
        ("POST", f"{path}/restore", None),
        ("DELETE", path, None),
    ]


def test_a_stranger_finds_nothing(stranger: Api, path: str, configuration: Configuration) -> None:
    for method, address, body in calls(path):
        assert_storage_error(stranger.call(method, address, body), 404)

    assert stranger.get(COMMAND).json() == []
    configuration.refresh_from_db()
    assert (configuration.version, configuration.deleted_at) == (1, None)


def test_a_viewer_may_look_and_change_nothing(viewer: Api, path: str, configuration: Configuration) -> None:
    for method, address, body in [*calls(path), ("POST", COMMAND, {"name": "Mine", "configuration": DOCUMENT})]:
        response = viewer.call(method, address, body)
        if method == "GET":
            assert response.status_code == 200
        else:
            assert "role" in assert_storage_error(response, 403)

    configuration.refresh_from_db()
    assert (configuration.version, configuration.deleted_at) == (1, None)
    assert Configuration.objects.count() == 1


def test_a_limited_token_sees_its_components_alone(project: Project, path: str) -> None:
    mine = limited_api(project, component_access=["command"])
    other = limited_api(project, component_access=["python-transformation"])
    trigger = limited_api(project, component_access=[])

    assert mine.get(path).status_code == 200
    assert_storage_error(other.get(path), 404)
    assert_storage_error(trigger.get(path), 404)
    assert_storage_error(mine.put(path, {"name": "Mine"}), 403)
