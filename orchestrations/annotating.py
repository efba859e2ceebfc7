"""Metadata of configurations: keys with texts that clients keep beside the versions (API.md, "Storage").

They say nothing to the component, so they make no version and are shown to whoever may look at the configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from orchestrations import access
from orchestrations.access import Actor
from orchestrations.editing import lock_project
from orchestrations.models import Configuration, ConfigurationMetadata, Project, Role

KEY_LIMIT, VALUE_LIMIT = 255, 10_000
"""Characters."""
PER_CONFIGURATION = 200


class InvalidMetadata(ValueError):
    """Nothing was changed; the message names the field and is for the user."""


@transaction.atomic
def put(configuration: Configuration, entries: Mapping[str, str], *, actor: Actor, now: datetime) -> None:
    """Set these keys and leave the others alone. Raises Denied, InvalidMetadata."""
    access.require(actor, configuration.project, Role.EDITOR)
    for key, value in entries.items():
        _check(key, value)
    lock_project(configuration.project_id)
    known = set(ConfigurationMetadata.objects.filter(configuration=configuration).values_list("key", flat=True))
    if len(known | set(entries)) > PER_CONFIGURATION:
        raise InvalidMetadata(f"metadata: a configuration has at most {PER_CONFIGURATION} keys.")
    for key, value in entries.items():
        ConfigurationMetadata.objects.update_or_create(
            configuration=configuration, key=key, defaults={"value": value, "updated_at": now}
        )


def remove(entry: ConfigurationMetadata, *, actor: Actor) -> None:
    """Raises Denied."""
    access.require(actor, entry.configuration.project, Role.EDITOR)
    entry.delete()


def search(
    project: Project, *, actor: Actor, component_id: str = "", key: str = "", metadata_keys: Collection[str] = ()
) -> QuerySet[Configuration]:
    """Those outside the trash that have metadata, with one of these keys where some are given; each with ``entries``.

    Those that the actor may look at. ``key`` is the id of one configuration.
    """
    wanted = ConfigurationMetadata.objects.order_by("pk")
    if metadata_keys:
        wanted = wanted.filter(key__in=metadata_keys)
    rows: QuerySet[Configuration] = Configuration.objects.in_project(project).live().order_by("pk")
    visible = access.visible_components(actor)
    if visible is not None:
        rows = rows.filter(component_id__in=visible)
    if component_id:
        rows = rows.filter(component_id=component_id)
    if key:
        rows = rows.filter(key=key)
    rows = rows.filter(pk__in=wanted.order_by().values("configuration"))
    return rows.only("key", "component_id").prefetch_related(Prefetch("metadata", queryset=wanted, to_attr="entries"))


# --- Private -----------------------------------------------------------------------------------


def _check(key: str, value: str) -> None:
    if not key or len(key) > KEY_LIMIT or "\x00" in key:
        raise InvalidMetadata(f"metadata.key: must have 1 to {KEY_LIMIT} characters.")
    if key.startswith("#"):
        raise InvalidMetadata("metadata.key: metadata is not encrypted; secrets belong into the configuration.")
    if len(value) > VALUE_LIMIT or "\x00" in value:
        raise InvalidMetadata(f"metadata.value: expected a text of at most {VALUE_LIMIT:,} characters.")
