"""Changing configurations and orchestrations: every save is one new version, under a lock of the project.

The lock makes the check of nesting (R8) sound: two saves at once cannot each miss the other's edge.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from orchestrations import access, documents, table_uses, tokens
from orchestrations.access import Actor
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.documents import InvalidConfiguration
from orchestrations.lineage import Tables
from orchestrations.models import Configuration, ConfigurationVersion, Project, Role

__all__ = ["KEEP", "Content", "InvalidConfiguration", "StaleEdit", "StillInUse"]

KEEP: Any = object()
"""The default of a field that an edit leaves as it is."""


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
    state: Any = KEEP


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
    declared = table_uses.declared(component_id, content.document)
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
        _add_version(configuration, change_description or f"Create {noun}", actor, now)
        _write_rows(configuration, declared)
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
    """One save, one version. Raises Denied, InvalidConfiguration, StaleEdit (``expected_version`` is old)."""
    access.require(actor, configuration.project, least_role)
    declared = table_uses.declared(configuration.component_id, content.document)
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
        fields = ["name", "description", "document", "is_disabled", "version", "updated_at"]
        # Jobs keep their state without this lock: it is written only when somebody gave one.
        current.save(update_fields=fields if content.state is KEEP else [*fields, "state"])
        _add_version(current, change_description or "Update configuration", actor, now)
        # An old document may name what has gone since: it must not keep anybody from switching it off.
        if content.document is not KEEP:
            _write_rows(current, declared)
    return current


def set_state(configuration: Configuration, state: object, *, actor: Actor, now: datetime) -> Configuration:
    """Replace what the component finds in its state file; no new version. Raises Denied, InvalidConfiguration."""
    access.require(actor, configuration.project, Role.EDITOR)
    configuration.state = documents.state_of(state)
    configuration.updated_at = now
    configuration.save(update_fields=["state", "updated_at"])
    return configuration


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


def roll_back(
    configuration: Configuration, version: int, *, actor: Actor, now: datetime, expected_version: int | None = None
) -> Configuration:
    """Save an older version's content as the newest.

    Raises InvalidConfiguration when there is no such version, and whatever ``update`` raises.
    """
    old = configuration.versions.filter(version=version).first()
    if old is None:
        raise InvalidConfiguration(f"There is no version {version}.")
    content = Content(name=old.name, description=old.description, document=old.document)
    return update(
        configuration,
        content,
        actor=actor,
        now=now,
        expected_version=expected_version,
        change_description=f"Rollback to version {version}",
    )


def copy(
    configuration: Configuration,
    *,
    name: str,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    description: Any = KEEP,
) -> Configuration:
    """A new configuration with the content of this one, or of one of its versions."""
    source = configuration.versions.filter(version=version or configuration.version).first()
    if source is None:
        raise InvalidConfiguration(f"There is no version {version}.")
    described = source.description if description is KEEP else description
    content = Content(name=name, description=described, document=source.document)
    change = f"Copied from {configuration.name} version {source.version}"[:255]
    return create(
        configuration.project, configuration.component_id, content, actor=actor, now=now, change_description=change
    )


def trash(configuration: Configuration, *, actor: Actor, now: datetime, expected_version: int | None = None) -> None:
    """Move to the trash; jobs that run go on (R4). Doing it twice changes nothing. Raises Denied, StaleEdit."""
    access.require(actor, configuration.project, Role.EDITOR)
    live = Configuration.objects.filter(pk=configuration.pk, deleted_at__isnull=True)
    if expected_version is None:
        live.update(deleted_at=now, deleted_by=actor.user)
    elif not live.filter(version=expected_version).update(deleted_at=now, deleted_by=actor.user):
        newest = live.values_list("version", flat=True).first()
        if newest is not None:
            raise StaleEdit(newest)


def restore(configuration: Configuration, *, actor: Actor, now: datetime) -> None:
    """Take out of the trash. Raises InvalidConfiguration when it would close a circle now (R8)."""
    access.require(actor, configuration.project, Role.EDITOR)
    with transaction.atomic():
        lock_project(configuration.project_id)
        Configuration.objects.filter(pk=configuration.pk).update(deleted_at=None, deleted_by=None, updated_at=now)
        if configuration.component_id == ORCHESTRATOR:
            documents.check_nesting(configuration)


def purge(configuration: Configuration, *, actor: Actor) -> None:
    """Remove for good with its versions; its settled jobs stay. Raises StillInUse."""
    access.require(actor, configuration.project, Role.ADMIN)
    with transaction.atomic():
        lock_project(configuration.project_id)
        # The row too: a job that is just being created points at it, and is committed or refused before we look.
        found = Configuration.objects.select_for_update().filter(pk=configuration.pk, deleted_at__isnull=False)
        if not list(found.values_list("pk")):
            raise StillInUse(f"{configuration.name} is not in the trash.")
        # A reverse relation by its name: the floor above owns the jobs, and their table is asked, not imported.
        if configuration.jobs.filter(finished_at__isnull=True).exists():
            raise StillInUse(f"Jobs of {configuration.name} have not settled yet: terminate them or wait.")
        configuration.delete()


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
        state={} if content.state is KEEP else content.state,
    )


def _apply(configuration: Configuration, content: Content) -> None:
    if content.name is not KEEP or not configuration.name:
        configuration.name = documents.name_of(content.name)
    if content.description is not KEEP:
        configuration.description = documents.description_of(content.description)
    if content.is_disabled is not KEEP:
        configuration.is_disabled = bool(content.is_disabled)
    if content.document is not KEEP:
        configuration.document = documents.document_of(configuration, content.document)
    if content.state is not KEEP:
        configuration.state = documents.state_of(content.state)


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


def _add_version(configuration: Configuration, change_description: str, actor: Actor, now: datetime) -> None:
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


def _write_rows(configuration: Configuration, declared: Tables) -> None:
    table_uses.write(configuration, declared)
    if configuration.component_id == ORCHESTRATOR:
        documents.write_rows(configuration)
        documents.check_nesting(configuration)
