"""Changing configurations and orchestrations: every save is one new version, under a lock of the project.

The lock makes the check of nesting (R8) sound: two saves at once cannot each miss the other's edge.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from orchestrations import access, plans, tokens
from orchestrations.access import Actor
from orchestrations.components import catalogue, parameters
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.secrets import SecretUnreadable, encrypt_document
from orchestrations.models import Configuration, ConfigurationVersion, Phase, Project, Role, Task

KEEP: Any = object()
"""The default of a field that an edit leaves as it is."""


class InvalidConfiguration(ValueError):
    """The content was refused and nothing changed; the message names the field and is for the user."""


class StaleEdit(Exception):
    """Somebody saved meanwhile; ``current`` is the version that stands."""

    def __init__(self, current: int) -> None:
        super().__init__(f"Somebody saved meanwhile: the newest version is {current}.")
        self.current = current


class StillInUse(Exception):
    """It cannot be removed now; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What an edit sets. KEEP leaves a field as it is."""

    name: Any = KEEP
    description: Any = KEEP
    document: Any = KEEP
    is_disabled: Any = KEEP


def create(
    project: Project,
    component_id: str,
    content: Content,
    *,
    actor: Actor,
    now: datetime,
    key: str = "",
    change_description: str = "",
) -> Configuration:
    """A new configuration with version 1; an orchestration also gets its token (R18).

    Raises Denied, UnknownComponent, InvalidConfiguration.
    """
    access.require(actor, project, Role.EDITOR)
    catalogue.get(component_id)
    noun = "orchestration" if component_id == ORCHESTRATOR else "configuration"
    with transaction.atomic():
        lock_project(project.pk)
        configuration = Configuration(
            project=project,
            component_id=component_id,
            key=_free_key(project, component_id, key),
            version=0,
            created_at=now,
            updated_at=now,
            created_by=actor.user,
            name="",
        )
        _apply(configuration, _with_blanks(content))
        configuration.version = 1
        configuration.save(force_insert=True)
        if not key:
            _name_by_number(configuration)
        _after_save(configuration, change_description or f"Create {noun}", actor, now)
        if component_id == ORCHESTRATOR:
            tokens.create_for_orchestration(configuration, actor=actor, now=now)
    return configuration


def update(
    configuration: Configuration,
    content: Content,
    *,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
    change_description: str = "",
    least_role: Role = Role.EDITOR,
) -> Configuration:
    """One save, one version. Raises Denied, InvalidConfiguration, StaleEdit when ``expected_version`` is not current."""
    access.require(actor, configuration.project, least_role)
    with transaction.atomic():
        lock_project(configuration.project_id)
        current = Configuration.objects.select_related("project").get(pk=configuration.pk)
        if expected_version is not None and expected_version != current.version:
            raise StaleEdit(current.version)
        if current.deleted_at is not None:
            raise InvalidConfiguration(f"{current.name} is in the trash: restore it first.")
        _apply(current, content)
        current.version += 1
        current.updated_at = now
        current.save(update_fields=["name", "description", "document", "is_disabled", "version", "updated_at"])
        _after_save(current, change_description or "Update configuration", actor, now)
    return current


def set_enabled(configuration: Configuration, enabled: bool, *, actor: Actor, now: datetime) -> Configuration:
    """Switch on or off; operators may. Doing it twice changes nothing."""
    if configuration.is_disabled is not enabled:
        access.require(actor, configuration.project, Role.OPERATOR)
        return configuration
    return update(
        configuration,
        Content(is_disabled=not enabled),
        actor=actor,
        now=now,
        change_description="Enable" if enabled else "Disable",
        least_role=Role.OPERATOR,
    )


def roll_back(configuration: Configuration, version: int, *, actor: Actor, now: datetime) -> Configuration:
    """Save an older version's content as the newest. Raises InvalidConfiguration when there is no such version."""
    old = configuration.versions.filter(version=version).first()
    if old is None:
        raise InvalidConfiguration(f"There is no version {version}.")
    content = Content(name=old.name, description=old.description, document=old.document)
    return update(configuration, content, actor=actor, now=now, change_description=f"Rollback to version {version}")


def copy(
    configuration: Configuration, *, name: str, actor: Actor, now: datetime, version: int | None = None
) -> Configuration:
    """A new configuration with the content of this one, or of one of its versions."""
    source = configuration.versions.filter(version=version or configuration.version).first()
    if source is None:
        raise InvalidConfiguration(f"There is no version {version}.")
    content = Content(name=name, description=source.description, document=source.document)
    change = f"Copied from {configuration.name} version {source.version}"[:255]
    return create(
        configuration.project, configuration.component_id, content, actor=actor, now=now, change_description=change
    )


def trash(configuration: Configuration, *, actor: Actor, now: datetime) -> None:
    """Move to the trash; jobs that run go on (R4). Doing it twice changes nothing."""
    access.require(actor, configuration.project, Role.EDITOR)
    Configuration.objects.filter(pk=configuration.pk, deleted_at__isnull=True).update(deleted_at=now)


def restore(configuration: Configuration, *, actor: Actor, now: datetime) -> None:
    """Take out of the trash. Raises InvalidConfiguration when it would close a circle now (R8)."""
    access.require(actor, configuration.project, Role.EDITOR)
    with transaction.atomic():
        lock_project(configuration.project_id)
        Configuration.objects.filter(pk=configuration.pk).update(deleted_at=None, updated_at=now)
        if configuration.component_id == ORCHESTRATOR:
            _check_nesting(configuration)


