"""Firing the schedules that are due, exactly once for each due moment (R13, R15, R17).

A tick takes a batch of due schedules under their row locks, those left out that another scheduler holds; writes the
firings, their jobs and the next moments in one transaction; and starts nothing itself: starting takes longer than
creating, and what is due in the same second must not wait for it. ``next_run_at`` is advanced by compare-and-swap, and
the unique (schedule, due moment) is the backstop of both.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from jobs import unattended
from jobs.locking import retried
from jobs.models import Cause, Job
from orchestrations.lib.prepared import Param, Query, Update
from orchestrations.models import ConfigurationVersion
from scheduling import cron, due, wording
from scheduling.due import Decision
from scheduling.models import Firing, FiringOutcome, Overlap, Schedule

log = logging.getLogger(__name__)

BATCH = 50
SEEN_AT_ONCE = timedelta(seconds=1)
"""Whether an orchestration was off at a moment of so short ago is seen by whether it is."""
BROKEN_AGAIN = timedelta(minutes=5)
"""When a schedule that cannot even be read is looked at again."""


class Overtaken(DatabaseError):
    """Somebody else advanced a schedule that we had locked: nothing of this batch is to stand."""


@dataclass(kw_only=True)
class Ticked:
    """How many schedules were dealt with, and the runs that are to be started now."""

    count: int = 0
    run_ids: list[int] = field(default_factory=list)


@dataclass(kw_only=True)
class _Due:
    """A schedule that is due, and what becomes of it."""

    schedule: Schedule
    moment: datetime
    decision: Decision
    outcome: FiringOutcome | None = None
    note: str = ""
    job: Job | None = None
    ignored_until: datetime | None = None
    """What is due before that is ignored: the orchestration was off. None: nothing is."""

    @property
    def fired_for(self) -> datetime:
        """The due moment of its firing."""
        return self.decision.fire or self.decision.missed_first or self.moment


def next_due() -> datetime | None:
    """When there is something to do the next time."""
    found: datetime | None = (_NEXT.first() or (None,))[0]
    return found


def tick(*, now: datetime) -> Ticked:
    """Deal with a batch of due schedules. One that is broken hinders none of the others, and says why."""
    try:
        return _tick(now, None)
    except DatabaseError:
        raise
    except Exception:
        log.exception("A batch of due schedules failed: each is tried alone")
    result = Ticked()
    for schedule_id in list(_due(now).values_list("pk", flat=True)[:BATCH]):
        alone = _tick_alone(schedule_id, now)
        result.count += 1
        result.run_ids += alone.run_ids
    return result


def _tick_alone(schedule_id: int, now: datetime) -> Ticked:
    try:
        return _tick(now, schedule_id)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("Schedule %s could not fire", schedule_id)
        sentence = f"It could not fire: {error}"
        Schedule.objects.filter(pk=schedule_id).update(last_error=sentence, next_run_at=now + BROKEN_AGAIN)
        return Ticked()


@retried
def _tick(now: datetime, only: int | None) -> Ticked:
    with transaction.atomic():
        dues = [_decide(schedule, now) for schedule in _locked(now, only)]
        _ignore(dues, now)
        live = [each for each in dues if each.ignored_until is None]
        _judge(live)
        _create_jobs([each for each in live if each.outcome == FiringOutcome.STARTED], now)
        Firing.objects.bulk_create(_firing(each, now) for each in live if each.outcome is not None)
        for each in dues:
            _advance(each)
        return Ticked(count=len(dues), run_ids=[each.job.pk for each in live if each.job is not None])


# --- Which are due -----------------------------------------------------------------------------


def _due(now: datetime) -> QuerySet[Schedule]:
    found: QuerySet[Schedule] = _of_projects_that_go_on().filter(next_run_at__lte=now)
    return found


def _of_projects_that_go_on() -> QuerySet[Schedule]:
    """Those of a paused project stay due until it goes on, and make up for it then (R15)."""
    found: QuerySet[Schedule] = Schedule.objects.filter(
        next_run_at__isnull=False, orchestration__project__paused_at__isnull=True
    ).order_by("next_run_at", "pk")
    return found


def _locked(now: datetime, only: int | None) -> Sequence[Schedule]:
    locking = _due(now).select_for_update(of=("self",), skip_locked=True, no_key=True)
    locking = locking if only is None else locking.filter(pk=only)
    rows = Schedule.objects.filter(pk__in=list(locking.values_list("pk", flat=True)[:BATCH]))
    found = rows.select_related("orchestration").defer("orchestration__document", "orchestration__state")
    return list(found.order_by("next_run_at", "pk"))


def _decide(schedule: Schedule, now: datetime) -> _Due:
    assert schedule.next_run_at is not None
    moment = schedule.next_run_at
    decision = due.decide(schedule.expression, schedule.zone, schedule.catch_up, moment, now)
    return _Due(schedule=schedule, moment=moment, decision=decision)


def _ignore(dues: Sequence[_Due], now: datetime) -> None:
    """Those whose orchestration is off or in the trash, or was when nobody was there to see it (R15).

    They are noted, to be offered when it is on again.
    """
    late = [each for each in dues if is_live(each.schedule) and now - each.moment > SEEN_AT_ONCE]
    on_again = _switched_on_at({each.schedule.orchestration_id for each in late}) if late else {}
    for each in dues:
        if not is_live(each.schedule):
            each.ignored_until = now + due.INSTANT
        elif (on_at := on_again.get(each.schedule.orchestration_id)) is not None and each.moment < on_at <= now:
            each.ignored_until = on_at


def _switched_on_at(orchestration_ids: Collection[int]) -> dict[int, datetime]:
    """When each was switched on again the last time; without those that were never off. One query."""
    before = ConfigurationVersion.objects.filter(
        configuration=OuterRef("configuration"), version=OuterRef("version") - 1, is_disabled=True
    )
    on = ConfigurationVersion.objects.filter(Exists(before), configuration__in=orchestration_ids, is_disabled=False)
    return dict(on.order_by().values_list("configuration").annotate(Max("created_at")))


def is_live(schedule: Schedule) -> bool:
    return not schedule.orchestration.is_disabled and schedule.orchestration.deleted_at is None


# --- What becomes of them ----------------------------------------------------------------------


def _judge(dues: Sequence[_Due]) -> None:
    done = _fired_already(dues)
    waiting = _with_a_waiting_run(dues)
    for each in dues:
        if (each.schedule.pk, each.fired_for) in done:
            continue
        each.note = each.decision.missed_words
        waits = each.schedule.orchestration_id in waiting
        each.outcome = due.outcome(each.decision, each.schedule.overlap, has_waiting_run=waits)
        if each.outcome == FiringOutcome.SKIPPED:
            each.note = f"A run waited already. {each.note}".strip()
        elif each.outcome == FiringOutcome.STARTED:
            waiting.add(each.schedule.orchestration_id)


def _fired_already(dues: Sequence[_Due]) -> set[tuple[int, datetime]]:
    """Made up for by hand, or the schedule was changed to moments that it has had."""
    known = Firing.objects.filter(
        schedule__in=[each.schedule.pk for each in dues], due_at__in={each.fired_for for each in dues}
    )
    return set(known.values_list("schedule_id", "due_at"))


def _with_a_waiting_run(dues: Sequence[_Due]) -> set[int]:
    ids = {each.schedule.orchestration_id for each in dues if each.schedule.overlap == Overlap.SKIP}
    waiting = Job.objects.waiting().due().filter(configuration__in=ids)
    return set(waiting.values_list("configuration_id", flat=True)) if ids else set()


def _create_jobs(dues: Sequence[_Due], now: datetime) -> None:
    starts = [
        unattended.Start(
            orchestration=each.schedule.orchestration,
            cause=Cause.SCHEDULE,
            detail=detail(each.schedule, each.fired_for),
        )
        for each in dues
    ]
    for each, job in zip(dues, unattended.create(starts, now=now), strict=True):
        each.job = job


def detail(schedule: Schedule, moment: datetime) -> str:
    """ "Every day at 00:13, Europe/Prague" for 25 November 2026 at 00:13"""
    local = moment.astimezone(schedule.zone)
    return f'"{schedule.words}" for {local.day} {wording.MONTHS[local.month - 1]} {local:%Y at %H:%M}'


def _firing(each: _Due, now: datetime) -> Firing:
    assert each.outcome is not None
    return Firing(
        schedule=each.schedule, due_at=each.fired_for, at=now, outcome=each.outcome, job=each.job, note=each.note
    )


def _advance(each: _Due) -> None:
    schedule, ignored_until = each.schedule, each.ignored_until
    next_at, ignored_since = each.decision.next_at, None
    if ignored_until is not None:
        next_at = cron.next_after(schedule.expression, schedule.zone, ignored_until - due.INSTANT)
        ignored_since = schedule.ignored_since or each.moment
    moved = _ADVANCE.run(
        pk=schedule.pk,
        due=each.moment,
        next_run_at=next_at,
        last_due_at=each.fired_for if ignored_until is None else schedule.last_due_at,
        ignored_since=ignored_since,
    )
    if not moved:
        raise Overtaken(f"Schedule {schedule.pk} was advanced by somebody else.")


# --- Statements, compiled once -----------------------------------------------------------------

_NEXT = Query(lambda: _of_projects_that_go_on().values_list("next_run_at")[:1])
_ADVANCE = Update(
    lambda: Schedule.objects.filter(pk=Param("pk"), next_run_at=Param("due")),
    {
        "next_run_at": Param("next_run_at"),
        "last_due_at": Param("last_due_at"),
        "ignored_since": Param("ignored_since"),
        "last_error": "",
    },
)
