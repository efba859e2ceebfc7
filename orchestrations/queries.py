"""What pages read of orchestrations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from orchestrations import plans
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import (
    Configuration,
    ConfigurationVersion,
    Membership,
    Orchestration,
    Phase,
    Project,
    Task,
    Token,
)

MOST_CHANGES = 5
LAST_VERSIONS = 4


@dataclass(frozen=True)
class Size:
    """How many tasks and phases; both as the newest version has them."""

    tasks: int = 0
    phases: int = 0

    @property
    def words(self) -> str:
        return f"{_counted(self.tasks, 'task')} in {_counted(self.phases, 'phase')}" if self.tasks else "No tasks yet"


def orchestrations_of(project: Project | Param) -> QuerySet[Orchestration]:
    """Those not in the trash, by name, without their documents."""
    found: QuerySet[Orchestration] = (
        Orchestration.objects.in_project(project).live().defer("document", "state").order_by("name", "pk")
    )
    return found


def find_orchestration(project: Project, orchestration_id: int) -> Orchestration | None:
    found: Orchestration | None = (
        Orchestration.objects.in_project(project)
        .live()
        .defer("document", "state")
        .select_related("project")
        .filter(pk=orchestration_id)
        .first()
    )
    return found


def sizes_of(orchestrations: Iterable[Orchestration]) -> dict[int, Size]:
    ids = [each.pk for each in orchestrations]
    return {pk: Size(tasks, phases) for pk, tasks, phases in _SIZES.rows(ids=ids)} if ids else {}


_SIZES = Query(
    lambda: (
        Task.objects.filter(Among("orchestration", "ids"))
        .order_by()
        .values_list("orchestration_id")
        .annotate(Count("pk"), Count("phase_id", distinct=True))
    )
)


def plan_of(orchestration: Configuration) -> plans.Plan:
    """The newest version's plan; its document is read anew."""
    document = Configuration.objects.filter(pk=orchestration.pk).values_list("document", flat=True).get()
    return plans.parse(document)


def phases_of(orchestration: Configuration) -> list[tuple[Phase, list[Task]]]:
    """The phases in order, each with its tasks; a task's configuration is at hand by its name."""
    phases = {phase.pk: phase for phase in orchestration.phases.all()}
    tasks: dict[int, list[Task]] = {pk: [] for pk in phases}
    rows = orchestration.tasks.select_related("configuration").defer(
        "configuration__document", "configuration__state", "configuration__description", "request"
    )
    for task in rows.order_by("position"):
        tasks[task.phase_id].append(task)
    return [(phase, tasks[pk]) for pk, phase in phases.items()]


def changes_since(configuration: Configuration | None, version: int | None) -> list[ConfigurationVersion]:
    """The saves after this version, newest first, without their documents."""
    if configuration is None or version is None:
        return []
    later = configuration.versions.filter(version__gt=version).select_related("created_by").defer("document")
    return list(later.order_by("-version")[:MOST_CHANGES])


def last_versions(configuration: Configuration) -> list[ConfigurationVersion]:
    """The last saves, newest first, without their documents."""
    return list(
        configuration.versions.select_related("created_by").defer("document").order_by("-version")[:LAST_VERSIONS]
    )


def token_of(orchestration: Configuration) -> Token | None:
    """Its own (R18)."""
    own = Token.objects.filter(orchestration=orchestration, replaced_at__isnull=True)
    found: Token | None = own.only("description", "last_used_at", "expires_at").first()
    return found


def names_of(project: Project, keys: Iterable[str]) -> dict[tuple[str, str], str]:
    """Names of configurations by component and key."""
    found = Configuration.objects.filter(project=project, key__in=set(keys)).values_list("component_id", "key", "name")
    return {(component_id, key): name for component_id, key, name in found}


def members_of(project: Project) -> list[Membership]:
    """By name, each with its person."""
    return list(project.memberships.select_related("user").order_by("user__name", "user__email"))


def find_member(project: Project, membership_id: int) -> Membership | None:
    found: Membership | None = project.memberships.select_related("user", "project").filter(pk=membership_id).first()
    return found


def ids_of(project_id: int, keys: Iterable[str]) -> dict[tuple[str, str], int]:
    """Configurations by component and key."""
    found = Configuration.objects.filter(project=project_id, key__in=set(keys)).values_list("component_id", "key", "pk")
    return {(component_id, key): pk for component_id, key, pk in found}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
