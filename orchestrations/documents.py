"""What may stand in a configuration, and the rows that an orchestration's document becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from orchestrations import nesting, plans
from orchestrations.components import catalogue, parameters
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib import json_api
from orchestrations.lib.secrets import SecretUnreadable, encrypt_document
from orchestrations.models import Configuration, Phase, Task


class InvalidConfiguration(ValueError):
    """The content was refused and nothing changed; the message names the field and is for the user."""


class InvalidDocument(InvalidConfiguration):
    """The document of an orchestration does not describe one: phases, tasks, or what they would run."""


def secrets_scope(project_id: int) -> str:
    """What the project's secrets are bound to: a ciphertext copied elsewhere does not decrypt."""
    return f"project:{project_id}"


def name_of(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidConfiguration("name: is missing.")
    if len(value.strip()) > 255 or "\x00" in value:
        raise InvalidConfiguration("name: must have at most 255 characters and no NUL.")
    return value.strip()


def description_of(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 100_000 or "\x00" in value:
        raise InvalidConfiguration("description: expected a text of at most 100,000 characters.")
    return value


def document_of(configuration: Configuration, document: object) -> dict[str, Any]:
    if document in (None, []):
        document = {}
    if not isinstance(document, Mapping):
        raise InvalidConfiguration("configuration: expected an object.")
    component = catalogue.get(configuration.component_id)
    try:
        if configuration.component_id == ORCHESTRATOR:
            plans.parse(document, tasks_limit=settings.TASKS_LIMIT)
        if document:
            # Nothing at all is a draft: clients create first and fill in later. Its job says what is missing.
            parameters.validate(component, dict(document))
    except plans.InvalidPlan as error:
        raise InvalidDocument(str(error)) from error
    except parameters.InvalidParameters as error:
        raise InvalidConfiguration(str(error)) from error
    try:
        return encrypt_document(dict(document), secrets_scope(configuration.project_id), settings.ENCRYPTION_KEYS)
    except SecretUnreadable as error:
        raise InvalidConfiguration(str(error)) from error


def state_of(value: object) -> dict[str, Any]:
    if value in (None, []):
        return {}
    if not isinstance(value, Mapping):
        raise InvalidConfiguration("state: expected an object.")
    try:
        json_api.check(dict(value))
    except json_api.InvalidJson as error:
        raise InvalidConfiguration(f"state: {error}") from error
    size = len(json.dumps(value))
    if size > settings.PARAMETERS_LIMIT_BYTES:
        limit = settings.PARAMETERS_LIMIT_BYTES
        raise InvalidConfiguration(f"state: is {size} bytes long; the limit is {limit} bytes.")
    return dict(value)


def write_rows(orchestration: Configuration) -> None:
    """Make Phase and Task rows what the document says. Raises InvalidConfiguration for an unknown configuration."""
    plan = plans.parse(orchestration.document)
    known = _known_configurations(orchestration.project_id, plan)
    Phase.objects.filter(orchestration=orchestration).delete()
    phases = Phase.objects.bulk_create(
        Phase(orchestration=orchestration, key=phase.key, name=phase.name, description=phase.description, position=n)
        for n, phase in enumerate(plan.phases)
    )
    Task.objects.bulk_create(
        Task(
            orchestration=orchestration,
            phase=row,
            key=task.key,
            name=task.name,
            position=position,
            component_id=task.component_id,
            configuration_id=known.get((task.component_id, task.configuration_key)),
            is_enabled=task.enabled,
            continue_on_failure=task.continue_on_failure,
            request=task.request,
        )
        for row, phase in zip(phases, plan.phases, strict=True)
        for position, task in enumerate(phase.tasks)
    )


def _known_configurations(project_id: int, plan: plans.Plan) -> dict[tuple[str, str | None], int]:
    keys = {task.configuration_key for task in plan.tasks if task.configuration_key is not None}
    found = Configuration.objects.filter(project=project_id, key__in=keys).values_list("component_id", "key", "pk")
    known: dict[tuple[str, str | None], int] = {(component_id, key): pk for component_id, key, pk in found}
    for task in plan.tasks:
        catalogue.get(task.component_id)
        if task.configuration_key is not None and (task.component_id, task.configuration_key) not in known:
            raise InvalidDocument(
                f"Task {task.name or task.key!r}: there is no configuration {task.configuration_key!r} "
                f"of {task.component_id} in this project."
            )
    return known


def check_nesting(orchestration: Configuration) -> None:
    edges = Task.objects.filter(
        orchestration__project=orchestration.project_id,
        orchestration__deleted_at__isnull=True,
        component_id=ORCHESTRATOR,
        configuration__deleted_at__isnull=True,
    ).values_list("orchestration_id", "configuration_id")
    runs: dict[int, set[int]] = {}
    for caller, callee in edges:
        if callee is not None:
            runs.setdefault(caller, set()).add(callee)
    path = nesting.problem(runs, orchestration.pk)
    if path:
        names = dict(Configuration.objects.filter(pk__in=path).values_list("pk", "name"))
        raise InvalidDocument(nesting_sentence([names[pk] for pk in path]))


def nesting_sentence(names: list[str]) -> str:
    chain = " > ".join(names)
    if len(set(names)) < len(names):
        return f"Orchestrations would run each other in a circle: {chain}."
    return f"Orchestrations may be nested {nesting.NESTING_LEVELS} levels deep, not more: {chain}."
