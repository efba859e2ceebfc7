"""What a person wrote into a configuration, against what its component takes.

A configuration is the document `{"parameters": {…}, "storage": {…}, "processors": {…}, …}`; an orchestrator's is
`{"phases": […], "tasks": […]}` and has no parameters.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from jsonschema.exceptions import ValidationError, best_match

from orchestrations import mappings
from orchestrations.components.declarations import Component
from orchestrations.components.sentences import path_text, sentence
from orchestrations.lib import json_api, secrets

Document = dict[str, Any]

# Clients written in PHP send an empty object as an empty list.
_OBJECTS = ("parameters", "storage", "processors", "authorization", "runtime", "variables")
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")


class InvalidParameters(ValueError):
    """A configuration that its component does not take: `parameters.command: expected a list of words`."""

    def __init__(self, field_path: str, message: str) -> None:
        super().__init__(field_path, message)
        self.field_path = field_path
        self.message = message

    def __str__(self) -> str:
        return f"{self.field_path}: {self.message}" if self.field_path else self.message


def validate(component: Component, configuration: Mapping[str, Any]) -> None:
    """Raises InvalidParameters with the one error that tells most. Defaults of the component count as given."""
    if not isinstance(configuration, Mapping):
        raise InvalidParameters("", "expected an object")
    _check_size(configuration)
    document = with_defaults(component, configuration)
    for name in _OBJECTS:
        if not isinstance(document.get(name, {}), dict):
            raise InvalidParameters(name, "expected an object")
    root: list[str | int] = [] if component.is_orchestrator else ["parameters"]
    try:
        error = best_match(_errors(component, document if component.is_orchestrator else document["parameters"]))
    except RecursionError:
        raise InvalidParameters(path_text(root), "cannot be checked: the component's schema refers to itself") from None
    if error is not None:
        path, text = sentence(error)
        raise InvalidParameters(path_text([*root, *path]), text)
    if not component.is_orchestrator:
        _check_mapping(document)


def _check_mapping(document: Document) -> None:
    try:
        mappings.parse(document)
    except mappings.InvalidMapping as problem:
        raise InvalidParameters(problem.field_path, problem.message) from problem


def problems(component: Component, configuration: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Everything that is wrong by the component's schema, each with the path of its field: for forms."""
    document = with_defaults(component, configuration)
    root = () if component.is_orchestrator else ("parameters",)
    found: dict[tuple[str | int, ...], str] = {}
    try:
        for error in _errors(component, document if component.is_orchestrator else document["parameters"]):
            for path, text in _sentences(error):
                found.setdefault((*root, *path), text)
    except RecursionError:
        found[root] = "cannot be checked: the component's schema refers to itself"
    return list(found.items())


def with_defaults(component: Component, configuration: Mapping[str, Any]) -> Document:
    """A copy in which what the configuration leaves out is as the component declares it."""
    document = {key: {} if value == [] and key in _OBJECTS else value for key, value in configuration.items()}
    if component.is_orchestrator:
        return _completed(document, component.defaults)
    given = document.get("parameters", {})
    parameters = _completed(given, component.defaults) if isinstance(given, dict) else given
    return {**document, "parameters": parameters}


def substitute(value: Any, variables: Mapping[str, str]) -> Any:
    """A copy of `value` with every `{{ name }}` in its texts replaced. Raises InvalidParameters for an unknown name."""
    return _substituted(value, variables, [])


def variables_of(request: Mapping[str, Any]) -> dict[str, str]:
    """What a run request gives for ``substitute``: its variableValuesData. Raises InvalidParameters."""
    given = request.get("variableValuesData") or {}
    values = given.get("values") or [] if isinstance(given, Mapping) else None
    if not isinstance(values, list):
        raise InvalidParameters("variableValuesData", "expected an object with a list of values")
    for place, value in enumerate(values):
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or "value" not in value:
            raise InvalidParameters(f"variableValuesData.values[{place}]", "expected an object with name and value")
    return {value["name"]: str(value["value"]) for value in values}


def _errors(component: Component, instance: Any) -> Iterator[ValidationError]:
    # What an encrypted secret holds cannot be looked at, so no rule about its text can be checked.
    for error in component.validator().iter_errors(instance):
        if not secrets.is_encrypted(error.instance):
            yield error


def _sentences(error: ValidationError) -> Iterator[tuple[Sequence[str | int], str]]:
    """One for each missing field: the error itself names only the first."""
    path, text = sentence(error)
    if error.validator != "required":
        yield path, text
        return
    present: Any = error.instance
    required: Any = error.validator_value
    for name in required:
        if name not in present:
            yield [*path[:-1], name], text


def _check_size(configuration: Mapping[str, Any]) -> None:
    try:
        json_api.check(configuration)
    except json_api.InvalidJson as error:
        raise InvalidParameters("", str(error)) from error
    size = len(json.dumps(configuration, ensure_ascii=False).encode())
    if size > settings.PARAMETERS_LIMIT_BYTES:
        limit = settings.PARAMETERS_LIMIT_BYTES
        raise InvalidParameters("", f"The configuration is {size} bytes long; the limit is {limit} bytes.")


def _completed(given: Document, defaults: Mapping[str, Any]) -> Document:
    document = {**defaults, **given}
    for key, default in defaults.items():
        if isinstance(default, dict) and isinstance(document[key], dict):
            document[key] = _completed(document[key], default)
    return document


def _substituted(value: Any, variables: Mapping[str, str], path: list[str | int]) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(_replacement(variables, path), value)
    if isinstance(value, dict):
        return {key: _substituted(member, variables, [*path, key]) for key, member in value.items()}
    if isinstance(value, list):
        return [_substituted(member, variables, [*path, index]) for index, member in enumerate(value)]
    return value


def _replacement(variables: Mapping[str, str], path: list[str | int]) -> Callable[[re.Match[str]], str]:
    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name not in variables:
            known = ", ".join(sorted(variables)) or "none"
            raise InvalidParameters(path_text(path), f'there is no variable "{name}"; given: {known}')
        return variables[name]

    return replacement
