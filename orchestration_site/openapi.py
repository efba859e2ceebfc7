"""The OpenAPI 3.1 document of the API: the addresses that there are, and what their handlers say of themselves."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from orchestrations.api.errors import NOTIFICATION, QUEUE, SCHEDULER, SERVICES, STORAGE, Service
from orchestrations.api.operations import Operation
from orchestrations.api.schemas import ERROR, STORAGE_ERROR
from orchestrations.api.wire import Described
from orchestrations.lib import openapi

VERSION = "1.0"
CALLS = """One API in four services, each under its own path. Every call but one shows a token, in X-StorageApi-Token
or as a bearer."""
BODIES = """Bodies are JSON, in which null counts as not given; forms are understood too. A list is given as a=1&a=2,
a[]=1 or a[0]=1. Times are ISO 8601 with an offset. A slash at the end of a path changes nothing. Each error has an
exceptionId, which stands in the log of the server too."""
BYTES = """The bytes of files are sent to and fetched from /blob/…, as from Azure's Blob Storage, with the credentials
that a file comes with."""
WORDS = [paragraph.replace("\n", " ") for paragraph in (CALLS, BODIES, BYTES)]
TITLES = {STORAGE.name: "Storage", QUEUE.name: "Queue", SCHEDULER.name: "Scheduler", NOTIFICATION.name: "Notification"}
TAGS = {
    "tokens": "Tokens",
    "components": "Components and configurations",
    "buckets": "Buckets",
    "shared-buckets": "Buckets",
    "tables": "Tables",
    "files": "Files",
    "dev-branches": "Branches",
    "branch": "Branches",
    "search": "Components and configurations",
    "jobs": "Jobs of Storage",
    "events": "Events",
    "triggers": "Event triggers",
}
"""Of Storage, by the first part of the path. The other services are one tag each."""
REFUSED = "Refused, in the one shape of the errors of this service."


@functools.lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document, without the address of the server. The same for everybody."""
    paths: dict[str, Any] = {}
    for path, described in addresses():
        item = {method: _operation(path, method, described, said) for method, said in described.operations.items()}
        paths[path] = {"parameters": openapi.parameters_of(path), **item}
    paths, schemas = openapi.with_components(paths)
    return {
        "openapi": openapi.VERSION,
        "info": {"title": "Tutti", "version": VERSION, "description": "\n\n".join(WORDS), "license": {"name": "MIT"}},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-StorageApi-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"token": []}, {"bearer": []}],
    }


def addresses() -> list[tuple[str, Described]]:
    """Every address of the API as a template, in the order of the services and of their paths."""
    found = [(openapi.path_of(text), view.described) for text, view in _views() if hasattr(view, "described")]
    return sorted(found, key=lambda each: (SERVICES.index(each[1].service), each[0]))


def _views(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            yield text, pattern.callback


def _operation(path: str, method: str, described: Described, said: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{method}{path.replace('{', '').replace('}', '').replace('/', '_').rstrip('_')}",
        "summary": said.summary,
        "tags": [_tag(path, described.service)],
        "parameters": [*_of_query(said.query), *_of_headers(said.headers)],
        "responses": {str(status): _answer(schema, said) for status, schema in said.answers.items()}
        | _errors(described),
    }
    if said.description:
        found["description"] = said.description
    if said.body is not None:
        is_required = bool(said.body.get("required"))
        found["requestBody"] = {"required": is_required, "content": {"application/json": {"schema": said.body}}}
    if described.is_public:
        found["security"] = []
    return found


def _tag(path: str, service: Service) -> str:
    if service is not STORAGE:
        return TITLES[service.name]
    parts = path.removeprefix(f"{STORAGE.prefix}/").split("/")
    if parts[0] == "branch":
        parts = parts[2:] or parts
    return TAGS.get(parts[0], "This installation")


def _of_query(query: Mapping[str, openapi.Schema]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in query.items()]


def _of_headers(headers: Mapping[str, openapi.Schema]) -> list[dict[str, Any]]:
    found = []
    for name, schema in headers.items():
        kept = {key: value for key, value in schema.items() if key != "description"}
        described = {"description": schema["description"], "schema": kept}
        found.append({"name": name, "in": "header", "required": False, **described})
    return found


def _answer(schema: openapi.Schema | None, said: Operation) -> dict[str, Any]:
    if schema is None:
        return {"description": "Done; there is nothing more to say."}
    others = {kind: {"schema": openapi.TEXT} for kind in said.other_types}
    return {"description": said.summary, "content": {"application/json": {"schema": schema}, **others}}


def _errors(described: Described) -> dict[str, Any]:
    shape = STORAGE_ERROR if described.service.has_text_codes else ERROR
    answer = {"description": REFUSED, "content": {"application/json": {"schema": shape}}}
    return {"4XX": answer, "503": {**answer, "description": "The database is busy: try again."}}
