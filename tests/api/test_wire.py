"""The wire rules of every call of the API: one shape of errors, whatever is sent."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from jobs import launching
from jobs.models import Job
from orchestrations import subscribing
from orchestrations.models import Configuration, ConfigurationMetadata, Project, Subscription
from orchestrations.subscribing import Wanted
from scheduling import planning, setting_triggers
from tests import builders
from tests.api.conftest import Api, assert_queue_error, assert_storage_error, build_token, limited_api

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PUBLIC = {"/v2/storage/"}
GARBAGE = ["", "null", "[]", "7", '"text"', "{", '{"a": NaN}', '{"a": "\\u0000"}', '{"a": 1, "a": 2}', "[" * 100_000]
TWISTED: list[Any] = [None, True, -1, 10**30, 1.5, "\x01", "x" * 70_000, [], [[]], {}, {"a": {}}]
WRITES = {
    "/queue/jobs": (
        "POST",
        *("component", "config", "configData", "configRowIds", "tag", "mode", "branchId", "delay", "delayedStartTime"),
        *("variableValuesData", "previousJobId", "onlyOrchestrationTaskIds", "orchestrationTaskId"),
    ),
    "/notification/project-subscriptions": ("POST", "event", "filters", "recipient", "expiresAt"),
    "/v2/storage/tokens": (
        *("POST", "description", "expiresIn", "componentAccess", "bucketPermissions", "canManageBuckets"),
    ),
    "/v2/storage/tokens/TOKEN": ("PUT", "description", "componentAccess", "bucketPermissions", "canManageBuckets"),
    "/v2/storage/buckets": ("POST", "name", "stage", "description", "sourceProjectId", "sourceBucketId"),
    "/v2/storage/buckets/in.c-sales/share-to-projects": ("POST", "targetProjectIds"),
    "/v2/storage/buckets/in.c-sales/share-organization": ("POST", "x"),
    "/v2/storage/files/prepare": ("POST", "name", "isSliced", "sizeBytes", "tags"),
    "/v2/storage/buckets/in.c-sales/tables-async": (
        *("POST", "name", "dataFileId", "delimiter", "enclosure", "escapedBy", "primaryKey", "columns", "dataUrl"),
        "withoutHeaders",
    ),
    "/v2/storage/tables/in.c-sales.orders/import-async": ("POST", "dataFileId", "incremental", "columns", "delimiter"),
    "/v2/storage/tables/in.c-sales.orders/export-async": (
        *("POST", "columns", "limit", "gzip", "format", "whereColumn", "whereOperator", "whereValues"),
        *("changedSince", "changedUntil"),
    ),
    "/v2/storage/tables/in.c-sales.orders/updates": ("POST", "rows", "at"),
    "/scheduler/schedules": ("POST", "configurationId", "configurationVersionId"),
    "/v2/storage/triggers": (
        *("POST", "runWithTokenId", "component", "configurationId", "coolDownPeriodMinutes", "tableIds"),
    ),
    "/v2/storage/events": ("POST", "message", "type", "runId", "params", "results", "component", "description"),
    "/v2/storage/components/command/configs": (
        "POST",
        *("name", "description", "configuration", "configurationId", "isDisabled", "state", "rows"),
        "changeDescription",
    ),
    "/v2/storage/components/command/configs/KEY": (
        "PUT",
        "name",
        "description",
        "configuration",
        "isDisabled",
        "state",
    ),
    "/v2/storage/components/command/configs/KEY/state": ("PUT", "state"),
    "/v2/storage/components/command/configs/KEY/copy": ("POST", "name", "description", "version"),
}
"""Address: method and fields."""


def find_addresses(patterns: list[Any] | None = None, prefix: str = "/") -> list[str]:
    """Every address of the API, with 1 for each part of it."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        text = prefix + str(pattern.pattern).removeprefix("^").replace("(?:/|\\Z)", "/").replace("/?\\Z", "")
        if isinstance(pattern, URLResolver):
            found += find_addresses(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern) and text.startswith(("/v2/", "/queue/", "/notification/", "/scheduler/")):
            found.append(text.replace("\\Z", ""))
    return found


