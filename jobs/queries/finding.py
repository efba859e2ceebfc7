"""Finding by name or id: orchestrations, configurations, buckets, tables, and jobs."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from jobs.models import Job
from jobs.queries import buckets, tables
from jobs.queries.rows import JobRow, component_of, last_jobs, listed, rows_of
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
    buckets: list[buckets.BucketRow] = field(default_factory=list)
    tables: list[tables.TableRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)

    @property
    def count(self) -> int:
        groups: tuple[Sized, ...] = (self.orchestrations, self.configurations, self.buckets, self.tables, self.jobs)
        return sum(len(group) for group in groups)


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
        buckets.called(project, text, MOST),
        tables.matching(project, text, MOST),
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
    ids = [pk for pk in last_jobs(each.pk for each in configurations) if pk is not None]
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
