"""Orchestrations as files: out of one project and into another, without secrets.

A file is ``{"format", "formatVersion", "name", "description", "configuration", "configurations"}``: the document in the
API's format, and the configurations that its tasks use, those of nested orchestrations first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from orchestrations import editing, plans
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR, UnknownComponent
from orchestrations.editing import Content, InvalidConfiguration
from orchestrations.lib.secrets import blank_document
from orchestrations.models import Configuration, Project
from orchestrations.nesting import NESTING_LEVELS

FORMAT = "tutti.orchestration"
FORMAT_VERSION = 1
MOST_NAMED = 5

Json = dict[str, Any]
Ref = tuple[str, str]
"""Component and key of a configuration."""


class InvalidImport(ValueError):
    """What was given cannot be imported and nothing was; the message names the place and is for the user."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A configuration that the file brings along; ``path`` is where it stands there."""

    path: str
    ref: Ref
    name: str
    description: str
    document: Json
    secrets: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that was read and makes sense as far as it can be seen without the project."""

    name: str
    description: str
    document: Json
    secrets: list[str]
    configurations: list[Carried]


@dataclass(frozen=True, kw_only=True)
class Imported:
    orchestration: Configuration
    created: list[str]
    """Names of the configurations that are new here."""
    secrets: list[str]
    """What has to be entered again, as "Orders: parameters.#token"."""


def export(orchestration: Configuration) -> Json:
    """The newest version as a file."""
    document = Configuration.objects.values_list("document", flat=True).get(pk=orchestration.pk)
    carried: dict[Ref, Json] = {}
    _carry(orchestration.project_id, document, carried, NESTING_LEVELS)
    content, secrets = blank_document(document)
    return {
        "format": FORMAT,
        "formatVersion": FORMAT_VERSION,
        "name": orchestration.name,
        "description": orchestration.description,
        "configuration": content,
        "secrets": secrets,
        "configurations": list(carried.values()),
    }


def read(value: Json) -> File:
    """A file as ``export`` writes it, or a bare document with phases and tasks. Raises InvalidImport."""
    if value.get("format", FORMAT) != FORMAT:
        raise InvalidImport(f"format: expected {FORMAT!r}.")
    if value.get("formatVersion", FORMAT_VERSION) != FORMAT_VERSION:
        raise InvalidImport(f"formatVersion: this installation reads version {FORMAT_VERSION}.")
    is_bare = "configuration" not in value and ("phases" in value or "tasks" in value)
    document = value if is_bare else _object(value, "configuration", "")
    _check_plan(document, "" if is_bare else "configuration.")
    raw = [] if is_bare else value.get("configurations") or []
    if not isinstance(raw, list):
        raise InvalidImport("configurations: expected a list.")
    return File(
        name="" if is_bare else _text(value, "name", ""),
        description="" if is_bare else _text(value, "description", ""),
        document=document,
        secrets=[] if is_bare else _texts(value.get("secrets")),
        configurations=[_carried(each, f"configurations[{place}]") for place, each in enumerate(raw)],
    )


def import_file(project: Project, file: File, *, name: str, actor: Actor, now: datetime) -> Imported:
    """A new orchestration with what its tasks need: a configuration that is here already (same component, id and name)
    is used as it is, else it is created. All or nothing. Raises Denied, InvalidImport."""
    with transaction.atomic():
        editing.lock_project(project.pk)
        importing = _Importing(project, file, actor, now)
        for each in file.configurations:
            importing.add(each)
        content = Content(
            name=name or file.name, description=file.description, document=importing.rewritten(file.document)
        )
        created = importing.create(ORCHESTRATOR, content, "")
    secrets = [f"{name or file.name}: {path}" for path in file.secrets]
    return Imported(orchestration=created, created=importing.created, secrets=secrets + importing.secrets)


# --- Importing ---------------------------------------------------------------------------------


class _Importing:
    def __init__(self, project: Project, file: File, actor: Actor, now: datetime) -> None:
        self.project, self.actor, self.now = project, actor, now
        self.created: list[str] = []
        self.secrets: list[str] = []
        self.keys: dict[Ref, str] = {}  # what the file calls it -> what it is called here
        refs = {*_refs(file.document), *(ref for each in file.configurations for ref in _refs_of(each))}
        refs |= {each.ref for each in file.configurations}
        rows = Configuration.objects.in_project(project).live().filter(key__in={key for _, key in refs})
        self.here: dict[Ref, str] = {
            (component_id, key): name for component_id, key, name in rows.values_list("component_id", "key", "name")
        }

    def add(self, each: Carried) -> None:
        if self.here.get(each.ref) == each.name:
            self.keys[each.ref] = each.ref[1]
            return
        document = self.rewritten(each.document) if each.ref[0] == ORCHESTRATOR else each.document
        content = Content(name=each.name, description=each.description, document=document)
        self.keys[each.ref] = self.create(each.ref[0], content, each.path).key
        self.created.append(each.name)
        self.secrets += [f"{each.name}: {path}" for path in each.secrets]

    def create(self, component_id: str, content: Content, path: str) -> Configuration:
        try:
            return editing.create(
                self.project, component_id, content, actor=self.actor, now=self.now, change_description="Import"
            )
        except (InvalidConfiguration, UnknownComponent) as error:
            raise InvalidImport(f"{path}: {error}" if path else str(error)) from error

    def rewritten(self, document: Json) -> Json:
        """With the keys that the configurations have here. Raises InvalidImport naming the tasks that have none."""
        missing: list[str] = []
        tasks = []
        for raw in document.get("tasks") or []:
            ref = _ref(raw)
            if ref is None or ref in self.keys or ref in self.here:
                tasks.append(_with_key(raw, self.keys[ref]) if ref in self.keys else raw)
            else:
                missing.append(f"{str(raw.get('name') or raw.get('id'))!r} ({ref[0]} {ref[1]})")
        if missing:
            raise InvalidImport(_missing_sentence(missing))
        return {**document, "tasks": tasks}


def _missing_sentence(missing: list[str]) -> str:
    named = ", ".join(missing[:MOST_NAMED])
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    verb = "runs a configuration that is" if len(missing) == 1 else "run configurations that are"
    noun = "Task" if len(missing) == 1 else "Tasks"
    return f"{noun} {named}{more} {verb} neither in this project nor in the file."


def _with_key(raw: Mapping[str, Any], key: str) -> Json:
    request = {name: value for name, value in raw["task"].items() if name != "configurationId"}
    return {**raw, "task": {**request, "configId": key}}


# --- Exporting ---------------------------------------------------------------------------------


def _carry(project_id: int, document: Json, carried: dict[Ref, Json], levels: int) -> None:
    """What the tasks of the document use, and before it what those use in turn."""
    refs = [ref for ref in _refs(document) if ref not in carried]
    rows = Configuration.objects.in_project(project_id).live().filter(key__in={key for _, key in refs})
    found = {(row.component_id, row.key): row for row in rows.defer("state")}
    for ref in refs:
        row = found.get(ref)
        if row is None or ref in carried:
            continue
        if row.component_id == ORCHESTRATOR and levels:
            _carry(project_id, row.document, carried, levels - 1)
        content, secrets = blank_document(row.document)
        carried[ref] = {
            "componentId": row.component_id,
            "id": row.key,
            "name": row.name,
            "description": row.description,
            "configuration": content,
            "secrets": secrets,
        }


# --- Reading -----------------------------------------------------------------------------------


def _carried(raw: Any, path: str) -> Carried:
    if not isinstance(raw, Mapping):
        raise InvalidImport(f"{path}: expected an object.")
    value = dict(raw)
    document = _object(value, "configuration", f"{path}.")
    component_id, key = (_text(value, name, f"{path}.") for name in ("componentId", "id"))
    for name, text in (("componentId", component_id), ("id", key)):
        if not text:
            raise InvalidImport(f"{path}.{name}: is missing.")
    if component_id == ORCHESTRATOR:
        _check_plan(document, f"{path}.configuration.")
    return Carried(
        path=path,
        ref=(component_id, key),
        name=_text(value, "name", f"{path}."),
        description=_text(value, "description", f"{path}."),
        document=document,
        secrets=_texts(value.get("secrets")),
    )


def _check_plan(document: Json, prefix: str) -> None:
    try:
        plans.parse(document)
    except plans.InvalidPlan as error:
        raise InvalidImport(f"{prefix}{error}") from error


def _object(value: Json, name: str, prefix: str) -> Json:
    found = value.get(name)
    if not isinstance(found, dict):
        raise InvalidImport(f"{prefix}{name}: expected an object{'' if name in value else ', but it is missing'}.")
    return found


def _text(value: Json, name: str, prefix: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise InvalidImport(f"{prefix}{name}: expected a text.")
    return found


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _refs_of(each: Carried) -> Iterable[Ref]:
    return _refs(each.document) if each.ref[0] == ORCHESTRATOR else ()


def _refs(document: Json) -> list[Ref]:
    return list(dict.fromkeys(ref for raw in document.get("tasks") or [] if (ref := _ref(raw)) is not None))


def _ref(raw: Mapping[str, Any]) -> Ref | None:
    """None for a task that brings its own parameters and runs no stored configuration."""
    request = raw["task"]
    key = request.get("configId", request.get("configurationId"))
    return None if key in (None, "") else (str(request["componentId"]), str(key))