def filled(address: str, **parts: str) -> str:
    for part in (
        "component_id",
        "configuration_id",
        "branch_id",
        "version",
        "metadata_id",
        "job_id",
        "subscription_id",
        "token_id",
        "schedule_id",
        "trigger_id",
        "bucket_id",
        "table_id",
        "file_id",
    ):
        address = address.replace(f"(?P<{part}>[^/]+)", parts.get(part, "1"))
    assert "(?P" not in address
    return address.replace("\\.", ".")


ADDRESSES = find_addresses()


def assert_error(path: str, response: Any, status: int | None = None) -> None:
    check = assert_storage_error if path.startswith("/v2/storage") else assert_queue_error
    check(response, status or response.status_code)
    assert response.headers["Content-Type"] == "application/json"


@pytest.fixture
def parts(project: Project) -> dict[str, str]:
    """A row behind every part of an address."""
    load = builders.build_configuration(project)
    job = builders.launch(load)
    return {
        "component_id": "command",
        "configuration_id": load.key,
        "branch_id": "default",
        "version": "1",
        "metadata_id": str(
            ConfigurationMetadata.objects.create(configuration=load, key="a", updated_at=builders.NOW).pk
        ),
        "job_id": str(job.pk),
        **build_automation(project),
        "token_id": str(build_token(project)[0].pk),
        "subscription_id": str(build_subscription(project).pk),
        "bucket_id": "in.c-sales",
        "table_id": "in.c-sales.orders",
        "file_id": str(job.pk),
    }


def build_automation(project: Project) -> dict[str, str]:
    orchestration = builders.build_orchestration(project, [builders.task(builders.build_configuration(project))])
    builders.build_table(project, "in.c-sales.orders")
    actor = builders.admin_of(project)
    times = planning.Wanted(expression="0 6 * * *")
    tables = setting_triggers.Wanted(table_ids=["in.c-sales.orders"])
    schedule = planning.add(orchestration, times, actor=actor, now=builders.NOW)
    trigger = setting_triggers.set_trigger(orchestration, tables, actor=actor, now=builders.NOW)
    return {"schedule_id": str(schedule.pk), "trigger_id": str(trigger.pk)}


def build_subscription(project: Project) -> Subscription:
    wanted = Wanted(event="job-failed", channel="email", address="list@example.org")
    return subscribing.subscribe(project, None, wanted, actor=builders.admin_of(project), now=builders.NOW)


def test_the_sweeps_know_the_addresses() -> None:
    assert len(ADDRESSES) > 25
    assert {"/v2/storage/", "/v2/storage/tokens/verify", "/v2/storage/events", "/queue/jobs"} <= set(ADDRESSES)


def test_without_a_token_nothing_is_told(nobody: Api) -> None:
    for address in ADDRESSES:
        path = filled(address)
        responses = {method: nobody.call(method, path) for method in METHODS}
        allowed = responses["PATCH"].headers["Allow"].split(", ")

        for method, response in responses.items():
            if path in PUBLIC and method == "GET":
                assert response.status_code == 200
            elif method in allowed:
                assert_error(path, response, 401)
                assert "Invalid access token" in response.json()["error"]
            else:
                assert_error(path, response, 405)


@pytest.mark.parametrize("text", ["1-²-x", "²-1-x", "1-1", "--", "1-" + "9" * 40 + "-x", "-1-1-x", "x"])
def test_what_is_no_token_is_a_wrong_one(text: str, db: None) -> None:
    assert_error("/queue/jobs/1", Api(text).get("/queue/jobs/1"), 401)


def test_a_client_writes_no_line_of_its_own_into_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "tutti.api"):
        api.get("/queue/jobs/1%0aERROR forged")

    assert "forged" in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)


def test_a_method_that_is_not_there_is_refused(api: Api, parts: dict[str, str]) -> None:
    for address in ADDRESSES:
        path = filled(address, **parts)
        for method in ("PATCH", "OPTIONS", "TRACE", "BREW"):
            response = api.call(method, path)

            assert_error(path, response, 405)
            assert response.headers["Allow"]


