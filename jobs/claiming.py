"""Taking waiting component jobs for the free workers of a cluster (R5, R6, DESIGN §5).

Nothing is taken ahead: a cluster holds at most as many jobs as it has workers. The project that holds the fewest slots
comes first, so that one with thousands waiting does not keep the workers from the others; within a project the oldest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, Count, F, OuterRef, PositiveSmallIntegerField, Q, Subquery, When
from django.db.models.functions import Coalesce

from jobs.locking import retried
from jobs.models import Cluster, Job
from jobs.moving import Note, move, seconds_from_now
from jobs.states import JobStatus
from orchestrations.lib.prepared import Param, Query, Update
from orchestrations.models import Project


@dataclass(frozen=True)
class Claim:
    """The right to perform one attempt of a job; void once another fence stands in the row."""

    job_id: int
    fence: str


@dataclass(frozen=True, kw_only=True)
class Claimant:
    """A cluster, and the worker of it that takes the job at once ("" when it will be handed to one)."""

    owner: str
    workers: int
    labels: tuple[str, ...] = ()
    worker: str = ""


def candidates(labels: Collection[str]) -> Any:
    """Component jobs that only a free worker and a free slot of their project keep from running, oldest first."""
    return _ready(labels).filter(project__paused_at__isnull=True)


def _ready(labels: Collection[str]) -> Any:
    """The same of projects known not to be paused: joined with them, SQLite would take an index of all their jobs."""
    # Nobody owns what waits; said again for the index.
    waiting = Job.objects.waiting().filter(owner="", is_run=False, label__in=["", *labels])
    return waiting.due().first_of_their_configuration().order_by("pk")


def claim(claimant: Claimant, *, now: datetime, most: int | None = None) -> list[Claim]:
    """Up to ``most`` jobs (default: as many as workers are free), moved to processing with a lease."""
    if not _may_be_something(claimant):
        return []
    try:
        return _claim(claimant, now=now, most=most)
    except IntegrityError:
        # The unique index stopped a second job of one configuration, and the whole batch with it: one by one.
        return _claim(claimant, now=now, most=1)


def trade(claimant: Claimant, *, now: datetime) -> Claim | None:
    """The next job for a worker that settles its own in the running transaction.

    Nobody can see its worker free in between, so workers are neither counted nor the cluster's row locked: a
    transaction that holds a project, as one that began a nested run does, must not wait for a cluster (deadlocks).
    Raises IntegrityError when the unique index stopped a second job of one configuration (R5).
    """
    claims = _claim(claimant, now=now, most=1, is_trade=True)
    return claims[0] if claims else None


def _may_be_something(claimant: Claimant) -> bool:
    """Looked at without a lock: every commit of a busy cluster wakes its pusher, mostly for nothing."""
    return bool(_ANYTHING.rows()) and len(_OWNED.rows(owner=claimant.owner)) < claimant.workers


@retried
def _claim(claimant: Claimant, *, now: datetime, most: int | None, is_trade: bool = False) -> list[Claim]:
    claims: list[Claim] = []
    full: set[int] = set()
    # What fails of a trade rolls back its whole transaction, which is then begun anew without it.
    with transaction.atomic(savepoint=not is_trade):
        free = 1 if is_trade else _free_workers(claimant)
        wanted = free if most is None else min(most, free)
        while len(claims) < wanted:
            taken = len(claims)
            found = _found(claimant.labels, full, wanted - taken)
            newly_full = _take_those_with_a_slot(found, claimant, claims, now)
            if len(claims) == taken and not newly_full:
                break
            full |= newly_full
    return claims


def _found(labels: tuple[str, ...], full: set[int], most: int) -> Sequence[tuple[int, int]]:
    """The next jobs to take, with their projects: one of each project, or several of the only one."""
    found = _first_of_projects(labels, len(full)).rows(most=most, **_numbered(full))
    return _of_project(labels).rows(project=found[0][1], most=most) if len(found) == 1 < most else found


def _take_those_with_a_slot(
    found: Sequence[tuple[int, int]], claimant: Claimant, claims: list[Claim], now: datetime
) -> set[int]:
    """Take what fits into the slots of the projects, append it to ``claims``; returns the projects that are full."""
    full: set[int] = set()
    slots = _slots_of({project_id for _, project_id in found})
    for job_id, project_id in found:
        if slots[project_id] <= 0:
            full.add(project_id)
            continue
        taken = _take(job_id, claimant, now)
        if taken is not None:
            claims.append(taken)
            slots[project_id] -= 1
    return full


def _free_workers(claimant: Claimant) -> int:
    """Counted under the lock of the cluster's row: its workers and its pusher claim side by side."""
    if not _CLUSTER.rows(owner=claimant.owner):
        return 0
    return claimant.workers - len(_OWNED.rows(owner=claimant.owner))


def _slots_of(project_ids: Collection[int]) -> dict[int, int]:
    """Free slots, counted under the locks of the projects' rows (R6); locked in the order of their ids."""
    slots = {}
    for project_id in sorted(project_ids):
        limit = _PROJECT.values(pk=project_id)[0]
        slots[project_id] = limit - len(_SLOTS_TAKEN.rows(project=project_id))
    return slots


