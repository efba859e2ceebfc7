"""Event triggers: a run is created when all tables were updated since the last execution (R16).

Updates are rows that their imports write (``TableUpdate``); what is not evaluated yet is looked at here, woken or every
second. One transaction takes a batch of updates under their row locks, evaluates every trigger that watches one of
their tables, and marks them evaluated:

- nothing is lost: an update stays until the transaction that writes its verdict, and the job, is committed;
- two updates at once make one run: a trigger is evaluated under its row lock, so the second one sees the waiting job;
- a broken trigger hinders no import, and no other trigger: it has a savepoint of its own and a verdict that says so.

Whether a table was updated is told by its revision against the baseline, under the lock that a starting run takes, too
(``jobs.watching``). Locks are taken in the order: updates, orchestration and trigger, watched tables.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from jobs import unattended, watching
from jobs.locking import retried
from jobs.models import Cause, Job, TableUpdate, WatchedTable
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Bucket, Project
from scheduling import wording
from scheduling.models import Evaluation, EventTrigger, FiresWhen, Verdict
from scheduling.ticking import Ticked

log = logging.getLogger(__name__)

BATCH = 50
MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a trigger would do now, and why. ``look_at``: when to look again without an update."""

    verdict: Verdict
    sentence: str
    look_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A table of a trigger. ``revision``: its newest; None when it is gone or no longer shared."""

    label: str
    revision: int | None
    baseline_revision: int
    baseline_at: datetime | None
    table_id: int | None = None
    updated_at: datetime | None = None

    @property
    def is_updated(self) -> bool:
        return self.revision is not None and self.revision > self.baseline_revision


def is_anything_pending() -> bool:
    return bool(_PENDING.rows())


def next_look() -> datetime | None:
    """When a trigger is to be looked at without an update."""
    found: datetime | None = (_NEXT_LOOK.first() or (None,))[0]
    return found


@retried
def evaluate_updates(*, now: datetime) -> Ticked:
    """Evaluate a batch of updates."""
    with transaction.atomic():
        pending = TableUpdate.objects.filter(evaluated_at__isnull=True).order_by("pk")
        locked = pending.select_for_update(skip_locked=True, no_key=True).values_list("pk", "table_id")[:BATCH]
        updates = list(locked)
        counts = _counts_by_trigger([table_id for _, table_id in updates])
        run_ids = [run for pk, count in counts.items() if (run := _evaluate(pk, count, now)) is not None]
        TableUpdate.objects.filter(pk__in=[pk for pk, _ in updates]).update(evaluated_at=now)
    return Ticked(count=len(updates), run_ids=run_ids)


@retried
def look_again(*, now: datetime) -> Ticked:
    """Evaluate the triggers whose cool-down, or whose project's pause, has ended."""
    with transaction.atomic():
        ids = list(_to_look_at().filter(look_at__lte=now).values_list("pk", flat=True)[:BATCH])
        return Ticked(count=len(ids), run_ids=[run for pk in ids if (run := _evaluate(pk, 0, now)) is not None])


# --- One trigger -------------------------------------------------------------------------------


def _counts_by_trigger(table_ids: Sequence[int]) -> dict[int, int]:
    """How many of the updates concern each trigger, in the order in which all lock them."""
    rows = (
        EventTrigger.objects.filter(is_enabled=True, orchestration__watched_tables__table__in=set(table_ids))
        .order_by("pk")
        .values_list("pk", "orchestration__watched_tables__table")
    )
    counts: dict[int, int] = {}
    for trigger_id, table_id in rows:
        counts[trigger_id] = counts.get(trigger_id, 0) + table_ids.count(table_id)
    return counts


def _evaluate(trigger_id: int, update_count: int, now: datetime) -> int | None:
    """Write the verdict and, if it fires, the job; the job's id."""
    try:
        with transaction.atomic():
            return _evaluate_locked(trigger_id, update_count, now)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("Trigger %s could not be evaluated", trigger_id)
        EventTrigger.objects.filter(pk=trigger_id).update(look_at=None)
        sentence = f"Not fired: it could not be evaluated: {error}"
        Evaluation.objects.create(
            trigger_id=trigger_id, at=now, verdict=Verdict.BROKEN, sentence=sentence, update_count=update_count
        )
        return None


def _evaluate_locked(trigger_id: int, update_count: int, now: datetime) -> int | None:
    locking = EventTrigger.objects.select_for_update(of=("orchestration", "self"), no_key=True)
    trigger = (
        locking.select_related("orchestration")
        .defer("orchestration__document", "orchestration__state")
        .filter(pk=trigger_id, is_enabled=True)
        .first()
    )
    if trigger is None or (not update_count and (trigger.look_at is None or trigger.look_at > now)):
        return None  # switched off or looked at by another scheduler meanwhile
    watching.LOCK.rows(configuration=trigger.orchestration_id)
    finding = examine(trigger, now)
    job_id = _create_job(trigger, now) if finding.verdict == Verdict.FIRED else None
    Evaluation.objects.create(
        trigger=trigger,
        at=now,
        verdict=finding.verdict,
        sentence=finding.sentence,
        update_count=update_count,
        job_id=job_id,
    )
    EventTrigger.objects.filter(pk=trigger.pk).update(look_at=finding.look_at)
    return job_id