def test_a_slash_at_the_end_changes_nothing(api: Api, parts: dict[str, str]) -> None:
    for address in ADDRESSES:
        path = filled(address, **parts).rstrip("/")

        with_slash, without = api.get(f"{path}/"), api.get(path)

        assert with_slash.status_code == without.status_code, path
        if without.status_code == 200:
            assert with_slash.content == without.content


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]
)
def test_garbage_is_refused_in_the_shape_of_the_service(api: Api, parts: dict[str, str], kind: str) -> None:
    """Or taken for what it is: an empty body may be all that a call needs."""
    for address, (method, *_) in WRITES.items():
        path = address.replace("KEY", parts["configuration_id"]).replace("TOKEN", parts["token_id"])
        for garbage in GARBAGE:
            response = api.call(method, path, form=garbage, Content_Type=kind)

            assert response.status_code < 500, (path, garbage[:20], response.content)
            if response.status_code >= 400:
                assert_error(path, response)


@pytest.mark.parametrize("value", TWISTED, ids=lambda value: repr(value)[:20])
def test_no_value_of_a_field_is_too_much_for_us(api: Api, parts: dict[str, str], value: Any) -> None:
    fine = {
        "component": "command",
        "event": "job-failed",
        "recipient": {"channel": "email", "address": "a@example.org"},
        "config": parts["configuration_id"],
        "name": "x",
        "message": "x",
    }
    for address, (method, *fields) in WRITES.items():
        path = address.replace("KEY", parts["configuration_id"]).replace("TOKEN", parts["token_id"])
        for field in fields:
            response = api.call(method, path, {**fine, "runId": parts["job_id"], field: value})

            assert response.status_code < 500, (path, field, response.content)
            if response.status_code >= 400:
                assert_error(path, response)


@pytest.mark.parametrize("part", ["%00", "%FF", "a%0Ab", "..", "%F0%9F%8E%BB", "9" * 400, "'%22;--", "%C4%81" * 300])
def test_no_part_of_an_address_is_too_much_for_us(api: Api, parts: dict[str, str], part: str) -> None:
    for address in ADDRESSES:
        path = filled(address, **dict.fromkeys(parts, part))

        response = api.get(path)

        assert response.status_code < 500, path
        if response.status_code >= 400:
            assert_error(path, response)


@pytest.mark.parametrize(
    "query", ["limit=x&offset=y", "include[a]=1", "isDeleted=x", "a[=1", "%00=%00", "x=%FF&limit[]="]
)
def test_no_query_is_too_much_for_us(api: Api, parts: dict[str, str], query: str) -> None:
    for address in ADDRESSES:
        path = filled(address, **parts)

        response = api.get(f"{path}?{query}")

        assert response.status_code < 500, path
        if response.status_code >= 400:
            assert_error(path, response)


@pytest.mark.parametrize(
    "path", ["/v2/storage/nothing", "/queue/nothing", "/queue/jobs/1/2/3", "/queue/", "/scheduler/x"]
)
@pytest.mark.parametrize("debug", [False, True])
def test_what_is_not_there_is_not_found_in_the_shape_of_the_api(
    api: Api, path: str, debug: bool, settings: Any
) -> None:
    settings.DEBUG = debug

    for method in METHODS:
        assert_error(path, api.call(method, path), 404)


@pytest.mark.parametrize("path", ["/v2/storage/tokens/verify", "/queue/jobs/1"])
def test_a_host_that_we_do_not_answer_to_is_refused_in_the_shape_of_the_api(api: Api, path: str) -> None:
    assert_error(path, api.get(path, Host="elsewhere.example.org"), 400)


def test_pages_keep_their_own_errors(client: Client, db: None) -> None:
    assert "text/html" in client.get("/no/such/page").headers["Content-Type"]
    assert "text/html" in client.get("/queues").headers["Content-Type"]


