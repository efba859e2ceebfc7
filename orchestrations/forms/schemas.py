"""What a JSON Schema asks to be drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from orchestrations.forms.fields import ABSENT

Schema = Mapping[str, Any]

MOST_ITEMS = 200
"""A longer list is edited as JSON: a form of it would be too large to send."""
DEEPEST = 8
_COMBINED = ("oneOf", "anyOf", "allOf", "not", "if", "$dynamicRef")
_LONG_FORMATS = {"code", "textarea", "multiline", "markdown", "sql", "python", "yaml", "json"}
_CODE_FORMATS = _LONG_FORMATS - {"textarea", "multiline", "markdown"}


class Kind(StrEnum):
    TEXT = "text"
    LONG = "long"
    """A text of several lines."""
    CODE = "code"
    LINES = "lines"
    """A list of texts, one a line (``"format": "lines"``)."""
    NUMBER = "number"
    INTEGER = "integer"
    CHECKBOX = "checkbox"
    SELECT = "select"
    CHOICES = "choices"
    """A list of some of the values that are offered."""
    LIST = "list"
    MAP = "map"
    """Names that the person chooses, each with a value."""
    OBJECT = "object"
    SECRET = "secret"  # noqa: S105
    JSON = "json"
    """What no field can draw."""


_KIND_BY_TYPE = {
    "string": Kind.TEXT,
    "number": Kind.NUMBER,
    "integer": Kind.INTEGER,
    "boolean": Kind.CHECKBOX,
    "array": Kind.LIST,
    "object": Kind.OBJECT,
}


def resolved(schema: Any, root: Schema, seen: frozenset[str] = frozenset()) -> tuple[Schema, frozenset[str]]:
    """The schema behind its references, and those followed. One that leads back into itself stays as it is."""
    if not isinstance(schema, Mapping):
        return {}, seen
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#") or reference in seen:
        return schema, seen
    found = _at(root, reference)
    if not isinstance(found, Mapping):
        return schema, seen
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return resolved({**found, **beside}, root, seen | {reference})


def kind_of(schema: Schema, stored: Any, key: str = "", depth: int = 0) -> Kind:
    """How a value of this schema is drawn; JSON when neither the schema nor what is stored fits a field."""
    if key.startswith("#"):
        return Kind.SECRET
    kind = _declared(schema)
    if depth >= DEEPEST and kind in (Kind.LIST, Kind.MAP, Kind.OBJECT):
        return Kind.JSON
    return kind if _holds(kind, schema, stored) else Kind.JSON


def is_long(schema: Schema) -> bool:
    return schema.get("format") in _LONG_FORMATS or "contentMediaType" in schema


def is_nullable(schema: Schema) -> bool:
    return "null" in _types(schema)


def plain_type(schema: Schema) -> str:
    """The one type besides null, "" when there are several or none."""
    types = [each for each in _types(schema) if each != "null"]
    return types[0] if len(types) == 1 else ""


def options_of(schema: Schema) -> list[Any]:
    """The values that may be chosen."""
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if isinstance(schema.get("enum"), list) else []


def item_schema(schema: Schema, place: int) -> Any:
    first = schema.get("prefixItems")
    if isinstance(first, list) and place < len(first):
        return first[place]
    return schema.get("items", {})


def extras_schema(schema: Schema) -> Schema | None:
    """What names beside the properties may hold, when the schema says something of it that can be drawn."""
    extras = schema.get("additionalProperties")
    return extras if isinstance(extras, Mapping) and extras and "patternProperties" not in schema else None


def title_of(schema: Schema, key: str) -> str:
    """ "Time limit": its title, otherwise its name made readable."""
    title = schema.get("title")
    if isinstance(title, str) and title.strip():
        return title.strip()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key.removeprefix("#")).replace("_", " ").replace("-", " ").strip()
    return f"{words[:1].upper()}{words[1:]}" if words else key


def json_text(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _at(root: Schema, reference: str) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else [each for each in types if isinstance(each, str)]


def _declared(schema: Schema) -> Kind:
    if options_of(schema):
        return Kind.SELECT
    if "$ref" in schema or any(word in schema for word in _COMBINED):
        return Kind.JSON
    kind = _KIND_BY_TYPE.get(plain_type(schema), Kind.JSON)
    if kind is Kind.TEXT and is_long(schema):
        return Kind.CODE if schema.get("format") in _CODE_FORMATS or "contentMediaType" in schema else Kind.LONG
    if kind is Kind.LIST:
        return _kind_of_list(schema)
    if kind is Kind.OBJECT and not schema.get("properties"):
        return Kind.MAP if extras_schema(schema) is not None else Kind.JSON
    return kind


def _kind_of_list(schema: Schema) -> Kind:
    items = schema.get("items")
    if not isinstance(items, Mapping) or not items:
        return Kind.JSON
    if schema.get("format") == "lines" and plain_type(items) == "string":
        return Kind.LINES
    offered = schema.get("uniqueItems") is True and options_of(items) and "prefixItems" not in schema
    return Kind.CHOICES if offered else Kind.LIST


def _holds(kind: Kind, schema: Schema, stored: Any) -> bool:
    """Whether a field of this kind can show what is stored."""
    if stored is ABSENT or kind is Kind.JSON:
        return True
    if kind is Kind.SELECT:
        return json_text(stored) in map(json_text, options_of(schema))
    if stored is None:
        return is_nullable(schema) and kind in (Kind.TEXT, Kind.LONG, Kind.CODE, Kind.NUMBER, Kind.INTEGER)
    if kind is Kind.CHOICES:
        offered = [json_text(each) for each in options_of(schema["items"])]
        given = [json_text(each) for each in stored] if isinstance(stored, list) else [""]
        return set(given) <= set(offered) and len(set(given)) == len(given)
    if kind is Kind.LINES:
        return isinstance(stored, list) and all(map(_is_line, stored))
    if kind in (Kind.NUMBER, Kind.INTEGER):
        return isinstance(stored, int | float) and not isinstance(stored, bool)
    if kind is Kind.LIST:
        return isinstance(stored, list) and len(stored) <= MOST_ITEMS
    if kind in (Kind.MAP, Kind.OBJECT):
        return isinstance(stored, dict) and (kind is Kind.OBJECT or len(stored) <= MOST_ITEMS)
    return isinstance(stored, bool if kind is Kind.CHECKBOX else str)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and not {"\n", "\r"} & set(value)
