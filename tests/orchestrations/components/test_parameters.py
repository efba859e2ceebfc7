"""A configuration is refused with a sentence that names the field and repeats no value."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from orchestrations.components import catalogue, declarations, parameters
from orchestrations.components.catalogue import Component
from orchestrations.components.parameters import InvalidParameters
from orchestrations.lib import secrets

KEY = "k" * 40


def a_component(folder: Path, schema: dict[str, Any], defaults: dict[str, Any] | None = None) -> Component:
    declaration = {"id": "a", "name": "A", "kind": "writer", "command": ["a"], "schema": schema}
    (folder / "component.json").write_text(json.dumps({**declaration, "defaults": defaults or {}}), encoding="utf-8")
    return declarations.read(folder)


def refusal(component: Component, configuration: dict[str, Any]) -> str:
    with pytest.raises(InvalidParameters) as caught:
        parameters.validate(component, configuration)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "parameters.command: is required"),
        ({"command": "ls -l"}, "parameters.command: expected a list of words"),
        ({"command": []}, "parameters.command: must not be empty"),
        ({"command": [""]}, "parameters.command[0]: must not be empty"),
        ({"command": ["ls", 5]}, "parameters.command[1]: expected a text"),
        ({"command": ["ls"], "environment": {"A": 1}}, "parameters.environment.A: expected a text"),
        ({"command": ["ls"], "environment": {"A=B": "1"}}, "parameters.environment.A=B: is not an allowed name"),
        ({"command": ["ls"], "timeout_seconds": 0}, "parameters.timeout_seconds: must be more than 0"),
        ({"command": ["ls"], "timeout_seconds": "5"}, "parameters.timeout_seconds: expected a number"),
        (
            {"command": ["ls"], "timeuot": 5},
            "parameters.timeuot: is not known here; known fields: command, ",
        ),
    ],
)
def test_parameters_of_a_command_are_checked(given: dict[str, Any], sentence: str) -> None:
    assert refusal(catalogue.get("command"), {"parameters": given}).startswith(sentence)


@pytest.mark.parametrize(
    "given",
    [
        {"command": ["true"]},
        {"command": ["env"], "environment": {"A": "1", "#B": "s"}, "working_directory": "/", "timeout_seconds": 0.5},
    ],
)
def test_good_parameters_of_a_command_pass(given: dict[str, Any]) -> None:
    parameters.validate(catalogue.get("command"), {"parameters": given, "storage": [], "processors": {}})


def test_code_is_needed_for_a_python_transformation() -> None:
    component = catalogue.get("python-transformation")

    assert refusal(component, {"parameters": {"code": ""}}) == "parameters.code: must not be empty"
    assert refusal(component, {}) == "parameters.code: must not be empty"
    assert refusal(component, {"parameters": {"code": "x", "packages": "a"}}).endswith("expected a list of words")


def test_an_orchestrator_is_checked_as_a_whole_document() -> None:
    component = catalogue.get(catalogue.ORCHESTRATOR)

    parameters.validate(component, {"phases": [{"id": 1}], "tasks": []})

    assert refusal(component, {"phases": {}}) == "phases: expected a list of objects"


def test_a_sentence_never_repeats_the_value(tmp_path: Path) -> None:
    schema = {"properties": {"#password": {"type": "string", "minLength": 20, "pattern": "^[a-z]+$"}}}

    sentence = refusal(a_component(tmp_path, schema), {"parameters": {"#password": "hunter2"}})

    assert sentence.startswith("parameters.#password: ")
    assert "hunter2" not in sentence


def test_a_secret_may_be_encrypted_already_whatever_the_schema_says_about_its_text(tmp_path: Path) -> None:
    schema = {"required": ["#pin"], "properties": {"#pin": {"type": "integer", "minimum": 1000}}}
    component = a_component(tmp_path, schema)
    encrypted = secrets.encrypt_document({"parameters": {"#pin": 4321}}, "1", KEY)

    parameters.validate(component, encrypted)
    parameters.validate(component, {"parameters": {"#pin": 4321}})

    assert refusal(component, {"parameters": {}}) == "parameters.#pin: is required"
    assert refusal(component, {"parameters": {"#pin": "4321"}}) == "parameters.#pin: expected a whole number"


def test_defaults_count_as_given_and_are_completed_at_every_level(tmp_path: Path) -> None:
    component = a_component(
        tmp_path, {"required": ["mode", "retry"]}, {"mode": "full", "retry": {"times": 3, "wait": 1}}
    )
    configuration = {"parameters": {"retry": {"wait": 9}}, "storage": {}}

    completed = parameters.with_defaults(component, configuration)

    parameters.validate(component, configuration)
    assert completed == {"parameters": {"mode": "full", "retry": {"times": 3, "wait": 9}}, "storage": {}}
    assert configuration == {"parameters": {"retry": {"wait": 9}}, "storage": {}}


@pytest.mark.parametrize("name", ["parameters", "storage", "processors"])
def test_the_parts_of_a_configuration_are_objects(name: str) -> None:
    configuration = {"parameters": {"command": ["true"]}, name: ["x"]}

    assert refusal(catalogue.get("command"), configuration) == f"{name}: expected an object"


def test_a_configuration_has_a_size_limit(settings: Settings) -> None:
    settings.PARAMETERS_LIMIT_BYTES = 1000

    sentence = refusal(catalogue.get("command"), {"parameters": {"command": ["x" * 1000]}})

    assert sentence == "The configuration is 1033 bytes long; the limit is 1000 bytes."


def test_what_a_database_would_refuse_is_refused_by_its_field() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    command = catalogue.get("command")

    assert refusal(command, {"parameters": {"command": ["a\0b"]}}).startswith("parameters.command[0]: the NUL ")
    assert refusal(command, {"parameters": {"timeout_seconds": float("nan")}}).startswith("parameters.timeout_seconds:")
    assert refusal(command, {"parameters": {"command": deep}}) == "The JSON is nested more than 64 levels deep."


def test_a_schema_that_refers_to_itself_for_ever_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    component = a_component(tmp_path, {"$ref": "#"})

    assert "refers to itself" in refusal(component, {"parameters": {}})


def test_a_form_is_told_everything_that_is_wrong_with_the_path_of_each(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "required": ["host", "port"],
        "properties": {"tables": {"type": "array", "items": {"required": ["name"]}}, "port": {"type": "integer"}},
    }
    component = a_component(tmp_path, schema, defaults={"port": 1})

    found = parameters.problems(component, {"parameters": {"tables": [{"name": "a"}, {}], "port": "x"}})

    assert sorted(found, key=str) == [
        (("parameters", "host"), "is required"),
        (("parameters", "port"), "expected a whole number"),
        (("parameters", "tables", 1, "name"), "is required"),
    ]


def test_placeholders_are_replaced_in_every_text_and_nowhere_else() -> None:
    value = {"a": ["{{ day }}/{{day}}", 5, None], "{{ day }}": {"b": "{ {day} } {{}}"}}

    replaced = parameters.substitute(value, {"day": "2026-11-23"})

    assert replaced == {"a": ["2026-11-23/2026-11-23", 5, None], "{{ day }}": {"b": "{ {day} } {{}}"}}


def test_an_unknown_placeholder_is_named_with_its_field() -> None:
    with pytest.raises(InvalidParameters) as caught:
        parameters.substitute({"parameters": {"command": ["x", "{{ dya }}"]}}, {"day": "1", "city": "Brno"})

    assert str(caught.value) == 'parameters.command[1]: there is no variable "dya"; given: city, day'


def test_a_value_is_inserted_as_it_is_and_not_read_for_placeholders_again() -> None:
    assert parameters.substitute("{{ a }}", {"a": r"{{ b }}\1", "b": "no"}) == r"{{ b }}\1"