def test_a_body_that_is_too_large_is_told_so(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = {"component": "command", "tag": "x" * 2000}

    assert "larger" in assert_queue_error(api.post("/queue/jobs", body), 413)
    assert not Job.objects.exists()


def test_a_head_is_a_get_without_a_body(api: Api, parts: dict[str, str]) -> None:
    """Asked past the test client, which cuts bodies off itself."""
    for job, status in [(parts["job_id"], 200), ("0", 404)]:
        request = RequestFactory().head(f"/queue/jobs/{job}", headers={"X-StorageApi-Token": api.text})
        found = resolve(request.path)

        response = found.func(request, **found.kwargs)

        assert (response.status_code, response.content) == (status, b"")


def test_a_form_of_parts_is_read_by_every_write(api: Api, project: Project) -> None:
    load = builders.build_configuration(project)
    boundary = '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nBy parts\r\n--x--\r\n'
    headers = {"Content_Type": "multipart/form-data; boundary=x"}

    saved = api.put(f"/v2/storage/components/command/configs/{load.key}", form=boundary, **headers)

    assert saved.json()["name"] == "By parts"


def test_json_under_the_name_of_a_form_is_json(api: Api, project: Project) -> None:
    load = builders.build_configuration(project)

    job = api.post("/queue/jobs", form=f'{{"component": "command", "config": "{load.key}"}}')

    assert job.status_code == 201


def test_the_id_of_an_error_is_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tutti.api"):
        document = api.get("/queue/jobs/1").json()

    assert [record.levelname for record in caplog.records if document["exceptionId"] in record.getMessage()] == ["INFO"]
    assert api.text not in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(RuntimeError("the colour of the bike shed"), 500, "went wrong"), (OperationalError("gone"), 503, "Try again")],
)
def test_a_mistake_of_ours_tells_nothing_but_its_id(
    api: Api,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    words: str,
) -> None:
    load = builders.build_configuration(project)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(launching, "launch", fail)
    response = api.post("/queue/jobs", {"component": "command", "config": load.key})

    message = assert_queue_error(response, status)
    assert words in message
    assert str(error) not in message
    records = [record for record in caplog.records if response.json()["exceptionId"] in record.getMessage()]
    assert [record.levelname for record in records] == ["ERROR"]
    assert records[0].exc_info is not None


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/queue/jobs", 400, "component"),
        ("/scheduler/schedules", 400, "configurationId"),
        ("/notification/project-subscriptions", 400, "event"),
        ("/v2/storage/triggers", 422, "configurationId"),
        ("/v2/storage/buckets", 400, "name"),
        ("/v2/storage/events", 400, "message"),
    ],
)
@pytest.mark.parametrize("body", [{}, None], ids=["an empty object", "nothing"])
def test_what_the_description_requires_is_missed_by_its_name(
    api: Api, path: str, status: int, field: str, body: Any
) -> None:
    response = api.post(path, body)

    assert_error = assert_storage_error if path.startswith("/v2/") else assert_queue_error
    assert assert_error(response, status) == f"{field}: is missing."


def test_an_address_beside_the_services_is_answered_in_words(api: Api) -> None:
    assert assert_storage_error(api.get("/v2/nothing"), 404) == "There is nothing at this address."


def test_a_limited_token_is_told_that_it_has_no_role(project: Project) -> None:
    response = limited_api(project).get("/v2/storage/tokens")

    assert assert_storage_error(response, 403) == (
        "This needs the role viewer in the project Analytics, which no limited token has."
    )


def test_a_form_of_another_site_cannot_use_a_session(project: Project, as_alice: Client, configuration_of: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = as_alice.cookies

    response = strict.post("/queue/jobs", {"component": "command", "config": configuration_of(project).key})

    assert_queue_error(response, 401)
    assert not Job.objects.exists()


def test_a_token_needs_no_cookie_and_no_csrf(api: Api, project: Project) -> None:
    load = builders.build_configuration(project)
    client = Client(enforce_csrf_checks=True)

    response = client.post(
        "/queue/jobs", {"component": "command", "config": load.key}, headers={"X-StorageApi-Token": api.text}
    )

    assert response.status_code == 201


@pytest.fixture
def configuration_of() -> Any:
    def build(project: Project) -> Configuration:
        return builders.build_configuration(project)

    return build
