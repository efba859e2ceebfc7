"""One component as its folder declares it: reads and checks a `component.json`."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import referencing.exceptions
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from orchestrations.components.sentences import path_text, sentence
from orchestrations.lib import json_api

FILE_NAME = "component.json"
FILE_LIMIT_BYTES = 1_000_000


class ComponentKind(StrEnum):
    EXTRACTOR = "extractor"
    TRANSFORMATION = "transformation"
    WRITER = "writer"
    APPLICATION = "application"
    ORCHESTRATOR = "orchestrator"

    @property
    def plural(self) -> str:
        """The heading over components of this kind."""
        return f"{self.value.capitalize()}s"


class TableFormat(StrEnum):
    """How tables lie in the data folder of a job."""

    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, kw_only=True, eq=False)
class Component:
    """A program that jobs can run, and what the page and the engine must know about it."""

    id: str
    name: str
    kind: ComponentKind
    description: str
    icon: str
    command: tuple[str, ...] | None
    takes_process_from_parameters: bool
    """Words, environment, working directory and time limit of the process are the configuration's own parameters."""
    schema: dict[str, Any]
    """JSON Schema of `parameters`; of the whole configuration for an orchestrator."""
    defaults: dict[str, Any]
    template: dict[str, Any]
    """Parameters that the form of a new configuration begins with; nothing counts that was not saved."""
    safe_to_run_again: bool
    label: str
    """Only workers with this label run it; "" is any worker."""
    forwards_token: bool
    table_format: TableFormat
    takes_input_tables: bool
    gives_output_tables: bool
    """Whether a form offers a mapping; what a configuration declares counts all the same."""
    has_default_bucket: bool
    """Output without a destination goes into a bucket named after the configuration."""
    is_hidden: bool
    """Not in the catalogue that people choose from."""
    actions: tuple[str, ...]
    """What the program does besides `run`, such as `testConnection`: ends at once with a sentence, moves no table."""
    time_limit_seconds: float | None
    memory_limit_bytes: int | None
    documentation_url: str
    folder: Path
    builtin: bool

    @property
    def is_orchestrator(self) -> bool:
        return self.kind is ComponentKind.ORCHESTRATOR

    def validator(self) -> Draft202012Validator:
        # An explicit registry: the default one fetches unknown references over the network.
        return Draft202012Validator(self.schema, registry=Registry())


class InvalidDeclaration(Exception):
    """A component.json that cannot be used; the text names the file and the field."""


_READERS = {ComponentKind.TRANSFORMATION, ComponentKind.WRITER, ComponentKind.APPLICATION}
_GIVERS = {ComponentKind.EXTRACTOR, ComponentKind.TRANSFORMATION, ComponentKind.APPLICATION}
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
DECLARATION_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "name", "kind"],
    "additionalProperties": False,
    "properties": {
        "$schema": _TEXT,
        "id": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"},
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "kind": {"enum": [kind.value for kind in ComponentKind]},
        "description": _TEXT,
        "icon": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "command": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        "takes_process_from_parameters": _FLAG,
        "schema": {"type": "object"},
        "defaults": {"type": "object"},
        "template": {"type": "object"},
        "safe_to_run_again": _FLAG,
        "label": {"type": "string", "pattern": "^[A-Za-z0-9._-]{0,50}$"},
        "forwards_token": _FLAG,
        "table_format": {"enum": [table_format.value for table_format in TableFormat]},
        "takes_input_tables": _FLAG,
        "gives_output_tables": _FLAG,
        "has_default_bucket": _FLAG,
        "is_hidden": _FLAG,
        "actions": {
            "type": "array",
            "uniqueItems": True,
            "items": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,50}$"},
        },
        "time_limit_seconds": {"type": "number", "exclusiveMinimum": 0},
        "memory_limit_bytes": {"type": "integer", "minimum": 1},
        "documentation_url": {"type": "string", "pattern": "^(https?://.+)?$"},
    },
}
_declaration_validator = Draft202012Validator(DECLARATION_SCHEMA, registry=Registry())


def read(folder: Path, *, builtin: bool = False) -> Component:
    """The component that `folder` declares. Raises InvalidDeclaration."""
    file = folder / FILE_NAME
    try:
        if file.stat().st_size > FILE_LIMIT_BYTES:
            raise InvalidDeclaration(f"{file}: larger than {FILE_LIMIT_BYTES} bytes.")
        document = json_api.parse_object(file.read_bytes())
    except OSError as error:
        raise InvalidDeclaration(f"{file}: cannot be read: {error.strerror or error}.") from error
    except json_api.InvalidJson as error:
        raise InvalidDeclaration(f"{file}: {error}") from error
    problem = next(_problems(document), None)
    if problem is not None:
        raise InvalidDeclaration(f"{file}: {problem}")
    return _component(document, folder, builtin)


def _component(document: Mapping[str, Any], folder: Path, builtin: bool) -> Component:
    kind = ComponentKind(document["kind"])
    command = document.get("command")
    return Component(
        id=document["id"],
        name=document["name"],
        kind=kind,
        description=document.get("description", ""),
        icon=document.get("icon", f"k-{kind.value}"),
        command=tuple(_word(word, folder) for word in command) if command else None,
        takes_process_from_parameters=document.get("takes_process_from_parameters", False),
        schema=document.get("schema", {}),
        defaults=document.get("defaults", {}),
        template=document.get("template", {}),
        safe_to_run_again=document.get("safe_to_run_again", False),
        label=document.get("label", ""),
        forwards_token=document.get("forwards_token", False),
        table_format=TableFormat(document.get("table_format", TableFormat.CSV)),
        takes_input_tables=document.get("takes_input_tables", kind in _READERS),
        gives_output_tables=document.get("gives_output_tables", kind in _GIVERS),
        has_default_bucket=document.get("has_default_bucket", kind is ComponentKind.EXTRACTOR),
        is_hidden=document.get("is_hidden", False),
        actions=tuple(document.get("actions", ())),
        time_limit_seconds=document.get("time_limit_seconds"),
        memory_limit_bytes=document.get("memory_limit_bytes"),
        documentation_url=document.get("documentation_url", ""),
        folder=folder,
        builtin=builtin,
    )


def _word(word: str, folder: Path) -> str:
    return word.replace("{python}", sys.executable).replace("{folder}", str(folder))


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    error = best_match(_declaration_validator.iter_errors(document))
    if error is not None:
        path, text = sentence(error)
        yield f"{path_text(path)}: {text}." if path else f"{text}."
        return
    yield from _process_problems(document)
    yield from _schema_problems(document.get("schema", {}))


def _process_problems(document: Mapping[str, Any]) -> Iterator[str]:
    if document["kind"] == ComponentKind.ORCHESTRATOR:
        if "command" in document or document.get("takes_process_from_parameters"):
            yield "command: an orchestrator has no process of its own."
    elif ("command" in document) == document.get("takes_process_from_parameters", False):
        yield 'command: exactly one of "command" and "takes_process_from_parameters" is needed.'


def _schema_problems(schema: dict[str, Any]) -> Iterator[str]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path, text = sentence(error)
        yield f"{path_text(['schema', *path])}: not a JSON Schema (draft 2020-12): {text}."
        return
    root = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for reference in _references(schema):
        try:
            if not reference.startswith("#"):
                raise referencing.exceptions.Unresolvable(reference)
            root.lookup(reference)
        except referencing.exceptions.Unresolvable:
            yield f'schema: the reference "{reference}" leads nowhere; references must stay inside the schema.'
            return


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(member, str):
                yield member
            else:
                yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)
