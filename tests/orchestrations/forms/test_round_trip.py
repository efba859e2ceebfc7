"""A form that is drawn and sent back unchanged changes nothing, whatever the schema and the document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestrations.components import catalogue
from orchestrations.forms import building, reading
from orchestrations.forms.fields import ABSENT
from orchestrations.lib import secrets
from tests.orchestrations.forms.posting import post_of

KEYS = "k" * 32
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NAMES = st.sampled_from(["a", "b", "with space", "c/d", "e:items", "#secret", "ü", "%"])
NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def cases(draw: st.DrawFn, depth: int = 0) -> tuple[dict[str, Any], Any]:
    """A schema and a value that it accepts."""
    leaves = ["string", "code", "number", "integer", "boolean", "enum", "nullable", "anything", "choices"]
    shape = draw(st.sampled_from(leaves if depth > 2 else [*leaves, "list", "map", "object", "object", "closed"]))
    if shape == "enum":
        values = draw(st.lists(ANYTHING, min_size=1, max_size=4))
        return {"enum": values}, draw(st.sampled_from(values))
    if shape == "choices":
        offered = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
        schema = {"type": "array", "uniqueItems": True, "items": {"enum": offered}}
        return schema, draw(st.lists(st.sampled_from(offered), unique=True))
    if shape in ("list", "map"):
        return draw(containers(shape, depth))
    if shape in ("object", "closed"):
        return draw(objects(depth, is_closed=shape == "closed"))
    return draw(
        st.sampled_from(
            [
                ({"type": "string"}, draw(TEXTS)),
                ({"type": "string", "format": "code"}, draw(TEXTS)),
                ({"type": ["string", "null"]}, draw(st.one_of(st.none(), TEXTS))),
                ({"type": "number", "default": 3}, draw(NUMBERS)),
                ({"type": "integer"}, draw(st.integers())),
                ({"type": "boolean", "default": draw(st.booleans())}, draw(st.booleans())),
                ({"type": "array", "items": {"type": "string"}, "format": "lines"}, draw(st.lists(TEXTS, max_size=3))),
                ({}, draw(ANYTHING)),
            ]
        )
    )


@st.composite
def containers(draw: st.DrawFn, shape: str, depth: int) -> tuple[dict[str, Any], Any]:
    schema, first = draw(cases(depth + 1))
    values = [first, *([first] if draw(st.booleans()) else [])] if draw(st.booleans()) else []
    if shape == "list":
        return {"type": "array", "items": schema}, values
    names = draw(st.lists(NAMES, min_size=len(values), max_size=len(values), unique=True))
    return {"type": "object", "additionalProperties": schema}, dict(zip(names, values, strict=True))


@st.composite
def objects(draw: st.DrawFn, depth: int, *, is_closed: bool) -> tuple[dict[str, Any], Any]:
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    members = {name: draw(cases(depth + 1)) for name in names}
    given = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    schema = {
        "type": "object",
        "properties": {name: schema for name, (schema, _) in members.items()},
        "required": draw(st.lists(st.sampled_from(given), unique=True)) if given else [],
    }
    if is_closed:
        return {**schema, "additionalProperties": {"type": "string"}}, {name: members[name][1] for name in given}
    return schema, {name: members[name][1] for name in given} | draw(st.dictionaries(st.just("unknown"), ANYTHING))


@settings(max_examples=250)
@given(cases())
def test_a_form_left_alone_changes_nothing(case: tuple[dict[str, Any], Any]) -> None:
    schema, document = case
    assert Draft202012Validator(schema).is_valid(document)
    stored = secrets.encrypt_document(document, "project:1", KEYS) if "*****" not in repr(document) else document

    posted = post_of(building.of_document(schema, stored))
    tree = building.of_post(schema, stored, posted)
    reading.drop_blanks(tree)
    value = reading.read(tree)

    assert not reading.has_errors(tree)
    assert value == stored
    assert repr(value) == repr(stored) or isinstance(stored, dict | list)


@settings(max_examples=100)
@given(cases())
def test_no_secret_stands_in_any_field(case: tuple[dict[str, Any], Any]) -> None:
    schema, _ = case
    secret = secrets.encrypt_document({"#x": "hush"}, "project:1", KEYS)

    tree = building.of_document(
        {"type": "object", "properties": {"deep": schema, "#x": schema}}, {"deep": secret, **secret}
    )

    assert "tutti:v1" not in "".join(value for values in post_of(tree).values() for value in values)


@pytest.mark.parametrize(
    "component", [each for each in catalogue.all() if not each.is_orchestrator], ids=lambda c: c.id
)
@pytest.mark.parametrize("stored", [{}, {"command": ["sh", "-c", "one\ntwo"], "environment": {"A": "b"}}, ABSENT])
def test_every_built_in_component_has_a_form_that_loses_nothing(component: Any, stored: Any) -> None:
    tree = building.of_document(component.schema, stored, default=component.defaults)

    again = building.of_post(component.schema, stored, post_of(tree), default=component.defaults)
    reading.drop_blanks(again)

    assert all(field.label for field in tree.fields)
    assert reading.read(again) == stored
