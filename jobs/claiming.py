"""Taking waiting component jobs for the free workers of a cluster (R5, R6, DESIGN §5).

Nothing is taken ahead: a cluster holds at most as many jobs as it has workers.
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
from django.db.models import Case, Count, F, PositiveSmallIntegerField, Q, When

from jobs.locking import retried
from jobs.models import Cluster, Job
from jobs.moving import Note, move, seconds_from_now
from jobs.prepared import Param, Query, Update
from jobs.states import JobStatus
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
    return (
        Job.objects.waiting()
        .filter(is_run=False, project__paused_at__isnull=True, label__in=["", *labels])
        .due()
        .first_of_their_configuration()
        .order_by("pk")
    )


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
    """
    try:
        claims = _claim(claimant, now=now, most=1, is_trade=True)
    except IntegrityError:
        return None  # the unique index stopped a second job of one configuration; the worker looks once more
    return claims[0] if claims else None


def _may_be_something(claimant: Claimant) -> bool:
    """Looked at without a lock: every commit of a busy cluster wakes its pusher, mostly for nothing."""
    return bool(_ANYTHING.rows()) and len(_OWNED.rows(owner=claimant.owner)) < claimant.workers


@retried
def _claim(claimant: Claimant, *, now: datetime, most: int | None, is_trade: bool = False) -> list[Claim]:
    claims: list[Claim] = []
    full: set[int] = set()
    with transaction.atomic():
        free = 1 if is_trade else _free_workers(claimant)
        wanted = free if most is None else min(most, free)
        while len(claims) < wanted:
            found = _candidates(claimant.labels, len(full)).rows(most=wanted - len(claims), **_numbered(full))
            newly_full = _take_those_with_a_slot(found, claimant, claims, now)
            if not newly_full:
                break
            # Jobs of full projects took places in the list: look once more without them.
            full |= newly_full
    return claims


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
_OWNED = Query(lambda: Job.objects.active().filter(owner=Param("owner")).values_list("pk"))
_PROJECT = Query(
    lambda: Project.objects.select_for_update(no_key=True).filter(pk=Param("pk")).values_list("parallel_jobs")
)
_SLOTS_TAKEN = Query(lambda: Job.objects.active().filter(project=Param("project"), is_run=False).values_list("pk"))
_BEGIN = Update(
    # By this very worker already: the answer to its first try was lost with the connection.
    lambda: Job.objects.active().filter(
        Q(begun_at__isnull=True) | Q(worker=Param("worker")), pk=Param("pk"), fence=Param("fence")
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
def _candidates(labels: tuple[str, ...], full: int) -> Query[Job]:
    """The first candidates outside of full projects, of which ``full`` more are named than can be counted at once."""
    busy = Job.objects.active().filter(is_run=False).values("project", "project__parallel_jobs")
    counted = busy.annotate(busy=Count("pk")).filter(busy__gte=F("project__parallel_jobs")).values("project")

    def build() -> Any:
        found = candidates(labels).exclude(project__in=counted)
        for name in _numbered(range(full)):
            found = found.exclude(project=Param(name))
        return found.values_list("pk", "project_id")

    return Query(build, limit="most")


def _numbered(project_ids: Iterable[int]) -> dict[str, int]:
    return {f"full_{place}": project_id for place, project_id in enumerate(project_ids)}
