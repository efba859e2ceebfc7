"""Finding by name or id: orchestrations, configurations, and jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from jobs.models import Job
from jobs.queries.rows import JobRow, component_of, listed, rows_of
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib import links
from orchestrations.models import Configuration, Project

MOST = 8
SHORTEST = 2


@dataclass(frozen=True)
class Hit:
    id: int
    name: str
    url: str
    component: str
    kind: str


@dataclass(frozen=True)
class Found:
    """``jobs``: the one with that id, and the last one of each configuration that was found."""

    orchestrations: list[Hit] = field(default_factory=list)
    configurations: list[Hit] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.orchestrations) + len(self.configurations) + len(self.jobs)


def find(project: Project, text: str, *, now: datetime) -> Found:
    """Nothing for a single letter: it would find everything."""
    text = text.strip()
    number = _number(text)
    if len(text) < SHORTEST and number is None:
        return Found()
    named = _named(project, text, number)
    orchestrations = list(named.filter(component_id=ORCHESTRATOR)[:MOST])
    configurations = list(named.exclude(component_id=ORCHESTRATOR)[:MOST])
    jobs = _jobs(project, number, [*orchestrations, *configurations])
    return Found(
        [_hit(each, "orchestration") for each in orchestrations],
        [_hit(each, "configuration") for each in configurations],
        rows_of(jobs, project=project, now=now),
    )


def _named(project: Project, text: str, number: int | None) -> QuerySet[Configuration]:
    wanted = Q(name__icontains=text) | Q(key=text)
    if number is not None:
        wanted |= Q(pk=number)
    found: QuerySet[Configuration] = (
        Configuration.objects.in_project(project).live().filter(wanted).only("project_id", "component_id", "name")
    )
    return found.order_by("name", "pk")


def _jobs(project: Project, number: int | None, configurations: list[Configuration]) -> list[Job]:
    last = Job.objects.filter(configuration=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    of_found = Configuration.objects.filter(pk__in=[each.pk for each in configurations])
    ids = [pk for pk in of_found.annotate(last=Subquery(last)).values_list("last", flat=True) if pk is not None]
    wanted = sorted({*ids, *([number] if number is not None else [])}, reverse=True)
    jobs = listed(Job.objects.in_project(project).filter(pk__in=wanted)).order_by("-pk")
    return sorted(jobs, key=lambda job: job.pk != number)[:MOST]


def _hit(configuration: Configuration, page: str) -> Hit:
    component, kind = component_of(configuration.component_id)
    url = links.find(page, configuration.project_id, configuration.pk)
    return Hit(configuration.pk, configuration.name, url, component, kind)


def _number(text: str) -> int | None:
    """ "48212" and "#48212"; None for anything that cannot be an id."""
    digits = text.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
