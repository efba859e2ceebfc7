"""Which field a schema is drawn as, what comes back of it, and the buttons of lists."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrations.forms import building, moving, reading
from orchestrations.forms.fields import ABSENT, ITEMS, KEY, Field, find
from orchestrations.forms.schemas import MOST_ITEMS, Kind, title_of

LIST = {"type": "array", "items": {"type": "string"}}
LINES = {**LIST, "format": "lines"}
MAP = {"type": "object", "additionalProperties": {"type": "string"}}
NODE = {"$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"}


@pytest.mark.parametrize(
    ("schema", "stored", "kind"),
    [
        ({"type": "string"}, ABSENT, Kind.TEXT),
        ({"type": "string"}, "two\nlines", Kind.LONG),
        ({"type": "string", "format": "textarea"}, ABSENT, Kind.LONG),
        ({"type": "string", "format": "sql"}, ABSENT, Kind.CODE),
        ({"type": "string", "contentMediaType": "text/x-python"}, ABSENT, Kind.CODE),
        ({"type": "string"}, 7, Kind.JSON),
        ({"type": ["string", "null"]}, None, Kind.TEXT),
        ({"type": "string"}, None, Kind.JSON),
        ({"type": ["string", "integer"]}, ABSENT, Kind.JSON),
        ({"type": "number"}, 1.5, Kind.NUMBER),
        ({"type": "integer"}, True, Kind.JSON),
        ({"type": "boolean"}, ABSENT, Kind.CHECKBOX),
        ({"enum": ["a", 1, None]}, 1, Kind.SELECT),
        ({"enum": ["a"]}, "gone", Kind.JSON),
        ({"const": "a"}, ABSENT, Kind.SELECT),
        (LIST, ["a"], Kind.LIST),
        (LIST, ["a"] * (MOST_ITEMS + 1), Kind.JSON),
        ({"type": "array"}, ABSENT, Kind.JSON),
        ({"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b"]}}, ["b"], Kind.CHOICES),
        (LINES, ["a", "b c", ""], Kind.LINES),
        (LINES, ["a\nb"], Kind.JSON),
        (LINES, [1], Kind.JSON),
        (MAP, {"a": "b"}, Kind.MAP),
        ({"type": "object"}, {"a": 1}, Kind.JSON),
        ({"type": "object", "properties": {"a": {}}}, ABSENT, Kind.OBJECT),
        ({"oneOf": [{"type": "string"}]}, ABSENT, Kind.JSON),
        ({}, ABSENT, Kind.JSON),
    ],
)
def test_a_schema_is_drawn_as(schema: dict[str, Any], stored: Any, kind: Kind) -> None:
    assert building.of_document(schema, stored).kind is kind


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = building.of_document(NODE, {"next": {"next": {"next": {}}}})

    kinds = [field.kind for field in tree.walk()]

    assert kinds == [Kind.OBJECT, Kind.JSON]


@pytest.mark.parametrize(
    ("key", "title"), [("#api_key", "Api key"), ("baseUrl", "Base Url"), ("a-b", "A b"), ("#", "#")]
)
def test_a_name_without_a_title_is_made_readable(key: str, title: str) -> None:
    assert title_of({}, key) == title


@pytest.mark.parametrize(
    ("schema", "stored", "typed", "value"),
    [
        ({"type": "string"}, "old", "new", "new"),
        ({"type": "string"}, "old", "", ABSENT),
        ({"type": "number"}, 1, "2.50", 2.5),
        ({"type": "integer"}, ABSENT, "007", 7),
        ({"type": "integer"}, 7, "", ABSENT),
        ({"type": "boolean"}, ABSENT, "true", True),
        ({"enum": ["a", 1]}, "a", "1", 1),
        ({"enum": ["a", 1]}, "a", "", ABSENT),
        ({}, {"a": 1}, '{"a": [2]}', {"a": [2]}),
        ({}, {"#a": "tutti:v1:x"}, '{"#a": "*****", "b": 1}', {"#a": "tutti:v1:x", "b": 1}),
    ],
)
def test_what_is_typed_becomes(schema: dict[str, Any], stored: Any, typed: str, value: Any) -> None:
    tree = building.of_post(schema, stored, {"p": [typed]})

    assert reading.read(tree) == value
    assert not reading.has_errors(tree)


@pytest.mark.parametrize(
    ("schema", "typed", "error"),
    [
        ({"type": "number"}, "1,5", "Expected a number."),
        ({"type": "number"}, "1e999", "The number is too large."),
        ({"type": "number"}, "NaN", "Expected a number."),
        ({"type": "integer"}, "9" * 5000, "Expected a whole number."),
        ({"enum": ["a"]}, '"b"', "Choose one of the values that are offered."),
        ({}, "{\n,", "Invalid JSON in line 2, column 1"),
    ],
)
def test_what_cannot_be_read_is_said_and_kept(schema: dict[str, Any], typed: str, error: str) -> None:
    tree = building.of_post(schema, ABSENT, {"p": [typed]})

    reading.read(tree)

    assert tree.error.startswith(error)
    assert tree.text == typed


def test_items_keep_what_was_stored_when_they_are_moved() -> None:
    tree = building.of_document(LIST, ["a", "b\r\n", "c"])

    moving.act(tree, "up:p/1", LIST)
    moving.act(tree, "remove:p/2", LIST)
    moving.act(tree, "add:p", LIST)

    assert tree.items_text == "1,0,"
    assert [item.name for item in tree.fields] == ["p/0", "p/1", "p/2"]
    assert [item.path for item in tree.fields] == [(0,), (1,), (2,)]
    assert [item.label for item in tree.fields] == ["Parameters 1", "Parameters 2", "Parameters 3"]
    assert tree.fields[2].has_focus
    reading.drop_blanks(tree)
    assert reading.read(tree) == ["b\r\n", "a"]


@pytest.mark.parametrize("action", ["up:p/0", "down:p/1", "remove:p/9", "add:p/0", "add:nothing", "up:p"])
def test_a_button_that_makes_no_sense_changes_nothing(action: str) -> None:
    tree = building.of_document(LIST, ["a", "b"])

    moving.act(tree, action, LIST)

    assert reading.read(tree) == ["a", "b"]


def test_two_rows_of_one_name_are_refused() -> None:
    tree = building.of_post(
        MAP, ABSENT, {"p" + ITEMS: [","], "p/0" + KEY: ["A"], "p/0": ["1"], "p/1" + KEY: ["A"], "p/1": ["2"]}
    )

    reading.read(tree)

    assert find_error(tree) == "A stands here twice."


def test_a_value_without_a_name_is_refused_and_an_empty_row_is_dropped() -> None:
    tree = building.of_post(MAP, ABSENT, {"p" + ITEMS: [","], "p/0": ["value"]})

    reading.drop_blanks(tree)
    reading.read(tree)

    assert len(tree.fields) == 1
    assert find_error(tree) == "Give it a name, or remove this entry."


def test_problems_are_placed_by_their_path_and_others_are_returned() -> None:
    schema = {"type": "object", "properties": {"a": LIST, "env": MAP}}
    tree = building.of_document(schema, {"a": ["x", "y"], "env": {"b.c": "d"}}, path=("parameters",))

    left = reading.place_errors(
        tree,
        [
            (("parameters", "a", 1), "must not be empty"),
            (("parameters", "env", "b.c"), "expected a text"),
            (("parameters", "zzz"), "is not known here"),
        ],
    )

    assert field_of(tree, "p/a/1").error == "It must not be empty."
    assert field_of(tree, "p/env/0").error == "Expected a text."
    assert left == ["parameters.zzz: is not known here."]


@pytest.mark.parametrize("places", ["99", "-1", "x", "1" * 400, "0," * 100_000])
def test_places_that_nobody_drew_do_no_harm(places: str) -> None:
    tree = building.of_post(LIST, ["a"], {"p" + ITEMS: [places]})

    reading.drop_blanks(tree)
    value = reading.read(tree)

    assert set(value) <= {"a"}


@pytest.mark.parametrize(
    ("inside", "count"),
    [
        ({"type": "string"}, 1),
        ({"type": "boolean"}, 0),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, 1),
    ],
)
def test_where_an_item_is_needed_an_empty_one_is_offered(inside: dict[str, Any], count: int) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "items": inside}}}

    offered = building.of_document(schema, ABSENT).fields[0].fields
    beside_nothing = building.of_document(schema, {"a": []}).fields[0].fields

    assert (len(offered), len(beside_nothing)) == (count, 0)


def test_an_optional_object_that_stays_empty_is_left_out() -> None:
    inner = {"type": "object", "required": ["on"], "properties": {"on": {"type": "boolean"}, "n": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"inner": inner}}

    nothing = reading.read(building.of_post(schema, {}, {"p/inner/n": [""], "p/inner/on:box": ["1"]}))
    something = reading.read(building.of_post(schema, {}, {"p/inner/n": ["1"], "p/inner/on:box": ["1"]}))

    assert nothing == {}
    assert something == {"inner": {"on": False, "n": 1}}


def find_error(tree: Field) -> str:
    return next(each.error for each in tree.walk() if each.error)


def field_of(tree: Field, name: str) -> Field:
    found = find(tree, name)
    assert found is not None
    return found
