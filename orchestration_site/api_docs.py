"""The API described: ``/api/openapi.json`` for programs, ``/api/docs`` for people. Public, the same for everybody."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from orchestration_site import openapi
from orchestrations.api.wire import origin
from orchestrations.lib.openapi import REFERENCE

DEEPEST_EXAMPLE = 4
METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A parameter, or a field of an object. ``link``: the anchor of the object that it is, "" for a plain value."""

    name: str
    words: str
    link: str
    is_required: bool
    description: str
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: str
    words: str
    link: str


@dataclass(frozen=True, kw_only=True)
class Call:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    answers: list[Answer]
    curl: str


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    return JsonResponse({**openapi.document(), "servers": [{"url": origin(request)}]})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    document = openapi.document()
    groups: dict[str, list[Call]] = {}
    for path, item in document["paths"].items():
        if path.startswith("/v2/storage/branch/"):
            continue  # each is there without a branch too
        for method in METHODS:
            if method in item:
                call = _call(document, origin(request), path, method, item)
                groups.setdefault(item[method]["tags"][0], []).append(call)
    context = {
        "words": openapi.WORDS,
        "groups": [(name, f"group-{number}", calls) for number, (name, calls) in enumerate(sorted(groups.items()))],
        "objects": [
            (name, f"object-{name}", _fields(schema)) for name, schema in document["components"]["schemas"].items()
        ],
        "openapi_url": reverse("openapi"),
        "origin": origin(request),
    }
    return render(request, "api_docs.html", context)


# --- Private -----------------------------------------------------------------------------------


def _call(document: Mapping[str, Any], here: str, path: str, method: str, item: Mapping[str, Any]) -> Call:
    said = item[method]
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Call(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said["summary"],
        description=said.get("description", ""),
        parameters=[_parameter(each) for each in [*item["parameters"], *said["parameters"]]],
        body=_fields(_looked_up(document, body), is_sent=True) if body is not None else [],
        answers=[_answer(status, answer) for status, answer in said["responses"].items()],
        curl=_curl(document, f"{here}{path}", method, body, is_public=said.get("security") == []),
    )


def _parameter(said: Mapping[str, Any]) -> Field:
    words, link = _words(said["schema"])
    return Field(
        name=said["name"],
        words=words,
        link=link,
        is_required=said["required"],
        description=said.get("description", ""),
        place=said["in"],
    )


def _answer(status: str, said: Mapping[str, Any]) -> Answer:
    kinds = said.get("content", {})
    words, link = _words(kinds["application/json"]["schema"]) if kinds else ("nothing", "")
    others = [kind for kind in kinds if kind != "application/json"]
    return Answer(status=status, words=" or ".join([words, *others]), link=link)


def _fields(schema: Mapping[str, Any], *, is_sent: bool = False) -> list[Field]:
    required = schema.get("required", ())
    found = []
    for name, part in schema.get("properties", {}).items():
        # That null counts as not given is said once for all.
        words, link = _words(_inner(part) if is_sent else part)
        description = part.get("description", "") or _inner(part).get("description", "")
        found.append(Field(name=name, words=words, link=link, is_required=name in required, description=description))
    return found


def _inner(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a value is when it is not null."""
    options = schema.get("anyOf")
    return options[0] if options else schema


def _words(schema: Mapping[str, Any]) -> tuple[str, str]:
    """The type in words, and the anchor of the object that it names."""
    if "anyOf" in schema:
        words, link = _words(schema["anyOf"][0])
        return f"{words} or null", link
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return name, f"object-{name}"
    if "enum" in schema:
        return " | ".join(schema["enum"]), ""
    kind = schema.get("type", "anything")
    if kind == "array":
        words, link = _words(schema["items"])
        return f"list of {words}", link
    if isinstance(kind, list):
        return " or ".join(kind), ""
    return {"date-time": "moment"}.get(schema.get("format", ""), kind), ""


def _looked_up(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "").removeprefix(REFERENCE)
    found: Mapping[str, Any] = document["components"]["schemas"][reference] if reference else schema
    return found


def _curl(
    document: Mapping[str, Any], url: str, method: str, body: Mapping[str, Any] | None, *, is_public: bool
) -> str:
    lines = ["curl" if method == "get" else f"curl -X {method.upper()}"]
    if not is_public:
        lines.append("-H 'X-StorageApi-Token: YOUR_TOKEN'")
    if body is not None:
        example = json.dumps(_example(document, _looked_up(document, body)), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(example)}"]
    return " \\\n  ".join([*lines, shlex.quote(url)])


def _example(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Any:
    """A value as the schema wants it; of an object what is required, or all of it where nothing is."""
    schema = _looked_up(document, _inner(schema))
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        wanted = schema.get("required") or list(properties)
        return {name: _example(document, properties[name], depth + 1) for name in wanted if depth < DEEPEST_EXAMPLE}
    if kind == "array":
        return [_example(document, schema.get("items", {}), depth + 1)] if depth < DEEPEST_EXAMPLE else []
    return {"integer": schema.get("minimum", 1) or 1, "number": 0.5, "boolean": True}.get(kind, "…")
