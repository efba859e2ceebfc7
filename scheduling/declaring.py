"""Schedules that clients declare as configurations of ``keboola.scheduler`` and make active (API.md, "Triggers, …")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project
from scheduling import planning
from scheduling.models import Schedule
from scheduling.planning import InvalidSchedule, Wanted

SCHEDULER = "keboola.scheduler"
ENABLED, DISABLED = "enabled", "disabled"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What such a configuration says: which orchestration, when, and whether it is on."""

    orchestration: Configuration
    wanted: Wanted
    is_enabled: bool


def activate(declaration: Configuration, *, actor: Actor, now: datetime) -> Schedule:
    """Make a schedule of the configuration, or bring the one that was made of it up to date.

    Raises Denied, InvalidSchedule.
    """
    declared = read(declaration.project, declaration.document)
    with transaction.atomic():
        present = Schedule.objects.filter(declaration=declaration).select_related("orchestration__project").first()
        if present is not None and present.orchestration_id != declared.orchestration.pk:
            planning.remove(present, actor=actor)
            present = None
        if present is None:
            schedule = planning.add(declared.orchestration, declared.wanted, actor=actor, now=now)
        else:
            schedule = planning.change(present, declared.wanted, actor=actor, now=now)
        planning.set_enabled(schedule, declared.is_enabled, actor=actor, now=now)
        Schedule.objects.filter(pk=schedule.pk).update(declaration=declaration, declaration_version=declaration.version)
    schedule.refresh_from_db()
    return schedule


def read(project: Project, document: Mapping[str, Any]) -> Declaration:
    """Raises InvalidSchedule with the field as the API names it."""
    schedule, target = _object(document, "schedule"), _object(document, "target")
    state = schedule.get("state", ENABLED)
    if state not in (ENABLED, DISABLED):
        raise InvalidSchedule(f"expected one of {ENABLED}, {DISABLED}.", "schedule.state")
    if target.get("mode", "run") != "run":
        raise InvalidSchedule("expected run.", "target.mode")
    return Declaration(
        orchestration=_target(project, target),
        wanted=Wanted(expression=_text(schedule, "cronTab"), zone=_text(schedule, "timezone", "UTC")),
        is_enabled=state == ENABLED,
    )


def _target(project: Project, target: Mapping[str, Any]) -> Configuration:
    if target.get("componentId", ORCHESTRATOR) != ORCHESTRATOR:
        raise InvalidSchedule("schedules start orchestrations; automate the configuration first.", "target.componentId")
    key = str(target.get("configurationId", ""))
    found: Configuration | None = (
        Configuration.objects.in_project(project).live().filter(component_id=ORCHESTRATOR, key=key).first()
        if "\x00" not in key
        else None
    )
    if found is None:
        raise InvalidSchedule(f"there is no orchestration {key[:100]!r} in this project.", "target.configurationId")
    return found


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if not isinstance(value, Mapping):
        raise InvalidSchedule("expected an object.", name)
    return value


def _text(schedule: Mapping[str, Any], name: str, default: str = "") -> str:
    value = schedule.get(name, default)
    if not isinstance(value, str) or "\x00" in value:
        raise InvalidSchedule("expected a text.", f"schedule.{name}")
    return value
