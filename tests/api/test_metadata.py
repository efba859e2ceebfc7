from __future__ import annotations

from typing import Any

import pytest

from orchestrations import annotating
from orchestrations.models import Configuration, ConfigurationMetadata, Project
from tests import builders
from tests.api.conftest import Api, assert_storage_error, limited_api

FOLDER = "configuration.folderName"
SEARCH = "/v2/storage/branch/default/search/component-configurations"


@pytest.fixture
def configuration(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load orders")


@pytest.fixture
def path(configuration: Configuration) -> str:
    return f"/v2/storage/components/command/configs/{configuration.key}"


def put(api: Api, path: str, **entries: Any) -> Any:
    body = {"metadata": [{"key": key, "value": value} for key, value in entries.items()]}
    return api.post(f"{path}/metadata", body)


def test_metadata_is_set_listed_and_removed_without_a_new_version(api: Api, path: str) -> None:
    assert api.get(f"{path}/metadata").json() == []
    answer = put(api, path, folder="Sales", mark="1")
    assert answer.status_code == 201
    folder, mark = answer.json()
    assert set(folder) == {"id", "key", "value", "timestamp"}
    assert (folder["key"], folder["value"], mark["key"]) == ("folder", "Sales", "mark")

    changed = put(api, path, folder="Shop").json()
    assert [(each["id"], each["value"]) for each in changed] == [(folder["id"], "Shop"), (mark["id"], "1")]
    shown = api.get(path).json()
    assert (shown["metadata"], shown["version"]) == (changed, 1)

    assert api.delete(f"{path}/metadata/{folder['id']}").status_code == 204
    assert api.get(f"{path}/metadata").json() == [mark]
    assert_storage_error(api.delete(f"{path}/metadata/{folder['id']}"), 404)


def test_a_form_does_what_json_does(api: Api, path: str) -> None:
    form = f"metadata[0][key]={FOLDER}&metadata[0][value]=Sales&metadata[1][key]=b&metadata[1][value]="
    assert [each["value"] for each in api.post(f"{path}/metadata", form=form).json()] == ["Sales", ""]


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "folder",
        ["folder"],
        [{"value": "x"}],
        [{"key": "", "value": "x"}],
        [{"key": "k" * 256, "value": "x"}],
        [{"key": "#password", "value": "x"}],
        [{"key": "k", "value": "x" * 10_001}],
        [{"key": "k", "value": {}}],
        [{"key": "k", "value": "a\0b"}],
        [{"key": f"k{number}", "value": ""} for number in range(annotating.PER_CONFIGURATION + 1)],
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(api: Api, path: str, metadata: Any) -> None:
    assert "metadata" in assert_storage_error(api.post(f"{path}/metadata", {"metadata": metadata}), 400)
    assert not ConfigurationMetadata.objects.exists()


def test_a_viewer_reads_and_only_an_editor_changes(
    api: Api, viewer: Api, operator: Api, stranger: Api, project: Project, path: str
) -> None:
    (entry,) = put(api, path, folder="Sales").json()
    blind = limited_api(project, component_access=["keboola.orchestrator"])
    sighted = limited_api(project, component_access=["command"])

    for reader in (viewer, operator, sighted):
        assert reader.get(f"{path}/metadata").json() == [entry]
        assert_storage_error(put(reader, path, folder="x"), 403)
        assert_storage_error(reader.delete(f"{path}/metadata/{entry['id']}"), 403)
        assert len(reader.get(SEARCH).json()) == 1
    for outsider in (blind, stranger):
        assert_storage_error(outsider.get(f"{path}/metadata"), 404)
        assert_storage_error(put(outsider, path, folder="x"), 404)
        assert_storage_error(outsider.delete(f"{path}/metadata/{entry['id']}"), 404)
        assert outsider.get(SEARCH).json() == []


def test_another_configurations_metadata_is_not_removed_through_this_one(api: Api, path: str, project: Project) -> None:
    (entry,) = put(api, path, folder="Sales").json()
    other = builders.build_configuration(project, name="Other")
    assert_storage_error(api.delete(f"/v2/storage/components/command/configs/{other.key}/metadata/{entry['id']}"), 404)


def test_configurations_are_found_by_their_metadata(
    api: Api, path: str, configuration: Configuration, project: Project
) -> None:
    put(api, path, folder="Sales", mark="1")
    builders.build_configuration(project, name="Without")
    plain = {"idComponent": "command", "configurationId": configuration.key}

    assert api.get(SEARCH).json() == [plain]
    assert api.get(f"{SEARCH}?metadataKeys[0]=none").json() == []
    assert api.get(f"{SEARCH}?idComponent=http-request").json() == []
    assert api.get(f"{SEARCH}?componentId=http-request").json() == []
    assert api.get(f"{SEARCH}?configurationId=none").json() == []
    (found,) = api.get(f"{SEARCH}?idComponent=command&metadataKeys[0]=folder&include=filteredMetadata").json()
    assert [each["key"] for each in found.pop("metadata")] == ["folder"]
    assert found == plain
    (found,) = api.get(f"{SEARCH}?metadataKeys[]=folder&metadataKeys[]=mark&include=filteredMetadata").json()
    assert [each["key"] for each in found["metadata"]] == ["folder", "mark"]
    assert api.get("/v2/storage/search/component-configurations").json() == [plain]
    api.delete(path)
    assert api.get(SEARCH).json() == []
