"""Runs that would wait for each other for ever (R8): found when a nested run is created, and by the sweep.

A run waits for its unsettled child runs; a waiting run waits for the older unsettled runs of its orchestration.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import nesting
from orchestrations.documents import nesting_sentence


def problem_of(child: Job) -> str | None:
    """Why a nested run just created can never end; None for any other job. The caller holds the project's row."""
    if not child.is_run:
        return None
    ancestors = _ancestors(child)
    names = [job.name for job in reversed(ancestors)] + [child.name]
    same = [job for job in ancestors if job.configuration_id and job.configuration_id == child.configuration_id]
    if same or len(ancestors) > nesting.NESTING_LEVELS:
        return nesting_sentence(names)
    circle = circle_through(child.pk, _unsettled_runs(child.project_id))
    return sentence_of(circle) if circle else None


def sentence_of(circle: list[Job]) -> str:
    path = " > ".join(f"{job.name} (job {job.pk})" for job in circle)
    return f"These runs would wait for each other for ever: {path}."


def circle_through(start: int, runs: Iterable[Job]) -> list[Job] | None:
    """The circle of waiting that the run with this id is part of, from it and back to it."""
    by_id = {job.pk: job for job in runs}
    edges = _edges(by_id)
    came_from: dict[int, int] = {}
    queue = [start]
    while queue:
        node = queue.pop(0)
        for other in edges.get(node, ()):
            if other == start:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return [by_id[pk] for pk in reversed(path)] + [by_id[start]]
            if other not in came_from:
                came_from[other] = node
                queue.append(other)
    return None


def youngest_in_a_circle(now: datetime) -> tuple[Job, str] | None:
    """A waiting nested run that closes a circle, and the sentence; the sweep ends it in error.

    A net: creation under the project's lock should leave nothing to it.
    """
    nested = Job.objects.waiting().filter(is_run=True, parent__isnull=False).order_by("-pk")
    for project_id in nested.order_by().values_list("project_id", flat=True).distinct():
        runs = _unsettled_runs(project_id)
        for job in sorted((run for run in runs if run.parent_id), key=lambda run: -run.pk):
            circle = circle_through(job.pk, runs) if job.status == JobStatus.WAITING else None
            if circle:
                return job, sentence_of(circle)
    return None


def _unsettled_runs(project_id: int) -> list[Job]:
    return list(
        Job.objects.unsettled()
        .filter(project=project_id, is_run=True)
        .only("pk", "name", "status", "parent_id", "root_id", "configuration_id", "project_id")
    )


def _edges(runs: dict[int, Job]) -> dict[int, list[int]]:
    edges: dict[int, list[int]] = {}
    by_configuration: dict[int, list[int]] = {}
    for pk in sorted(runs):
        job = runs[pk]
        if job.parent_id in runs:
            edges.setdefault(job.parent_id, []).append(pk)
        if job.configuration_id is not None:
            older = by_configuration.setdefault(job.configuration_id, [])
            if job.status == JobStatus.WAITING:
                edges.setdefault(pk, []).extend(older)
            older.append(pk)
    return edges


def _ancestors(job: Job) -> list[Job]:
    """From the parent upwards to the root."""
    ancestors = []
    parent = job.parent
    while parent is not None:
        ancestors.append(parent)
        parent = parent.parent
    return ancestors
