"""Components with their configurations, and configurations with their jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from jobs.models import Job
from jobs.queries.rows import JobRow, component_of, last_jobs, listed, listed_by, rows_of
from orchestrations.components import catalogue
from orchestrations.components.catalogue import ORCHESTRATOR, Component, ComponentKind, UnknownComponent
from orchestrations.models import Configuration, Project, Task


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A component of the catalogue."""

    id: str
    name: str
    kind: str
    description: str
    count: int
    """How many configurations of it the project has."""

    @property
    def is_orchestrator(self) -> bool:
        return self.id == ORCHESTRATOR


@dataclass(frozen=True)
class Group:
    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Row:
    """A configuration with its last job."""

    configuration: Configuration
    last_job: JobRow | None


@dataclass(frozen=True)
class Use:
    """An orchestration that has a configuration as a task."""

    orchestration_id: int
    name: str
    phase: str
    is_enabled: bool


@dataclass(frozen=True)
class OfComponent:
    """``first``: of the ``matching`` ones; ``total``: all that the component has in the project."""

    first: list[Configuration]
    matching: int
    total: int


def catalogue_of(project: Project, sought: str = "") -> list[Group]:
    """By kind; a component that is not installed any more stands in a group of its own while it has configurations."""
    counts = dict(
        Configuration.objects.in_project(project)
        .live()
        .order_by()
        .values_list("component_id")
        .annotate(count=Count("pk"))
    )
    words = sought.casefold().split()
    groups = [
        Group(
            "Orchestrations" if kind is ComponentKind.ORCHESTRATOR else kind.plural,
            [_entry(each, counts.pop(each.id, 0)) for each in components],
        )
        for kind, components in catalogue.offered()
    ]
    counts = {pk: count for pk, count in counts.items() if component(pk) is None}
    if counts:
        left = [
            Entry(id=pk, name=pk, kind=component_of(pk)[1], description="", count=count)
            for pk, count in sorted(counts.items())
        ]
        groups.append(Group("Not installed any more", left))
    found = [Group(group.title, [each for each in group.entries if _matches(each, words)]) for group in groups]
    return [group for group in found if group.entries]


def component(component_id: str) -> Component | None:
    """None for one that this installation does not know (any more)."""
    try:
        return catalogue.get(component_id)
    except UnknownComponent:
        return None


def of_component(project: Project, component_id: str, sought: str = "", *, most: int) -> OfComponent:
    """Those not in the trash, by name; only the first ones are read as a whole, and without their documents.

    The words are looked for here: no database folds the letters of every language.
    """
    every = Configuration.objects.in_project(project).live().filter(component_id=component_id).order_by("name", "pk")
    texts = list(every.values_list("pk", "name", "description"))
    folded = sought.casefold()
    wanted = [pk for pk, name, description in texts if folded in f"{name} {description}".casefold()]
    first = every.filter(pk__in=wanted[:most]).defer("document", "state")
    return OfComponent(list(first), len(wanted), len(texts))


def rows(configurations: Iterable[Configuration], *, project: Project, now: datetime) -> list[Row]:
    """A constant number of queries; of each configuration one job is read."""
    configurations = list(configurations)
    jobs = listed_by(last_jobs(each.pk for each in configurations))
    drawn = rows_of(jobs, project=project, now=now)
    by_configuration = {job.configuration_id: row for job, row in zip(jobs, drawn, strict=True)}
    return [Row(each, by_configuration.get(each.pk)) for each in configurations]


def find(project: Project, configuration_id: int) -> Configuration | None:
    """Not in the trash."""
    found: Configuration | None = (
        Configuration.objects.in_project(project)
        .live()
        .select_related("project", "created_by")
        .defer("state")
        .filter(pk=configuration_id)
        .first()
    )
    return found


def jobs_of(configuration: Configuration) -> QuerySet[Job]:
    return listed(Job.objects.filter(configuration=configuration))


def uses_of(configuration: Configuration) -> list[Use]:
    """One for each task, by the orchestration's name."""
    tasks = Task.objects.filter(configuration=configuration, orchestration__deleted_at__isnull=True)
    found = tasks.order_by("orchestration__name", "orchestration_id", "phase__position").values_list(
        "orchestration_id", "orchestration__name", "phase__name", "is_enabled"
    )
    return [Use(*each) for each in found]


def _entry(component: Component, count: int) -> Entry:
    return Entry(
        id=component.id,
        name=component.name,
        kind=component.kind.value,
        description=component.description,
        count=count,
    )


def _matches(entry: Entry, words: list[str]) -> bool:
    text = f"{entry.name} {entry.id} {entry.description} {entry.kind}".casefold()
    return all(word in text for word in words)
