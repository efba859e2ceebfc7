"""The description of the API: complete, valid, kept, and shown to people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import JsonResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator

from orchestration_site import openapi
from orchestrations.api.errors import QUEUE, SERVICES
from orchestrations.api.operations import operation
from orchestrations.api.wire import endpoint
from orchestrations.lib.openapi import TEXT, path_of, record, with_components
from orchestrations.models import Project
from tests.api import contract

pytestmark = pytest.mark.django_db
METHODS = {"get", "post", "put", "delete"}


def views_below(patterns: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += views_below(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            found.append((path_of(text), pattern.callback))
    return found


def test_every_address_of_the_api_is_described() -> None:
    prefixes = tuple(f"{service.prefix}/" for service in SERVICES)
    addresses = {path: view for path, view in views_below(get_resolver().url_patterns) if path.startswith(prefixes)}

    assert len(addresses) > 50
    assert {path for path, view in addresses.items() if not hasattr(view, "described")} == set()
    assert set(openapi.document()["paths"]) == set(addresses)


def test_what_is_there_per_branch_is_the_same_call() -> None:
    addresses = dict(views_below(get_resolver().url_patterns))
    of_branches = {path: view for path, view in addresses.items() if path.startswith("/v2/storage/branch/")}

    assert len(of_branches) > 10
    for path, view in of_branches.items():
        assert addresses[path.replace("/branch/{branch_id}", "")] is view, path


def test_a_handler_that_says_nothing_is_refused() -> None:
    def handler(call: Any) -> Any:
        return call

    with pytest.raises(TypeError, match="is not described"):
        endpoint(QUEUE, get=handler)
    endpoint(QUEUE, get=operation("Show", {200: TEXT})(handler))


def test_two_objects_of_one_name_are_noticed() -> None:
    paths = {"/a": record("Thing", {"a": TEXT}), "/b": record("Thing", {"b": TEXT})}

    with pytest.raises(ValueError, match="Thing"):
        with_components(paths)


def test_its_schemas_are_schemas_and_its_names_are_its_own() -> None:
    document = openapi.document()
    operations = [item[method] for item in document["paths"].values() for method in METHODS & set(item)]

    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names) > 80
    assert all(each["summary"] and each["tags"] and each["responses"]["4XX"] for each in operations)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (JsonResponse([{"id": "1"}], safe=False), "required"),
        (JsonResponse({}), "array"),
        (JsonResponse([], safe=False, status=202), "not described"),
        (JsonResponse([], safe=False, content_type="text/html"), "not described"),
        (JsonResponse({"error": "x"}, status=404), "required"),
    ],
)
def test_an_answer_that_breaks_it_is_noticed(answer: JsonResponse, problem: str) -> None:
    answer.json = lambda: json.loads(answer.content)  # type: ignore[attr-defined]

    with pytest.raises(AssertionError, match=problem):
        contract.check("GET", "/v2/storage/buckets", answer)


def test_everybody_may_read_it(client: Client) -> None:
    document = client.get("/api/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "http://testserver"}]
    assert document["paths"]["/queue/jobs"]["post"]["requestBody"]["required"] is True


def test_the_page_of_tokens_leads_to_it(project: Project, as_alice: Client) -> None:
    assert 'href="/api/docs' in as_alice.get(f"/projects/{project.pk}/tokens/").text


def test_people_read_it_as_a_page(client: Client) -> None:
    for address in ("/api/docs", "/api/docs/"):
        page = client.get(address).text

        assert 'id="post_queue_jobs"' in page
        assert "curl -X POST" in page and "http://testserver/queue/jobs" in page
        assert page.count('class="apidocs__call"') > 70
