"""What pages read of versions and of the trash; the same for every configuration, orchestrations included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from orchestrations import comparing, plans, queries
from orchestrations.comparing import Basics, Change
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, ConfigurationVersion, Project, Task

PAGE = 50
CHOICES = 200
"""So many versions are offered for a comparison; older ones are reached through the list."""
MOST_USERS = 10


def find_configuration(project: Project, pk: int, *, in_trash: bool = False) -> Configuration | None:
    """Through its project, without its document."""
    rows = Configuration.objects.in_project(project).filter(deleted_at__isnull=not in_trash)
    found: Configuration | None = rows.defer("document", "state").select_related("project").filter(pk=pk).first()
    return found


def find_version(configuration: Configuration, number: int) -> ConfigurationVersion | None:
    found: ConfigurationVersion | None = (
        configuration.versions.select_related("created_by").filter(version=number).first()
    )
    return found


@dataclass(frozen=True)
class Versions:
    """A part of the list, newest first; ``older`` and ``newer`` are the cursors of the parts beside it."""

    rows: list[ConfigurationVersion]
    newer: int | None
    older: int | None


def versions_of(configuration: Configuration, before: int | None = None) -> Versions:
    """Numbers have no gaps, so a cursor is the number of a version."""
    top = configuration.version if before is None else min(before - 1, configuration.version)
    rows = list(_listed(configuration).filter(version__lte=top, version__gt=top - PAGE))
    newer = min(top + PAGE, configuration.version) + 1 if top < configuration.version else None
    return Versions(rows, newer, rows[-1].version if rows and rows[-1].version > 1 else None)


def choices_of(configuration: Configuration) -> list[ConfigurationVersion]:
    """The newest versions, as they are offered for a comparison."""
    return list(_listed(configuration)[:CHOICES])


def compare(old: ConfigurationVersion, new: ConfigurationVersion, *, with_switch: bool = True) -> list[Change]:
    """Of one configuration. ``with_switch``: also whether it was enabled, which a rollback leaves as it is."""
    changes = comparing.compare_basics(_basics(old, with_switch), _basics(new, with_switch))
    configuration = new.configuration
    if configuration.component_id != ORCHESTRATOR:
        return changes + comparing.compare_configurations(old.document, new.document)
    names = queries.names_of(configuration.project, _keys(old) | _keys(new))
    return changes + comparing.compare_orchestrations(old.document, new.document, names=names)


@dataclass(frozen=True, kw_only=True)
class Use:
    """What would miss a configuration: orchestrations by name, and jobs of it that have not settled."""

    orchestrations: list[tuple[int, str]]
    more: int
    unsettled: int


def use_of(configuration: Configuration) -> Use:
    users = (
        Task.objects.filter(configuration=configuration, orchestration__deleted_at__isnull=True)
        .order_by("orchestration__name")
        .values_list("orchestration_id", "orchestration__name")
        .distinct()
    )
    found = list(users)
    return Use(
        orchestrations=found[:MOST_USERS],
        more=len(found[MOST_USERS:]),
        # A reverse relation by its name: the floor above owns the jobs.
        unsettled=configuration.jobs.filter(finished_at__isnull=True).count(),
    )


@dataclass(frozen=True)
class Trash:
    rows: Sequence[Configuration]
    has_more: bool


def trash_of(project: Project, offset: int = 0) -> Trash:
    """What was thrown away last comes first; ``is_busy``: a job of it has not settled."""
    busy = Configuration.objects.filter(pk=OuterRef("pk"), jobs__isnull=False, jobs__finished_at__isnull=True)
    rows = (
        Configuration.objects.in_project(project)
        .filter(deleted_at__isnull=False)
        .select_related("deleted_by")
        .defer("document", "state", "description")
        .annotate(is_busy=Exists(busy))
        .order_by("-deleted_at", "-pk")
    )
    found = list(rows[offset : offset + PAGE + 1])
    return Trash(found[:PAGE], len(found) > PAGE)


# --- Private -----------------------------------------------------------------------------------


def _listed(configuration: Configuration) -> QuerySet[ConfigurationVersion]:
    rows: QuerySet[ConfigurationVersion] = configuration.versions.all()
    return rows.select_related("created_by").defer("document", "description").order_by("-version")


def _basics(version: ConfigurationVersion, with_switch: bool) -> Basics:
    return Basics(name=version.name, description=version.description, is_disabled=with_switch and version.is_disabled)


def _keys(version: ConfigurationVersion) -> set[str]:
    try:
        tasks = plans.parse(version.document).tasks
    except plans.InvalidPlan:
        return set()
    return {task.configuration_key for task in tasks if task.configuration_key is not None}
