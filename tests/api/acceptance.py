"""Whether a request keeps the description: to the letter, and as the wire rules let clients write it besides."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator

from orchestration_site import openapi
from orchestrations.api.fields import Fields

FLAGS = [True, False, 1, 0, "1", "0", "true", "false", "True", "False", "TRUE", "FALSE", ""]
NOT_TAKEN = {
    "query": {"whereColumn", "whereFilters", "changedSince", "changedUntil"},
    "body": {
        *("dataUrl", "snapshotId", "dataWorkspaceId", "dataTableName", "escapedBy", "changedUntil"),
        *("variableValuesId", "rows"),
    },
}
"""Read only to be refused, with what to do instead: what clients know from other installations."""
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Recording(dict[str, Any]):
    """The values of a request; ``read`` are the names that a handler has asked for."""

    def __init__(self, values: Mapping[str, Any], read: set[str]) -> None:
        super().__init__(values)
        self.read = read

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)


def recorded(fields: Fields, read: set[str]) -> Fields:
    return Fields(Recording(fields.values, read), as_texts=fields.as_texts)


def named(operation: Mapping[str, Any], place: str) -> set[str]:
    """The fields of the query, or of the body, that are described."""
    if place == "query":
        return {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    schema = _body_schema(operation)
    return set(_looked_up(schema)["properties"]) if schema else set()


def keeps(operation: Mapping[str, Any], request: Any) -> tuple[bool, bool]:
    """Of a request that was sent: whether it is as described, and whether it can be understood so."""
    query = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    found = [
        _of_query(each["schema"], query[each["name"]])
        for each in operation["parameters"]
        if each["in"] == "query" and each["name"] in query
    ]
    found += [
        _of_header(each["schema"], request.headers[each["name"]])
        for each in operation["parameters"]
        if each["in"] == "header" and each["name"] in request.headers
    ]
    schema = _body_schema(operation)
    if schema is not None:
        body = _body_of(request)
        found.append((_fits(schema, body), _fits(tolerant(schema), body)))
    return all(strictly for strictly, _ in found), all(loosely for _, loosely in found)


def tolerant(schema: Any) -> Any:
    """With what is understood besides: numbers as texts, flags as 0 and 1, one value for a list, [] for {}."""
    if "$ref" in schema:
        return tolerant(_looked_up(schema))
    found = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), Mapping):
            found[key] = tolerant(found[key])
    if "properties" in found:
        found["properties"] = {name: tolerant(each) for name, each in found["properties"].items()}
    if "anyOf" in found:
        found["anyOf"] = [tolerant(each) for each in found["anyOf"]]
    also = _also(schema)
    return {"anyOf": [found, *also]} if also else found


# --- Private -----------------------------------------------------------------------------------


def _also(schema: Mapping[str, Any]) -> list[Any]:
    match schema.get("type"):
        case "string":
            return [{"const": ""}] if "enum" in schema else [{"type": "integer"}]
        case "boolean":
            return [{"enum": FLAGS}]
        case "integer":
            return [{"type": "string", "pattern": f"^{_WHOLE.pattern}$"}, {"const": ""}]
        case "array":
            return [tolerant(schema["items"]), {"const": ""}]
        case "object":
            return [{"const": []}]
    return []


def _body_schema(operation: Mapping[str, Any]) -> Any:
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")


def _looked_up(schema: Mapping[str, Any]) -> Any:
    name = schema.get("$ref", "").rpartition("/")[2]
    return openapi.document()["components"]["schemas"][name] if name else schema


def _body_of(request: Any) -> Any:
    """Without a body there are no fields; what is no JSON is nothing that could be described."""
    try:
        return json.loads(request.body) if request.body and request.body.strip() else {}
    except ValueError:
        return None


def _of_query(schema: Mapping[str, Any], values: list[str]) -> tuple[bool, bool]:
    meanings = _meanings(schema, values)
    return any(_fits(schema, each) for each in meanings), any(_fits(tolerant(schema), each) for each in meanings)


def _of_header(schema: Mapping[str, Any], value: str) -> tuple[bool, bool]:
    """Loosely, without the spaces around it; and an empty one is none."""
    return _fits(schema, value), not value.strip() or _fits(schema, value.strip())


def _meanings(schema: Mapping[str, Any], values: list[str]) -> list[Any]:
    """What the texts of a query may stand for."""
    if schema.get("type") == "array":
        return [values]
    if len(values) > 1:
        return [values]
    text = values[0]
    numbers = [int(text)] if _WHOLE.fullmatch(text) else []
    return [text, *numbers, *{"true": [True], "false": [False]}.get(text, [])]


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    return Draft202012Validator({**schema, "components": openapi.document()["components"]}).is_valid(value)
