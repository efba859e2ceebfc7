"""The demo project: a small shop's data, the programs that work on it, and the orchestrations that run them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project

FOLDER = Path(__file__).resolve().parent
DATA = FOLDER / "data"


def load(project: Project, *, actor: Actor, now: datetime) -> list[Configuration]:
    """Add what the project does not have yet and return that; what somebody edited or put in the trash stays so."""
    present = set(Configuration.objects.in_project(project).values_list("component_id", "key"))
    added = []
    for component_id, definition in definitions():
        if (component_id, definition["id"]) in present:
            continue
        content = Content(
            name=definition["name"], description=definition["description"], document=definition["configuration"]
        )
        added.append(editing.create(project, component_id, content, actor=actor, now=now, key=definition["id"]))
    return added


def definitions() -> list[tuple[str, dict[str, Any]]]:
    """(component, definition in the API's words) in an order in which each may be created.

    None holds a path of this machine: jobs are told where the data lies (``@demo``, TUTTI_DEMO_DATA).
    """
    demo = json.loads((FOLDER / "demo.json").read_text(encoding="utf-8"))
    configurations = [(each["componentId"], _with_code(each)) for each in demo["configurations"]]
    return configurations + [(ORCHESTRATOR, each) for each in demo["orchestrations"]]


def _with_code(definition: dict[str, Any]) -> dict[str, Any]:
    if "codeFile" not in definition:
        return definition
    code = (FOLDER / "code" / definition["codeFile"]).read_text(encoding="utf-8")
    configuration = definition.get("configuration", {})
    return {**definition, "configuration": {"parameters": {"code": code}, **configuration}}