def _create_job(trigger: EventTrigger, now: datetime) -> int:
    detail = f"on {wording.listed(_names(watched_by(trigger)))}"
    start = unattended.Start(orchestration=trigger.orchestration, cause=Cause.TRIGGER, detail=detail)
    (job,) = unattended.create([start], now=now)
    return int(job.pk)


# --- What it would do --------------------------------------------------------------------------


def examine(trigger: EventTrigger, now: datetime, *, watched: Sequence[Watched] | None = None) -> Finding:
    """What an update would make the trigger do now; also for "simulate an update", which gives ``watched``."""
    orchestration = trigger.orchestration
    if not trigger.is_enabled:
        return _not(Verdict.OFF, "the trigger is switched off")
    if orchestration.is_disabled or orchestration.deleted_at is not None:
        return _not(Verdict.OFF, "the orchestration is switched off or in the trash")
    if Project.objects.filter(pk=orchestration.project_id, paused_at__isnull=False).exists():
        return _not(Verdict.PAUSED, "the project is paused; it is looked at again when it goes on", look_at=now)
    waiting = Job.objects.waiting().due().filter(configuration=orchestration.pk).order_by("pk").first()
    if waiting is not None:
        return _not(Verdict.RUN_WAITS, f"job {waiting.pk} of this orchestration waits already, and will see the update")
    tables = list(watched_by(trigger)) if watched is None else list(watched)
    gone = [each for each in tables if each.revision is None]
    if gone or not tables:
        problem = f"{wording.listed(_names(gone))} cannot be read any more" if gone else "no table is selected"
        return _not(Verdict.BROKEN, f"{problem}; change the tables of the trigger")
    return _by_revision(trigger, tables, now)


def _by_revision(trigger: EventTrigger, tables: Sequence[Watched], now: datetime) -> Finding:
    ends_at = cool_down_end(trigger, tables)
    if ends_at is not None and ends_at > now:
        fires_then = trigger.fires_when == FiresWhen.COOL_DOWN_END
        then = "it is looked at again then" if fires_then else "the next update after it is looked at"
        sentence = f"cool-down until {wording.stamp(ends_at)}; {then}"
        return _not(Verdict.COOLING_DOWN, sentence, look_at=ends_at if fires_then else None)
    awaited = [each for each in tables if not each.is_updated]
    if awaited:
        return _not(Verdict.AWAITING, f"{wording.listed(_names(awaited))} still awaited")
    return Finding(verdict=Verdict.FIRED, sentence="Fired: all tables were updated since the last execution.")


def cool_down_end(trigger: EventTrigger, tables: Sequence[Watched]) -> datetime | None:
    """Counted from the start of the last execution, of whatever cause; None before the first."""
    starts = [each.baseline_at for each in tables if each.baseline_at is not None]
    return max(starts) + timedelta(minutes=trigger.cool_down_minutes) if starts else None


def watched_by(trigger: EventTrigger) -> list[Watched]:
    """Its tables as they are now: one query, in the order of their labels."""
    rows = _WATCHED.rows(configuration=trigger.orchestration_id, project=trigger.orchestration.project_id)
    return [
        Watched(
            label=label,
            revision=revision if is_reachable else None,
            baseline_revision=baseline,
            baseline_at=baseline_at,
            table_id=table_id,
            updated_at=updated_at,
        )
        for label, revision, baseline, baseline_at, table_id, updated_at, is_reachable in rows
    ]


def _not(verdict: Verdict, why: str, *, look_at: datetime | None = None) -> Finding:
    return Finding(verdict=verdict, sentence=f"Not fired: {why}.", look_at=look_at)


def _names(tables: Sequence[Watched]) -> list[str]:
    names = [each.label for each in tables]
    rest = len(names) - MOST_NAMED
    return names if rest <= 0 else [*names[:MOST_NAMED], f"{rest} more"]


# --- Questions ---------------------------------------------------------------------------------


def _to_look_at() -> QuerySet[EventTrigger]:
    found: QuerySet[EventTrigger] = EventTrigger.objects.filter(
        is_enabled=True, look_at__isnull=False, orchestration__project__paused_at__isnull=True
    ).order_by("look_at", "pk")
    return found


def _watched() -> QuerySet[WatchedTable, Any]:
    linked = Bucket.objects.filter(project=Param("project"), source=OuterRef("table__bucket"))
    found: QuerySet[WatchedTable, Any] = (
        WatchedTable.objects.filter(configuration=Param("configuration"))
        .annotate(is_reachable=Exists(linked) | Q(table__bucket__project=Param("project")))
        .order_by("label", "pk")
        .values_list(
            "label", "table__revision", "baseline_revision", "baseline_at", "table", "table__updated_at", "is_reachable"
        )
    )
    return found


_WATCHED = Query(_watched)
_PENDING = Query(lambda: TableUpdate.objects.filter(evaluated_at__isnull=True).order_by("pk").values_list("pk")[:1])
_NEXT_LOOK = Query(lambda: _to_look_at().values_list("look_at")[:1])
