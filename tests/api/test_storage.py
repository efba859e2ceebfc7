"""Buckets and tables by the API, as the catalogue knows them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrations import buckets
from orchestrations.access import Actor
from orchestrations.models import Bucket, Project, Table, User
from tests import builders
from tests.api.conftest import STORAGE, Api, api_of, assert_storage_error, limited_api
from tests.conftest import NOW

ORDERS = "in.c-sales.orders"


@pytest.fixture
def table(project: Project) -> Table:
    return builders.build_table(
        project, ORDERS, preview=[["1", "10"], ["2", None], ["3", 'a "b", c']], rows=3, primary_key=["id"]
    )


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [each["id"] for each in response.json()]


def test_a_bucket_is_made_shown_and_deleted(api: Api) -> None:
    made = api.post(f"{STORAGE}/buckets", form="name=sales&stage=out&description=Shop&backend=snowflake")

    assert made.status_code == 201
    assert made.json() == api.get(f"{STORAGE}/buckets/out.c-sales").json()
    assert made.json().items() >= {"id": "out.c-sales", "name": "c-sales", "stage": "out", "rowsCount": 0}.items()
    assert "already" in assert_storage_error(api.post(f"{STORAGE}/buckets", {"name": "sales", "stage": "out"}), 400)
    assert api.delete(f"{STORAGE}/buckets/out.c-sales").status_code == 204
    assert ids(api.get(f"{STORAGE}/buckets")) == []


def test_a_bucket_with_tables_is_deleted_only_by_force_and_as_a_job(api: Api, table: Table, alice: User) -> None:
    assert "holds 1 table" in assert_storage_error(api.delete(f"{STORAGE}/buckets/in.c-sales"), 409)

    deleted = api.delete(f"{STORAGE}/buckets/in.c-sales?force=True&async=True")

    assert deleted.status_code == 202
    job = deleted.json()
    assert (job["status"], job["operationName"], Bucket.objects.count()) == ("success", "bucketDelete", 0)


def test_a_table_is_listed_shown_previewed_and_deleted(api: Api, table: Table) -> None:
    (listed,) = api.get(f"{STORAGE}/tables").json()
    assert listed == api.get(f"{STORAGE}/tables/{ORDERS}").json()
    assert listed["columns"] == ["id", "amount"]
    assert (listed["id"], listed["primaryKey"], listed["bucket"]["rowsCount"]) == (ORDERS, ["id"], 3)
    assert ids(api.get(f"{STORAGE}/buckets/in.c-sales/tables?include=columns")) == [ORDERS]

    preview = api.get(f"{STORAGE}/tables/{ORDERS}/data-preview?limit=2")
    assert preview.content.decode() == '"id","amount"\n"1","10"\n"2",""\n'
    assert preview.headers["Content-Type"].startswith("text/csv")
    preview = api.get(f"{STORAGE}/tables/{ORDERS}/data-preview?columns=amount&format=json").json()
    assert [row[0]["value"] for row in preview["rows"]] == ["10", None, 'a "b", c']
    for query in ("columns=nothing", "whereColumn=id", "limit=0"):
        assert_storage_error(api.get(f"{STORAGE}/tables/{ORDERS}/data-preview?{query}"), 400)

    assert api.delete(f"{STORAGE}/tables/{ORDERS}").status_code == 204
    missing = api.get(f"{STORAGE}/tables/{ORDERS}")
    assert_storage_error(missing, 404)
    assert missing.json()["code"] == "storage.tables.notFound"


def test_a_token_that_writes_nothing_brings_no_file(project: Project, table: Table) -> None:
    reader = limited_api(project, bucket_permissions={"in.c-sales": "read"})
    writer = limited_api(project, bucket_permissions={"in.c-sales": "write"})

    refused, taken = (each.post(f"{STORAGE}/files/prepare", {"name": "a.csv"}) for each in (reader, writer))

    assert "needs write access to a bucket" in assert_storage_error(refused, 403)
    assert taken.status_code == 200


def test_a_limited_token_sees_and_touches_only_its_buckets(project: Project, table: Table) -> None:
    builders.build_table(project, "out.c-results.sums")
    rights = {"component_access": [], "bucket_permissions": {"in.c-sales": "read"}}
    reader = limited_api(project, **rights, may_manage_buckets=False)

    assert ids(reader.get(f"{STORAGE}/buckets")) == ["in.c-sales"]
    assert ids(reader.get(f"{STORAGE}/tables")) == [ORDERS]
    for path in ("buckets/out.c-results", "buckets/out.c-results/tables", "tables/out.c-results.sums"):
        assert_storage_error(reader.get(f"{STORAGE}/{path}"), 404)
    assert "write access" in assert_storage_error(reader.delete(f"{STORAGE}/tables/{ORDERS}"), 403)
    assert_storage_error(reader.delete(f"{STORAGE}/buckets/in.c-sales"), 403)
    assert_storage_error(reader.post(f"{STORAGE}/buckets", {"name": "x"}), 403)
    assert_storage_error(reader.post(f"{STORAGE}/buckets/in.c-sales/share-organization"), 403)
    assert Table.objects.count() == 2


def test_a_viewer_looks_and_a_stranger_finds_nothing(viewer: Api, stranger: Api, table: Table) -> None:
    assert ids(viewer.get(f"{STORAGE}/tables")) == [ORDERS]
    assert_storage_error(viewer.delete(f"{STORAGE}/tables/{ORDERS}"), 403)
    assert ids(stranger.get(f"{STORAGE}/tables")) == []
    assert_storage_error(stranger.get(f"{STORAGE}/buckets/in.c-sales"), 404)


def test_a_bucket_is_shared_linked_and_unlinked(api: Api, project: Project, table: Table, alice: User) -> None:
    other = builders.build_project(alice, "Marketing")
    theirs = api_of(other, alice)
    wanted = {"name": "theirs", "sourceProjectId": project.pk, "sourceBucketId": "in.c-sales"}
    assert_storage_error(theirs.post(f"{STORAGE}/buckets", wanted), 404)

    share = f"{STORAGE}/buckets/in.c-sales/share"
    assert_storage_error(api.post(f"{share}-to-projects", {"targetProjectIds": ["999999"]}), 400)
    assert api.post(f"{share}-to-projects", {"targetProjectIds": [other.pk]}).status_code == 200
    assert ids(theirs.get(f"{STORAGE}/shared-buckets")) == ["in.c-sales"]
    assert_storage_error(theirs.post(f"{STORAGE}/buckets", {"name": "half", "sourceProjectId": project.pk}), 404)
    linked = theirs.post(f"{STORAGE}/buckets", wanted)
    assert linked.json()["sourceBucket"]["project"]["id"] == project.pk
    assert linked.json()["rowsCount"] == 3
    assert ids(theirs.get(f"{STORAGE}/tables")) == ["in.c-theirs.orders"]
    assert_storage_error(theirs.delete(f"{STORAGE}/tables/in.c-theirs.orders"), 400)
    assert_storage_error(api.delete(share), 409)

    assert theirs.delete(f"{STORAGE}/buckets/in.c-theirs").status_code == 204
    assert api.delete(share).status_code == 204
    assert ids(theirs.get(f"{STORAGE}/shared-buckets")) == []


def test_a_bucket_shared_with_all_says_so(api: Api, table: Table, by_alice: Actor) -> None:
    shared = api.post(f"{STORAGE}/buckets/in.c-sales/share-organization-project")

    assert shared.json()["sharing"] == "organization-project"
    buckets.stop_sharing(table.bucket, actor=by_alice, now=NOW)


def test_a_token_that_manages_buckets_deletes_none_that_it_may_only_read(project: Project, table: Table) -> None:
    rights = {"component_access": [], "bucket_permissions": {"in.c-sales": "read"}}
    manager = limited_api(project, **rights, may_manage_buckets=True)

    assert "write access" in assert_storage_error(manager.delete(f"{STORAGE}/buckets/in.c-sales?force=1"), 403)
    assert Table.objects.exists()


def test_a_limited_token_lists_the_files_that_it_has_sent_itself(api: Api, viewer: Api, project: Project) -> None:
    mine, other = (limited_api(project, description=name) for name in ("mine", "other"))
    sent = mine.post("/v2/storage/files/prepare", {"name": "a.csv", "tags": ["x"]}).json()["id"]
    api.post("/v2/storage/files/prepare", {"name": "b.csv"})

    assert [each["id"] for each in mine.get("/v2/storage/files").json()] == [sent]
    assert other.get("/v2/storage/files").json() == []
    assert [each["name"] for each in viewer.get("/v2/storage/files").json()] == ["b.csv", "a.csv"]
    assert [each["name"] for each in api.get("/v2/storage/files?tags[]=x").json()] == ["a.csv"]
