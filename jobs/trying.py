"""Trying whether a configuration reaches what it talks to: a short job that moves no table."""

from __future__ import annotations

from datetime import datetime

from jobs import launching
from jobs.models import Job
from orchestrations.access import Actor
from orchestrations.components import catalogue, parameters
from orchestrations.components.catalogue import Component
from orchestrations.models import Configuration

ACTION = "testConnection"
NAME_LENGTH = 255


def may_try(component: Component | None) -> bool:
    return component is not None and ACTION in component.actions


def try_connection(configuration: Configuration, *, actor: Actor, now: datetime) -> Job:
    """Launch a job of the configuration's component with its parameters, that connects and ends with a sentence.

    It belongs to no configuration: it waits for no other job (R5), and counts in no usual duration. Raises what
    ``launching.launch`` raises.
    """
    content = {"parameters": configuration.document.get("parameters") or {}, "action": ACTION}
    try:
        parameters.validate(catalogue.get(configuration.component_id), content)
    except parameters.InvalidParameters as error:
        raise launching.Refused(f"{error}.") from error
    name = f"Connection test of {configuration.name}"[:NAME_LENGTH]
    request = launching.Request(data={"configData": content}, name=name)
    return launching.launch(configuration.project, configuration.component_id, None, request, actor=actor, now=now)


def is_trial_of(job: Job, configuration: Configuration) -> bool:
    """Whether the job tried the parameters that the configuration has now."""
    content = job.request.get("configData") or {}
    return (
        job.component_id == configuration.component_id
        and content.get("action") == ACTION
        and content.get("parameters") == (configuration.document.get("parameters") or {})
    )
