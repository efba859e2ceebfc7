"""JSON Schema errors as sentences. None of them repeats a value: it may be a secret, or a megabyte."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from jsonschema.exceptions import SchemaError, ValidationError

SchemaProblem = ValidationError | SchemaError
Path = list[str | int]

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_ITEM_TYPES = {
    "string": "words",
    "integer": "whole numbers",
    "number": "numbers",
    "object": "objects",
    "array": "lists",
}


def path_text(path: Sequence[str | int]) -> str:
    """`parameters.command[2]` for `["parameters", "command", 2]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def sentence(error: SchemaProblem) -> tuple[Path, str]:
    """The path of the field at fault (also of a missing or unknown one) and what is wrong, without a full stop."""
    path: Path = list(error.absolute_path)
    rule = error.validator if isinstance(error.validator, str) else ""
    if rule == "required":
        return [*path, _missing(error)], "is required"
    if rule == "additionalProperties" and isinstance(error.instance, dict):
        return [*path, _unknown(error)], _known(error)
    if "propertyNames" in error.absolute_schema_path:
        return [*path, str(error.instance)[:100]], "is not an allowed name"
    tell = _TELLERS.get(rule)
    return path, tell(error) if tell else "is not valid"


def _rule(error: SchemaProblem) -> Any:
    """What the schema says under the keyword that failed."""
    return error.validator_value


def _schema(error: SchemaProblem) -> dict[str, Any]:
    return error.schema if isinstance(error.schema, dict) else {}


def _missing(error: SchemaProblem) -> str:
    present: Any = error.instance
    return next((name for name in _rule(error) if name not in present), "")


def _unknown(error: SchemaProblem) -> str:
    present: Any = error.instance
    known = _schema(error).get("properties", {})
    patterns = _schema(error).get("patternProperties", {})
    unknown = (name for name in present if name not in known and not any(re.search(each, name) for each in patterns))
    return next(unknown, "")[:100]


def _known(error: SchemaProblem) -> str:
    known = ", ".join(_schema(error).get("properties", {}))
    return f"is not known here; known fields: {known}" if known else "is not known here"


def _expected_type(error: SchemaProblem) -> str:
    wanted = _rule(error)
    names = [wanted] if isinstance(wanted, str) else wanted
    items = _schema(error).get("items")
    if names == ["array"] and isinstance(items, dict) and items.get("type") in _ITEM_TYPES:
        return f"expected a list of {_ITEM_TYPES[items['type']]}"
    return f"expected {' or '.join(_TYPES.get(name, name) for name in names)}"


def _expected_one_of(error: SchemaProblem) -> str:
    return f"expected one of {', '.join(str(value) for value in _rule(error))}"


def _at_least(unit: str) -> Callable[[SchemaProblem], str]:
    def tell(error: SchemaProblem) -> str:
        return "must not be empty" if _rule(error) == 1 else f"needs at least {_rule(error)} {unit}"

    return tell


def _says(text: str) -> Callable[[SchemaProblem], str]:
    return lambda error: text.format(_rule(error))


_TELLERS: dict[str, Callable[[SchemaProblem], str]] = {
    "type": _expected_type,
    "enum": _expected_one_of,
    "const": _says("must be {0}"),
    "minLength": _at_least("characters"),
    "minItems": _at_least("items"),
    "minProperties": _at_least("fields"),
    "maxLength": _says("must not be longer than {0} characters"),
    "maxItems": _says("must not have more than {0} items"),
    "maxProperties": _says("must not have more than {0} fields"),
    "minimum": _says("must be at least {0}"),
    "maximum": _says("must be at most {0}"),
    "exclusiveMinimum": _says("must be more than {0}"),
    "exclusiveMaximum": _says("must be less than {0}"),
    "multipleOf": _says("must be a multiple of {0}"),
    "pattern": _says("does not have the expected form ({0})"),
    "uniqueItems": _says("must not contain the same item twice"),
    "not": _says("has a value that is not allowed"),
    "anyOf": _says("fits none of the allowed forms"),
    "oneOf": _says("must fit exactly one of the allowed forms"),
}
