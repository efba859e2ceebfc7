"""From one configuration to an orchestration that runs it."""

from __future__ import annotations

from datetime import datetime

from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import Content, InvalidConfiguration
from orchestrations.models import Configuration

LONGEST_NAME = 255


def default_name(configuration: Configuration) -> str:
    return f"Automated {configuration.name}"[:LONGEST_NAME]


def automate(configuration: Configuration, *, actor: Actor, now: datetime, name: str = "") -> Configuration:
    """A new orchestration with this configuration as its only task. Raises Denied, InvalidConfiguration."""
    if configuration.component_id == ORCHESTRATOR:
        raise InvalidConfiguration(f"{configuration.name} is an orchestration already.")
    if configuration.deleted_at is not None:
        raise InvalidConfiguration(f"{configuration.name} is in the trash: restore it first.")
    task = {
        "id": "task-1",
        "name": configuration.name,
        "phase": "phase-1",
        "task": {"componentId": configuration.component_id, "configId": configuration.key, "mode": "run"},
    }
    document = {"phases": [{"id": "phase-1", "name": "Phase 1", "dependsOn": []}], "tasks": [task]}
    content = Content(name=name.strip() or default_name(configuration), document=document)
    change = f"Automate {configuration.name}"
    return editing.create(configuration.project, ORCHESTRATOR, content, actor=actor, now=now, change_description=change)
