"""Runs that would wait for each other for ever (R8): found when a nested run is created, and by the sweep.

A run waits for its unsettled child runs; a waiting run waits for the older unsettled runs of its orchestration.
"""

from __future__ import annotations

from collections import deque
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
    """The circle of waiting that the run with this id is part of, from it and back to it: the shortest."""
    waits = _Waits(runs)
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other in waits.not_told_yet(node):
            if other == start:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return [waits.runs[pk] for pk in reversed(path)] + [waits.runs[start]]
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
        held = _never_free(runs)
        for job in sorted((run for run in held if run.parent_id), key=lambda run: -run.pk):
            circle = circle_through(job.pk, held) if job.status == JobStatus.WAITING else None
            if circle:
                return job, sentence_of(circle)
    return None


def _unsettled_runs(project_id: int) -> list[Job]:
    return list(
        Job.objects.unsettled()
        .filter(project=project_id, is_run=True)
        .only("pk", "name", "status", "parent_id", "root_id", "configuration_id", "project_id")
    )


class _Waits:
    """For which runs each of these waits. Thousands may wait in one queue, so nothing is told of a queue twice."""

    def __init__(self, runs: Iterable[Job]) -> None:
        self.runs = {job.pk: job for job in sorted(runs, key=lambda job: job.pk)}
        self.children: dict[int, list[int]] = {}
        self.queues: dict[int, list[int]] = {}
        self.places: dict[int, int] = {}
        for pk, job in self.runs.items():
            if job.parent_id in self.runs:
                self.children.setdefault(job.parent_id, []).append(pk)
            if job.configuration_id is not None:
                queue = self.queues.setdefault(job.configuration_id, [])
                self.places[pk] = len(queue)
                queue.append(pk)
        self._told: dict[int, int] = {}

    def not_told_yet(self, pk: int) -> list[int]:
        """Its unsettled children and, while it waits, the older of its queue, but for those told to a run before."""
        job = self.runs[pk]
        found = self.children.get(pk, [])
        if job.configuration_id is None or job.status != JobStatus.WAITING:
            return found
        first, place = self._told.get(job.configuration_id, 0), self.places[pk]
        self._told[job.configuration_id] = max(first, place)
        return found + self.queues[job.configuration_id][first:place]

    def next_of(self, pk: int) -> list[int]:
        """Enough of those for whom it waits: of its queue the one before, and all that are active."""
        job = self.runs[pk]
        found = list(self.children.get(pk, []))
        place = self.places.get(pk, 0)
        while job.status == JobStatus.WAITING and place:
            place -= 1
            found.append(self.queues[job.configuration_id or 0][place])
            if self.runs[found[-1]].status == JobStatus.WAITING:
                break
        return found


def _never_free(runs: Iterable[Job]) -> list[Job]:
    """The runs left when again and again those are taken away that wait for no other: those behind or in a circle."""
    waits = _Waits(runs)
    left = {pk: waits.next_of(pk) for pk in waits.runs}
    behind: dict[int, list[int]] = {}
    for pk, others in left.items():
        for other in others:
            behind.setdefault(other, []).append(pk)
    counts = {pk: len(others) for pk, others in left.items()}
    free = [pk for pk, count in counts.items() if not count]
    while free:
        pk = free.pop()
        del counts[pk]
        for other in behind.get(pk, ()):
            counts[other] -= 1
            if not counts[other]:
                free.append(other)
    return [waits.runs[pk] for pk in counts]


def _ancestors(job: Job) -> list[Job]:
    """From the parent upwards to the root."""
    ancestors = []
    parent = job.parent
    while parent is not None:
        ancestors.append(parent)
        parent = parent.parent
    return ancestors
