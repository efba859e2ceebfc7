"""The published client of Storage, as it is, against our server."""

from __future__ import annotations

import gzip
import json
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from jobs.models import Job
from orchestrations.models import Bucket, Project, Token
from tests import builders
from tests.jobs.performing import Performer

with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
    # It loads the libraries of three clouds. Amazon's need not fit our Python: we answer as Azure.
    warnings.simplefilter("ignore")
    patch.setitem(sys.modules, "boto3", types.ModuleType("boto3"))
    import kbcstorage.jobs
    from azure.storage.blob import BlobClient
    from kbcstorage.client import Client

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # The client leaves its temporary folders to be collected.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ORDERS = "in.c-shop.orders"


@pytest.fixture
def performer(db: None) -> Iterator[Performer]:
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


@pytest.fixture
def client(
    live_server: Any, token: tuple[Token, str], performer: Performer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Client:
    """While it waits for a job, that job is performed."""
    waiting = types.SimpleNamespace(sleep=lambda _seconds: performer.perform())
    monkeypatch.setattr(kbcstorage.jobs, "time", waiting)
    # It puts slices into the working folder before it joins them.
    monkeypatch.chdir(tmp_path)
    return Client(live_server.url, token[1])


def written(folder: Path, text: str) -> str:
    file = folder / "rows.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_tables_go_in_and_out(client: Client, project: Project, tmp_path: Path) -> None:
    made = client.buckets.create("shop", description="What the shop sells")
    assert made["id"] == "in.c-shop"
    assert [bucket["id"] for bucket in client.buckets.list()] == ["in.c-shop"]

    first = written(tmp_path, 'id;note\n1;"a; ""b"""\n2;ž\n')
    assert client.tables.create("in.c-shop", "orders", first, delimiter=";", primary_key=["id"]) == ORDERS
    assert client.tables.detail(ORDERS)["primaryKey"] == ["id"]
    results = client.tables.load(ORDERS, written(tmp_path, "2,z\n3,new\n"), is_incremental=True, without_headers=True)
    assert (results["rows"], results["totalRowsCount"]) == (2, 3)
    assert client.buckets.list_tables("in.c-shop")[0]["rowsCount"] == 3
    assert client.tables.preview(ORDERS, columns=["note"]).splitlines()[0] == '"note"'

    rows = ['1,"a; ""b"""', "2,z", "3,new"]
    for is_gzip in (True, False):
        exported = client.tables.export_to_file(ORDERS, str(tmp_path), is_gzip=is_gzip)
        lines = Path(exported).read_text(encoding="utf-8").splitlines()
        assert lines[0] == '"id","note"'
        assert sorted(line.replace('"1"', "1") for line in lines[1:]) == rows
    file_id = client.tables.export(ORDERS, columns=["id"], where_column="note", where_values=["new"])
    assert Path(client.files.download(file_id, str(tmp_path / "some"))).read_text(encoding="utf-8").strip() == "3"

    with pytest.raises(RuntimeError, match="Column id"):
        client.tables.load(ORDERS, written(tmp_path, "x,y\n1,2\n"))
    with pytest.raises(requests.HTTPError):
        client.tables.create("in.c-shop", "orders", first)
    client.tables.delete(ORDERS)
    assert client.tables.list() == []
    client.buckets.delete("in.c-shop", force=True)
    assert not Bucket.objects.exists()
    assert not Job.objects.filter(status="waiting").exists()


def test_a_file_in_blocks_is_one_file(client: Client, live_server: Any, tmp_path: Path) -> None:
    prepared = client.files.prepare_upload("big.csv", 10)
    params = prepared["absUploadParams"]
    blob = BlobClient.from_connection_string(
        params["absCredentials"]["SASConnectionString"],
        params["container"],
        params["blobName"],
        max_single_put_size=10,
        max_block_size=16,
    )
    content = bytes(range(100))
    blob.upload_blob(content)

    assert Path(client.files.download(prepared["id"], str(tmp_path / "back"))).read_bytes() == content
    detail = client.files.detail(prepared["id"])
    part = requests.get(detail["url"], headers={"Range": "bytes=10-19"}, timeout=10)
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["Content-Range"] == "bytes 10-19/100"
    assert requests.put(detail["url"], data=b"x", timeout=10).status_code == 403
    assert requests.get(detail["url"].replace("sig=", "sig=0"), timeout=10).status_code == 403
    client.files.delete(prepared["id"])
    assert requests.get(detail["url"], timeout=10).status_code == 404


def send_slices(client: Client, slices: dict[str, bytes], *, manifest: bytes | None = None) -> dict[str, Any]:
    """As the clients that send slices do: each blob by its own name, the manifest last. What has been prepared."""
    prepared: dict[str, Any] = client.files.prepare_upload("orders", is_sliced=True)
    params = prepared["absUploadParams"]
    place = f"azure://{params['accountName']}.blob.core.windows.net/{params['container']}/{params['blobName']}"
    entries = [{"url": f"{place}{name}"} for name in slices]
    slices = {**slices, "manifest": manifest or json.dumps({"entries": entries}).encode()}
    for name, content in slices.items():
        BlobClient.from_connection_string(
            params["absCredentials"]["SASConnectionString"],
            params["container"],
            f"{params['blobName']}{name}",
            max_single_put_size=16,
            max_block_size=16,
        ).upload_blob(content)
    return prepared


def test_a_sliced_file_is_one_table(client: Client, tmp_path: Path) -> None:
    """In the order of the manifest: of several rows with one key the last one counts."""
    client.buckets.create("shop")
    slices = {"b 1": b'1,"a long first note"\n', "a%20.gz": gzip.compress(b"2,two\n1,last\n"), "empty": b""}
    prepared = send_slices(client, slices)
    assert prepared["isSliced"]
    assert client.files.detail(prepared["id"])["sizeBytes"] == sum(map(len, slices.values()))
    back = Path(client.files.download(prepared["id"], str(tmp_path / "back"))).read_bytes()
    assert back == b"".join(slices.values())

    made = client.tables._post(  # its create_raw has no parameter for columns
        f"{client.root_url}/v2/storage/buckets/in.c-shop/tables-async",
        data={"name": "orders", "dataFileId": prepared["id"], "columns[]": ["id", "note"], "primaryKey": "id"},
    )
    assert client.jobs.block_for_success(made["id"])
    job = client.tables.load_raw(ORDERS, data_file_id=send_slices(client, {"x": b"3,x\n"})["id"], is_incremental=True)
    assert client.jobs.block_for_success(job["id"])
    exported = Path(client.tables.export_to_file(ORDERS, str(tmp_path))).read_text(encoding="utf-8").splitlines()
    assert sorted(line.replace('"', "") for line in exported[1:]) == ["1,last", "2,two", "3,x"]


def test_configurations(client: Client, project: Project) -> None:
    made = client.configurations.create("command", "Load", configuration={"parameters": {"command": ["true"]}})
    assert client.configurations.detail("command", made["id"])["name"] == "Load"
    assert [each["name"] for each in client.configurations.list("command")] == ["Load"]
    assert "command" in [each["id"] for each in client.components.list()]
    noted = client.configurations.metadata.create("command", made["id"], "user", [{"key": "folder", "value": "Sales"}])
    assert [(each["key"], each["value"]) for each in noted] == [("folder", "Sales")]
    assert client.configurations.metadata.list("command", made["id"]) == noted
    client.configurations.metadata.delete("command", made["id"], noted[0]["id"])
    assert client.configurations.metadata.list("command", made["id"]) == []
    client.configurations.delete("command", made["id"])
    assert client.configurations.list("command") == []


def test_tokens(client: Client, live_server: Any, project: Project, token: tuple[Token, str]) -> None:
    found = client.tokens.verify()
    assert (found["token"], found["isMasterToken"], found["owner"]["id"]) == (token[1], True, project.pk)
    with pytest.raises(requests.HTTPError):
        Client(live_server.url, token[1] + "x").tokens.verify()


def test_triggers(client: Client, project: Project, token: tuple[Token, str]) -> None:
    run = builders.build_orchestration(project, [builders.task(builders.build_configuration(project))])
    builders.build_table(project, ORDERS)
    made = client.triggers.create(token[0].pk, "keboola.orchestrator", run.key, 5, [ORDERS])
    assert [each["id"] for each in client.triggers.list()] == [made["id"]]
    changed = client.triggers.update(made["id"], coolDownPeriodMinutes=10)
    assert (changed["coolDownPeriodMinutes"], changed["tables"]) == (10, [{"tableId": ORDERS}])
    assert client.triggers.detail(made["id"]) == changed
    client.triggers.delete(made["id"])
    assert client.triggers.list() == []


def test_files_are_listed(client: Client, tmp_path: Path) -> None:
    first = client.files.upload_file(written(tmp_path, "a\n"), tags=["orders", "new"])
    second = client.files.upload_file(written(tmp_path, "b\n"))

    assert [each["id"] for each in client.files.list()] == [second, first]
    assert [each["id"] for each in client.files.list(limit=1, offset=1)] == [first]
    assert [each["tags"] for each in client.files.list(tags=["new"])] == [["orders", "new"]]
    client.files.delete(first)
    assert [each["id"] for each in client.files.list()] == [second]
