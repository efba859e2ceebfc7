"""What the world of the page tests has not: runs of every fate, fields of every kind, two versions to compare."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import NOW
from tests.pages.rows import build_child, build_job
from tests.pages.world import World

TABLE = {
    "title": "Table",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "query": {"type": "string", "format": "sql"},
        "columns": {"type": "array", "items": {"type": "string"}},
    },
}
EVERY_KIND = {
    "type": "object",
    "required": ["mode", "tables"],
    "properties": {
        "port": {"type": "integer", "default": 5432, "description": "Of the server."},
        "#password": {"type": "string"},
        "mode": {"enum": ["full", "incremental"]},
        "verify": {"type": "boolean", "default": True, "description": "Switch it off only for tests."},
        "days": {"type": "array", "uniqueItems": True, "items": {"enum": ["Mon", "Tue"]}},
        "tunnel": {"type": "object", "properties": {"host": {"type": "string"}, "#key": {"type": "string"}}},
        "tables": {"type": "array", "minItems": 1, "items": TABLE},
        "advanced": {"oneOf": [{"type": "string"}, {"type": "object"}]},
    },
}


def declare_every_kind(folder: Path) -> None:
    """A component with a field of every kind."""
    folder.mkdir(parents=True)
    declaration = {"id": "acme.db", "name": "Database", "kind": "extractor", "command": ["db"], "schema": EVERY_KIND}
    (folder / "component.json").write_text(json.dumps(declaration), encoding="utf-8")


def furnish(world: World) -> dict[str, str]:
    """More pages to look at, by what they show."""
    project = f"/projects/{world.project.pk}"
    configurations = f"{project}/configurations"
    shop = f"{configurations}/{_shop(world.project).pk}"
    builders.build_configuration(world.project, name="Long" + "x" * 200, document={})
    _switch_a_task_off(world.orchestration)
    for status in (JobStatus.SUCCESS, JobStatus.WARNING, JobStatus.TERMINATED, JobStatus.CANCELLED):
        build_child(build_job(world.orchestration, status), world.extractor, "orders", status)
    going = build_job(world.orchestration, JobStatus.PROCESSING)
    build_child(going, world.extractor, "orders", JobStatus.PROCESSING)
    return {
        "every kind of field": f"{shop}/",
        "every kind of field, as JSON": f"{shop}/?as=json",
        "a form of every kind": f"{shop}/edit/",
        "its JSON": f"{shop}/edit/?as=json",
        "a difference": f"{configurations}/{world.orchestration.pk}/versions/compare/?from=1&to=2",
        "orchestrations that do not match": f"{project}/orchestrations/?q=nothing",
        "a run on its way": f"{project}/jobs/{going.pk}/?open=orders",
        "a run that waits": f"{project}/jobs/{world.waiting_run.pk}/",
        "the job of a task": f"{project}/jobs/{world.child.pk}/",
        "jobs, badly asked for": f"{project}/jobs/?q=status%3A",
    }


def _shop(project: Project) -> Configuration:
    tables = [{"name": "orders", "columns": ["id", "total"]}, {"name": "customers"}]
    parameters = {"mode": "full", "#password": "hush", "days": ["Mon"], "tables": tables, "advanced": {"a": [1]}}
    return builders.build_configuration(
        project, component_id="acme.db", name="Shop", document={"parameters": parameters}
    )


def _switch_a_task_off(orchestration: Configuration) -> None:
    orchestration.refresh_from_db()
    first, *others = orchestration.document["tasks"]
    document = {**orchestration.document, "tasks": [{**first, "enabled": False}, *others]}
    editing.update(orchestration, Content(document=document), actor=builders.admin_of(orchestration.project), now=NOW)
