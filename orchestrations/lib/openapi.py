"""JSON Schemas in few words, and the parts of an OpenAPI 3.1 document that are the same for every API.

A schema is what JSON Schema 2020-12 calls one: a dict that nobody changes. One with a title becomes a component.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]

VERSION = "3.1.0"
REFERENCE = "#/components/schemas/"
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
OBJECT: Schema = {"type": "object"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ID: Schema = {"type": ["string", "integer"], "maxLength": 255, "minimum": -(10**18) + 1, "maximum": 10**18 - 1}
"""Where clients send ids as texts and as numbers."""
OBJECT_OR_NONE: Schema = {"type": ["object", "array"], "maxItems": 0}
"""An object that is ``[]`` while it is empty, as PHP writes it."""


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Schema, *, least: int = 0) -> Schema:
    found = {"type": "array", "items": schema}
    return {**found, "minItems": least} if least else found


def map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def whole(least: int, most: int, default: int | None = None) -> Schema:
    found: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    return found if default is None else {**found, "default": default}


def text(most: int, *, least: int = 0) -> Schema:
    found = {"type": "string", "maxLength": most}
    return {**found, "minLength": least} if least else found


def matching(pattern: str, description: str = "") -> Schema:
    """A text; the pattern has to fit all of it."""
    return {"type": "string", "pattern": f"^(?:{pattern})$", **({"description": description} if description else {})}


def one_of(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(word) for word in words]}


def record(name: str, fields: Mapping[str, Schema], *, optional: Collection[str] = ()) -> Schema:
    """An object of these fields alone, all there but for ``optional`` ones. Without a name it is no component."""
    found: dict[str, Any] = {
        "type": "object",
        "properties": fields,
        "required": [each for each in fields if each not in optional],
        "additionalProperties": False,
    }
    return {"title": name, **found} if name else found


def request(name: str, fields: Mapping[str, Schema], *, required: Collection[str] = ()) -> Schema:
    """The body of a request: what is null counts as not given, what is not known is passed over."""
    properties = {each: schema if each in required else nullable(schema) for each, schema in fields.items()}
    found = {"type": "object", "properties": properties, "required": list(required)}
    return {"title": name, **found} if name else found


def not_together(*names: str) -> Schema:
    """What a body must not have: all of these at once."""
    return {"not": {"required": list(names), "properties": {each: {"not": {"type": "null"}} for each in names}}}


def path_of(pattern: str) -> str:
    """The template of a path, ``/queue/jobs/{job_id}``, of the regular expression of its address."""
    found = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern.replace("(?:/|\\Z)", "/").replace("/?\\Z", ""))
    return f"/{found.replace('^', '').removesuffix(chr(92) + 'Z').replace(chr(92), '')}"


def parameters_of(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def with_components(paths: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The paths with references in place of titled schemas, and these schemas by their titles.

    Raises ValueError when two different ones have one title.
    """
    found: dict[str, Any] = {}

    def replaced(part: Any) -> Any:
        if isinstance(part, list | tuple):
            return [replaced(each) for each in part]
        if not isinstance(part, Mapping):
            return part
        inner = {key: replaced(value) for key, value in part.items()}
        # "title" may also be the name of a property: then it is a schema.
        name = part.get("title")
        if not isinstance(name, str):
            return inner
        if found.setdefault(name, inner) != inner:
            raise ValueError(f"Two different schemas are called {name}.")
        return {"$ref": f"{REFERENCE}{name}"}

    return replaced(paths), dict(sorted(found.items()))