def purge(configuration: Configuration, *, actor: Actor) -> None:
    """Remove for good with its versions; its settled jobs stay. Raises StillInUse."""
    access.require(actor, configuration.project, Role.ADMIN)
    with transaction.atomic():
        lock_project(configuration.project_id)
        if not Configuration.objects.filter(pk=configuration.pk, deleted_at__isnull=False).exists():
            raise StillInUse(f"{configuration.name} is not in the trash.")
        # A reverse relation by its name: the floor above owns the jobs, and their table is asked, not imported.
        if configuration.jobs.filter(finished_at__isnull=True).exists():
            raise StillInUse(f"Jobs of {configuration.name} have not settled yet: terminate them or wait (R4).")
        configuration.delete()


def secrets_scope(project_id: int) -> str:
    """What the project's secrets are bound to: a ciphertext copied elsewhere does not decrypt."""
    return f"project:{project_id}"


def lock_project(project_id: int) -> Project:
    """Hold the project's row until the transaction ends. NO KEY: inserts that point at it go on."""
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)


# --- Private -----------------------------------------------------------------------------------


def _with_blanks(content: Content) -> Content:
    return Content(
        name=content.name,
        description="" if content.description is KEEP else content.description,
        document={} if content.document is KEEP else content.document,
        is_disabled=False if content.is_disabled is KEEP else content.is_disabled,
    )


def _apply(configuration: Configuration, content: Content) -> None:
    if content.name is not KEEP or not configuration.name:
        configuration.name = _name(content.name)
    if content.description is not KEEP:
        configuration.description = _description(content.description)
    if content.is_disabled is not KEEP:
        configuration.is_disabled = bool(content.is_disabled)
    if content.document is not KEEP:
        configuration.document = _document(configuration, content.document)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidConfiguration("name: is missing.")
    if len(value.strip()) > 255 or "\x00" in value:
        raise InvalidConfiguration("name: must have at most 255 characters and no NUL.")
    return value.strip()


def _description(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 100_000 or "\x00" in value:
        raise InvalidConfiguration("description: expected a text of at most 100,000 characters.")
    return value


def _document(configuration: Configuration, document: object) -> dict[str, Any]:
    if document in (None, []):
        document = {}
    if not isinstance(document, Mapping):
        raise InvalidConfiguration("configuration: expected an object.")
    component = catalogue.get(configuration.component_id)
    try:
        if configuration.component_id == ORCHESTRATOR:
            plans.parse(document, tasks_limit=settings.TASKS_LIMIT)
        else:
            parameters.validate(component, dict(document))
    except (plans.InvalidPlan, parameters.InvalidParameters) as error:
        raise InvalidConfiguration(str(error)) from error
    try:
        return encrypt_document(dict(document), secrets_scope(configuration.project_id), settings.ENCRYPTION_KEYS)
    except SecretUnreadable as error:
        raise InvalidConfiguration(str(error)) from error


def _free_key(project: Project, component_id: str, key: str) -> str:
    if not key:
        return f"new-{secrets.token_hex(8)}"
    if len(key) > 100 or not all(sign.isalnum() or sign in "._-" for sign in key):
        raise InvalidConfiguration("configurationId: at most 100 letters, digits, dots, dashes and underscores.")
    if Configuration.objects.filter(project=project, component_id=component_id, key=key).exists():
        raise InvalidConfiguration(f"configurationId: {key!r} is taken.")
    return key


def _name_by_number(configuration: Configuration) -> None:
    """Its own number is its key, unless somebody has given that very number as a key before."""
    taken = Configuration.objects.filter(
        project=configuration.project_id, component_id=configuration.component_id, key=str(configuration.pk)
    )
    configuration.key = f"{configuration.pk}-{secrets.token_hex(3)}" if taken.exists() else str(configuration.pk)
    configuration.save(update_fields=["key"])


def _after_save(configuration: Configuration, change_description: str, actor: Actor, now: datetime) -> None:
    ConfigurationVersion.objects.create(
        configuration=configuration,
        version=configuration.version,
        name=configuration.name,
        description=configuration.description,
        document=configuration.document,
        is_disabled=configuration.is_disabled,
        change_description=change_description[:255],
        created_at=now,
        created_by=actor.user,
        created_with=actor.token.description if actor.token else "",
    )
    if configuration.component_id == ORCHESTRATOR:
        _write_rows(configuration)
        _check_nesting(configuration)


def _write_rows(orchestration: Configuration) -> None:
    """Make Phase and Task rows what the document says. Raises InvalidConfiguration for an unknown configuration."""
    plan = plans.parse(orchestration.document, tasks_limit=settings.TASKS_LIMIT)
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
            raise InvalidConfiguration(
                f"Task {task.name or task.key!r}: there is no configuration {task.configuration_key!r} "
                f"of {task.component_id} in this project."
            )
    return known


def _check_nesting(orchestration: Configuration) -> None:
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
    path = plans.nesting_problem(runs, orchestration.pk)
    if path:
        names = dict(Configuration.objects.filter(pk__in=path).values_list("pk", "name"))
        raise InvalidConfiguration(nesting_sentence([names[pk] for pk in path]))


def nesting_sentence(names: list[str]) -> str:
    chain = " > ".join(names)
    if len(set(names)) < len(names):
        return f"Orchestrations would run each other in a circle: {chain}."
    return f"Orchestrations may be nested {plans.NESTING_LEVELS} levels deep, not more: {chain}."
