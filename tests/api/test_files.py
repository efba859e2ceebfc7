"""Files that are announced and sent by the API, whole and in slices: what is refused, and what it says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from jobs import slices
from jobs.models import Job
from orchestrations.models import Project
from tests import builders
from tests.api.conftest import STORAGE, Api, assert_storage_error

pytestmark = pytest.mark.django_db
ORDERS = "in.c-sales.orders"
IMPORT = f"{STORAGE}/tables/{ORDERS}/import-async"


@pytest.fixture(autouse=True)
def table(project: Project) -> None:
    builders.build_table(project, ORDERS)


def prepare(api: Api, **more: Any) -> dict[str, Any]:
    response = api.post(f"{STORAGE}/files/prepare", {"name": "orders", **more})
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


def put(prepared: dict[str, Any], name: str, content: bytes) -> Any:
    """Sends the bytes as one blob; ``name`` comes behind the file's own."""
    params = prepared["absUploadParams"]
    query = params["absCredentials"]["SASConnectionString"].partition("SharedAccessSignature=")[2]
    path = f"/blob/{params['container']}/{params['blobName']}{quote(name)}"
    return Client().put(f"{path}?{query}", content, content_type="application/octet-stream")


def manifest(prepared: dict[str, Any], *names: str) -> bytes:
    params = prepared["absUploadParams"]
    place = f"azure://tutti.blob.core.windows.net/{params['container']}/{params['blobName']}"
    return json.dumps({"entries": [{"url": f"{place}{name}", "mandatory": True} for name in names]}).encode()


def test_slices_have_no_headers_and_take_the_columns_of_the_table(api: Api) -> None:
    prepared = prepare(api, isSliced=True)
    put(prepared, "1", b"1,10\n")
    put(prepared, "manifest", manifest(prepared, "1"))

    assert api.post(IMPORT, {"dataFileId": prepared["id"]}).status_code == 202

    assert Job.objects.get().request["configData"]["parameters"]["manifest"]["columns"] == ["id", "amount"]


def test_a_file_that_comes_with_its_columns_has_no_headers(api: Api) -> None:
    prepared = prepare(api)
    put(prepared, "", b"10,1\n")

    assert api.post(IMPORT, {"dataFileId": prepared["id"], "columns": ["amount", "id"]}).status_code == 202

    assert Job.objects.get().request["configData"]["parameters"]["manifest"]["columns"] == ["amount", "id"]


def test_a_new_table_of_slices_needs_its_columns(api: Api) -> None:
    prepared = prepare(api, isSliced=True)
    put(prepared, "manifest", manifest(prepared))

    response = api.post(f"{STORAGE}/buckets/in.c-sales/tables-async", {"name": "new", "dataFileId": prepared["id"]})

    assert assert_storage_error(response, 400) == "columns: is missing: slices have no headers."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "its manifest has not been uploaded yet"),
        (b"{", "its manifest cannot be read"),
        (b"\x1f\x8bno gzip", "its manifest cannot be read"),
        (b"[]", "its manifest cannot be read"),
        (b'{"entries": {}}', "no list of entries"),
        (b'{"entries": [{"url": "azure://x/other/1"}]}', "entry 1 of its manifest has no url of one of its slices"),
        (b'{"entries": ["1"]}', "entry 1 of its manifest has no url of one of its slices"),
        ("1 2", "names a slice that has not been uploaded"),
        ("1 1", "names a slice twice"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(content: bytes | str | None, says: str, api: Api) -> None:
    prepared = prepare(api, isSliced=True)
    put(prepared, "1", b"1,10\n")
    if content is not None:
        sent = content if isinstance(content, bytes) else manifest(prepared, *content.split())
        assert put(prepared, "manifest", sent).status_code == 201

    response = api.post(IMPORT, {"dataFileId": prepared["id"]})

    assert says in assert_storage_error(response, 400)
    assert not Job.objects.exists()


def test_slices_and_whole_files_are_not_mixed(api: Api) -> None:
    whole, sliced = prepare(api), prepare(api, isSliced=True)

    for response in (put(whole, "/1", b"x"), put(sliced, "", b"x")):
        assert (response.status_code, response.headers["x-ms-error-code"]) == (400, "InvalidResourceName")


def test_all_slices_count_together(api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UPLOAD_LIMIT_BYTES = 10
    monkeypatch.setattr(slices, "MOST", 2)
    prepared = prepare(api, isSliced=True)

    sent = [put(prepared, name, content).status_code for name, content in [("1", b"123456"), ("2", b"12345")]]
    assert sent == [201, 413]
    # Sent again it takes its own place.
    sent = [put(prepared, name, content).status_code for name, content in [("1", b"1234567"), ("2", b"123")]]
    assert sent == [201, 201]
    assert put(prepared, "3", b"").status_code == 413


def test_a_deleted_file_takes_its_slices_along(api: Api) -> None:
    prepared = prepare(api, isSliced=True)
    put(prepared, "1", b"1,10\n")
    url = api.get(f"{STORAGE}/files/{prepared['id']}").json()["url"].replace("/manifest?", "/1?")
    assert Client().get(url).getvalue() == b"1,10\n"

    assert api.delete(f"{STORAGE}/files/{prepared['id']}").status_code == 204

    assert Client().get(url).status_code == 404
    assert put(prepared, "1", b"1,10\n").status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=2-4", 206, "bytes 2-4/10"),
        ("bytes=7-", 206, "bytes 7-9/10"),
        ("bytes=7-99", 206, "bytes 7-9/10"),
        ("bytes=-3", 206, "bytes 7-9/10"),
        ("bytes=-99", 206, "bytes 0-9/10"),
        ("bytes=-0", 416, None),
        ("bytes=10-", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=-", 200, None),
        ("bytes=0-1,4-5", 200, None),
        ("lines=1-2", 200, None),
    ],
)
@pytest.mark.parametrize("header", ["Range", "x-ms-range"])
def test_parts_of_a_file(api: Api, asked: str, status: int, part: str | None, header: str) -> None:
    prepared = prepare(api)
    put(prepared, "", b"0123456789")
    url = api.get(f"{STORAGE}/files/{prepared['id']}").json()["url"]

    answer = Client().get(url.removeprefix("http://testserver"), headers={header: asked})

    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, part)
    if status != 416:
        first, last = (int(each) for each in (part or "bytes 0-9/10")[6:-3].split("-"))
        assert b"".join(answer) == b"0123456789"[first : last + 1]