def _take(job_id: int, claimant: Claimant, now: datetime) -> Claim | None:
    fence = uuid4().hex
    seconds = settings.LEASE_SECONDS if claimant.worker else settings.CLAIM_LEASE_SECONDS
    fields: dict[str, Any] = {
        "owner": claimant.owner,
        "fence": fence,
        "lease_until": seconds_from_now(seconds),
        "started_at": now,
    }
    if claimant.worker:
        fields |= {"worker": claimant.worker, "begun_at": now, "attempt": ONE_MORE}
    moved = move(
        job_id,
        JobStatus.PROCESSING,
        sources={JobStatus.WAITING},
        # Looked at again in the UPDATE itself: the list was read before the locks were held.
        only_first=True,
        note=Note(kind="job.claimed", message="Taken by a worker.", data={"owner": claimant.owner}),
        now=now,
        **fields,
    )
    return Claim(job_id, fence) if moved else None


def begin(claim: Claim, worker: str, *, now: datetime) -> bool:
    """The worker that was handed the claim takes it up, and from here on it counts as an attempt (R12).

    False: the claim is void, do nothing.
    """
    return bool(_BEGIN.run(pk=claim.job_id, fence=claim.fence, worker=worker, now=now))


def renew(job_id: int, fence: str) -> bool:
    """A whole lease from now on; False when the job is somebody else's."""
    active = Job.objects.active().filter(pk=job_id, fence=fence)
    return bool(active.update(lease_until=seconds_from_now(settings.LEASE_SECONDS)))


def leave(job_id: int, fence: str, *, seconds: float = 0) -> bool:
    """Let another worker of this machine go on with an attempt, in so many seconds; False when it is to be stopped."""
    mine = Job.objects.filter(pk=job_id, fence=fence, status=JobStatus.PROCESSING)
    return bool(mine.update(worker="", lease_until=seconds_from_now(seconds)))


@retried
def take_over(seen: Job, claimant: Claimant) -> Claim | None:
    """Claim an attempt that has begun and whose worker is gone, to go on with it; None when no worker is free now.

    Its fence stays, and with it its folder: only for one whose processes are known to have ended.
    """
    with transaction.atomic():
        # The job itself may count as one that keeps a worker of this cluster busy.
        free = _free_workers(claimant) + (seen.owner == claimant.owner)
        if seen.label not in ("", *claimant.labels) or free < 1:
            return None
        as_seen = {"fence": seen.fence, "worker": seen.worker, "lease_until": seen.lease_until}
        taken = Job.objects.filter(pk=seen.pk, status=JobStatus.PROCESSING, **as_seen).update(
            owner=claimant.owner, worker="", lease_until=seconds_from_now(settings.CLAIM_LEASE_SECONDS)
        )
    return Claim(seen.pk, seen.fence) if taken else None


# --- Statements, compiled once -----------------------------------------------------------------

ONE_MORE = F("attempt") + 1

_ANYTHING = Query(lambda: Job.objects.waiting().filter(is_run=False).values_list("pk")[:1])
_CLUSTER = Query(
    lambda: (
        Cluster.objects.select_for_update(no_key=True)
        .filter(owner=Param("owner"), stopped_at__isnull=True)
        .values_list("pk")
    )
)
_OWNED = Query(lambda: Job.objects.unsettled().filter(owner=Param("owner")).values_list("pk"))
_PROJECT = Query(
    lambda: Project.objects.select_for_update(no_key=True).filter(pk=Param("pk")).values_list("parallel_jobs")
)
_SLOTS_TAKEN = Query(lambda: Job.objects.running().filter(project=Param("project")).values_list("pk"))
_BEGIN = Update(
    # By this very worker already: the answer to its first try was lost with the connection.
    lambda: Job.objects.active().filter(
        Q(begun_at__isnull=True) | Q(worker="") | Q(worker=Param("worker")), pk=Param("pk"), fence=Param("fence")
    ),
    {
        "lease_until": seconds_from_now(settings.LEASE_SECONDS),
        "worker": Param("worker"),
        "begun_at": Param("now"),
        "attempt": Case(
            When(begun_at__isnull=True, then=ONE_MORE), default=F("attempt"), output_field=PositiveSmallIntegerField()
        ),
    },
)


@lru_cache(maxsize=50)
def _first_of_projects(labels: tuple[str, ...], full: int) -> Query[Project]:
    """The oldest candidate of every project that has a slot, but for ``full`` ones found to have none."""
    first = _ready(labels).filter(project=OuterRef("pk")).values("pk")[:1]
    held = Job.objects.running().filter(project=OuterRef("pk")).order_by().values("project").annotate(held=Count("pk"))

    def build() -> Any:
        projects = Project.objects.annotate(first=Subquery(first), held=Coalesce(Subquery(held.values("held")), 0))
        projects = projects.filter(paused_at__isnull=True, first__isnull=False, held__lt=F("parallel_jobs"))
        for name in _numbered(range(full)):
            projects = projects.exclude(pk=Param(name))
        return projects.order_by("held", "first").values_list("first", "pk")

    return Query(build, limit="most")


@lru_cache(maxsize=50)
def _of_project(labels: tuple[str, ...]) -> Query[Job]:
    return Query(
        lambda: candidates(labels).filter(project=Param("project")).values_list("pk", "project_id"), limit="most"
    )


def _numbered(project_ids: Iterable[int]) -> dict[str, int]:
    return {f"full_{place}": project_id for place, project_id in enumerate(project_ids)}
