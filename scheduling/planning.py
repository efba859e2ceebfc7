"""Schedules as people make them: added, changed, switched, paused, removed.

Editors plan; operators switch and pause. Each verb owns its transaction and wakes the schedulers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from jobs.wakeups import Topic, wake
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import lock_project
from orchestrations.lib import zones
from orchestrations.models import Configuration, Role
from scheduling import cron, expressions, zone_data
from scheduling.due import INSTANT
from scheduling.models import CatchUp, Overlap, Schedule

MOST_SCHEDULES = 50
"""Of one orchestration."""
LONGEST_PAUSE = timedelta(days=5 * 366)


class InvalidSchedule(ValueError):
    """Nothing was changed; the message is for the user, ``field`` names what is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A schedule as it is asked for, in words that may be wrong."""

    expression: str
    zone: str = "UTC"
    catch_up: str = CatchUp.LAST
    overlap: str = Overlap.WAIT


def add(orchestration: Configuration, wanted: Wanted, *, actor: Actor, now: datetime) -> Schedule:
    """Raises Denied, InvalidSchedule."""
    access.require(actor, orchestration.project, Role.EDITOR)
    fields = _checked(wanted)
    with transaction.atomic():
        lock_project(orchestration.project_id)
        _check_orchestration(orchestration)
        if orchestration.schedules.count() >= MOST_SCHEDULES:
            raise InvalidSchedule(f"An orchestration has at most {MOST_SCHEDULES} schedules.", "expression")
        schedule = Schedule(orchestration=orchestration, created_at=now, created_by=actor.user, **fields)
        _plan_next(schedule, now)
        schedule.save(force_insert=True)
        wake(Topic.AUTOMATION)
    return schedule


def change(schedule: Schedule, wanted: Wanted, *, actor: Actor, now: datetime) -> Schedule:
    """What is due and has not fired yet is due no more. Raises Denied, InvalidSchedule, Schedule.DoesNotExist."""
    access.require(actor, schedule.orchestration.project, Role.EDITOR)
    fields = _checked(wanted)
    with transaction.atomic():
        found = _locked(schedule)
        for name, value in fields.items():
            setattr(found, name, value)
        _plan_next(found, now)
        found.save(update_fields=[*fields, *PLANNED])
        wake(Topic.AUTOMATION)
    return found


def set_enabled(schedule: Schedule, enabled: bool, *, actor: Actor, now: datetime) -> Schedule:
    """Switch one schedule; what it would have been due for while it was off is not made up for.

    Raises Denied, InvalidSchedule.
    """
    access.require(actor, schedule.orchestration.project, Role.OPERATOR)
    with transaction.atomic():
        found = _locked(schedule)
        if found.is_enabled is not enabled:
            found.is_enabled = enabled
            found.paused_until = None
            _plan_next(found, now)
            found.save(update_fields=["is_enabled", "paused_until", *PLANNED])
            wake(Topic.AUTOMATION)
    return found


def pause(schedule: Schedule, until: datetime | None, *, actor: Actor, now: datetime) -> Schedule:
    """Nothing is due before ``until``, and not made up for; None goes on at once. Raises Denied, InvalidSchedule."""
    access.require(actor, schedule.orchestration.project, Role.OPERATOR)
    if until is not None and not now < until <= now + LONGEST_PAUSE:
        raise InvalidSchedule("Paused until: expected a moment to come, within five years.", "paused_until")
    with transaction.atomic():
        found = _locked(schedule)
        found.paused_until = until
        _plan_next(found, now)
        found.save(update_fields=["paused_until", *PLANNED])
        wake(Topic.AUTOMATION)
    return found


def remove(schedule: Schedule, *, actor: Actor) -> None:
    """With its firings; their jobs stay. Raises Denied."""
    access.require(actor, schedule.orchestration.project, Role.EDITOR)
    Schedule.objects.filter(pk=schedule.pk).delete()


# --- Private -----------------------------------------------------------------------------------

PLANNED = ("next_run_at", "zone_version", "ignored_since", "last_error", "updated_at")


def _plan_next(schedule: Schedule, now: datetime) -> None:
    """Set the fields of PLANNED. Raises InvalidSchedule for one that was stored and cannot be read any more."""
    if schedule.is_enabled and schedule.problem:
        raise InvalidSchedule(f"{schedule.problem} Edit the schedule first.", "expression")
    start = max(now, (schedule.paused_until or now) - INSTANT)
    schedule.next_run_at = cron.next_after(schedule.expression, schedule.zone, start) if schedule.is_enabled else None
    schedule.zone_version = zone_data.VERSION
    schedule.ignored_since = None
    schedule.last_error = ""
    schedule.updated_at = now


def _checked(wanted: Wanted) -> dict[str, str | ZoneInfo]:
    """The fields that it gives. Raises InvalidSchedule."""
    try:
        expression = expressions.parse(wanted.expression)
    except expressions.InvalidExpression as error:
        raise InvalidSchedule(str(error), "expression") from error
    zone = zones.find(wanted.zone)
    if zone is None:
        raise InvalidSchedule(f"Time zone: {wanted.zone[:60]!r} is not known.", "zone")
    if wanted.catch_up not in CatchUp.values:
        raise InvalidSchedule(f"Missed moments: expected one of {', '.join(CatchUp.values)}.", "catch_up")
    if wanted.overlap not in Overlap.values:
        raise InvalidSchedule(f"Overlap: expected one of {', '.join(Overlap.values)}.", "overlap")
    return {
        "expression": expression.text,
        "zone": zone,
        "catch_up": wanted.catch_up,
        "overlap": wanted.overlap,
    }


def _check_orchestration(orchestration: Configuration) -> None:
    if orchestration.component_id != ORCHESTRATOR:
        raise InvalidSchedule(f"{orchestration.name} is no orchestration: automate it first.", "orchestration")
    if Configuration.objects.filter(pk=orchestration.pk, deleted_at__isnull=False).exists():
        raise InvalidSchedule(f"{orchestration.name} is in the trash: restore it first.", "orchestration")


def _locked(schedule: Schedule) -> Schedule:
    found: Schedule = Schedule.objects.select_for_update(of=("self",), no_key=True).get(pk=schedule.pk)
    return found
