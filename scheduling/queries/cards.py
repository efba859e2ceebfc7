"""The schedules and the trigger of an orchestration, as its page and the overview show them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import Min

from orchestrations.lib.among import Among
from orchestrations.lib.durations import clock_words
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Configuration, Project
from scheduling import triggering, wording
from scheduling.models import EventTrigger, Schedule
from scheduling.queries import missed


@dataclass(frozen=True, kw_only=True)
class ScheduleRow:
    id: int
    words: str
    zone: str
    expression: str
    is_enabled: bool
    paused_until: datetime | None
    """None once that has passed."""
    next_run_at: datetime | None
    error: str


@dataclass(frozen=True, kw_only=True)
class TriggerRow:
    """``words``: "3 tables, at most every 5 min"; ``state``: what it waits for now."""

    id: int
    words: str
    state: str
    is_enabled: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    schedules: list[ScheduleRow]
    trigger: TriggerRow | None
    missed_count: int
    """Starts that were missed while the orchestration was off, and that nobody has decided on (R15)."""

    @property
    def fact(self) -> str:
        if len(self.schedules) == 1 and self.trigger is None:
            return self.schedules[0].words
        parts = []
        if self.schedules:
            parts.append(f"{len(self.schedules)} schedule{'' if len(self.schedules) == 1 else 's'}")
        if self.trigger is not None:
            parts.append("event trigger")
        joined = " and ".join(parts)
        return f"{joined[:1].upper()}{joined[1:]}" if joined else "None"

    @property
    def starts_by_itself(self) -> bool:
        """Unless the orchestration is off."""
        has_trigger = self.trigger is not None and self.trigger.is_enabled
        return has_trigger or any(each.is_enabled for each in self.schedules)

    @property
    def next_run_at(self) -> datetime | None:
        return min((each.next_run_at for each in self.schedules if each.next_run_at is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class Automation:
    """How an orchestration starts by itself, for a line of a list."""

    words: str
    next_run_at: datetime | None
    kind: str
    """ "schedule", "trigger" or "both"."""
    is_off: bool
    """Every one of them is switched off."""


@dataclass(frozen=True, kw_only=True)
class NextStart:
    orchestration_id: int
    name: str
    words: str
    at: datetime
    """In the past while nothing can start it: the project is paused, or no scheduler runs."""


def next_of(project: Project, most: int) -> list[NextStart]:
    """The orchestrations that a schedule starts next, each once, however many schedules it has. Two queries."""
    on = {"orchestration__is_disabled": False, "orchestration__deleted_at__isnull": True}
    due = Schedule.objects.in_project(project).filter(next_run_at__isnull=False, **on)
    first = due.order_by().values("orchestration").annotate(at=Min("next_run_at")).order_by("at", "orchestration")
    firsts = dict(first.values_list("orchestration", "at")[:most])
    columns = ("orchestration", "orchestration__name", "expression", "zone", "next_run_at")
    rows = due.filter(orchestration__in=firsts, next_run_at__in=firsts.values()).order_by("-pk").only(*columns)
    found = rows.select_related("orchestration")
    by_id = {each.orchestration_id: each for each in found if each.next_run_at == firsts[each.orchestration_id]}
    return [
        NextStart(orchestration_id=pk, name=by_id[pk].orchestration.name, words=by_id[pk].words, at=at)
        for pk, at in firsts.items()
        if pk in by_id  # else it has changed in between
    ]


def of_orchestration(orchestration: Configuration, now: datetime, zone: tzinfo) -> Card:
    """A handful of queries, however many schedules there are."""
    schedules = _SCHEDULES.instances(orchestration=orchestration)
    trigger = _TRIGGER.instance(orchestration=orchestration)
    if trigger is not None:
        # It is at hand; read once more it would come with its whole document.
        trigger.orchestration = orchestration
    may_have_missed = not orchestration.is_disabled and any(each.ignored_since for each in schedules)
    offered = missed.of(orchestration) if may_have_missed else []
    return Card(
        schedules=[_row(each, now) for each in schedules],
        trigger=_trigger(trigger, now, zone) if trigger is not None else None,
        missed_count=sum(len(each.moments) for each in offered),
    )


def next_start_of(orchestration: Configuration) -> datetime | None:
    """By a schedule; None when nothing starts it while it is off."""
    if orchestration.is_disabled:
        return None
    return Schedule.objects.filter(orchestration=orchestration).aggregate(next=Min("next_run_at"))["next"]


def _schedules() -> Any:
    columns = ("orchestration", "expression", "zone", "is_enabled", "next_run_at")
    return Schedule.objects.filter(orchestration__project=Param("project")).order_by("next_run_at").only(*columns)


def _triggers() -> Any:
    triggers = EventTrigger.objects.filter(orchestration__project=Param("project"))
    return triggers.values_list("orchestration", "is_enabled")


_SCHEDULES_OF_ALL, _TRIGGERS_OF_ALL = Query(_schedules), Query(_triggers)
_SCHEDULES_OF_SOME = Query(lambda: _schedules().filter(Among("orchestration", "ids")))
_TRIGGERS_OF_SOME = Query(lambda: _triggers().filter(Among("orchestration", "ids")))


def of_many(project: Project, orchestration_ids: Collection[int] | None) -> dict[int, Automation]:
    """By orchestration, of these or of all, those that have any schedule or trigger: two queries."""
    schedules: dict[int, list[Schedule]] = {}
    if orchestration_ids is None:
        found = _SCHEDULES_OF_ALL.instances(project=project)
        is_enabled = dict(_TRIGGERS_OF_ALL.rows(project=project))
    else:
        found = _SCHEDULES_OF_SOME.instances(project=project, ids=orchestration_ids)
        is_enabled = dict(_TRIGGERS_OF_SOME.rows(project=project, ids=orchestration_ids))
    for each in found:
        schedules.setdefault(each.orchestration_id, []).append(each)
    return {pk: _automation(schedules.get(pk, []), is_enabled.get(pk)) for pk in {*schedules, *is_enabled}}


def _automation(schedules: list[Schedule], trigger_is_enabled: bool | None) -> Automation:
    """``trigger_is_enabled``: None without one."""
    words = []
    if len(schedules) == 1:
        words.append(schedules[0].words)
    elif schedules:
        words.append(f"{len(schedules)} schedules")
    has_trigger = trigger_is_enabled is not None
    if has_trigger:
        words.append("when tables are updated" if words else "When tables are updated")
    moments = [each.next_run_at for each in schedules if each.next_run_at is not None]
    return Automation(
        words=", ".join(words),
        next_run_at=min(moments, default=None),
        kind="both" if schedules and has_trigger else "schedule" if schedules else "trigger",
        is_off=not trigger_is_enabled and not any(each.is_enabled for each in schedules),
    )


def _row(schedule: Schedule, now: datetime) -> ScheduleRow:
    return ScheduleRow(
        id=schedule.pk,
        words=wording.described(schedule.expression),
        zone=str(schedule.zone),
        expression=schedule.expression,
        is_enabled=schedule.is_enabled,
        paused_until=schedule.paused_until if schedule.is_paused(now) else None,
        next_run_at=schedule.next_run_at,
        error=schedule.problem or schedule.last_error,
    )


def _trigger(trigger: EventTrigger, now: datetime, zone: tzinfo) -> TriggerRow:
    watched = triggering.watched_by(trigger)
    count = len(watched)
    minutes = trigger.cool_down_minutes
    return TriggerRow(
        id=trigger.pk,
        words=f"{count} table{'' if count == 1 else 's'}, at most once per {minutes} min",
        state=state_of(trigger, watched, now, zone),
        is_enabled=trigger.is_enabled,
    )


def state_of(trigger: EventTrigger, watched: list[triggering.Watched], now: datetime, zone: tzinfo) -> str:
    """ "Waits for 1 of 2 tables; cool-down until 14:20." """
    if not trigger.is_enabled:
        return "Switched off."
    awaited = [each for each in watched if not each.is_updated]
    parts = []
    if awaited:
        parts.append(f"waits for {len(awaited)} of {len(watched)} table{'' if len(watched) == 1 else 's'}")
    ends_at = triggering.cool_down_end(trigger, watched)
    if ends_at is not None and ends_at > now:
        parts.append(f"cool-down until {clock_words(ends_at, now, zone)}")
    sentence = "; ".join(parts) or "all tables were updated: the next update starts it"
    return f"{sentence[:1].upper()}{sentence[1:]}."


_SCHEDULES = Query(lambda: Schedule.objects.filter(orchestration=Param("orchestration")).order_by("next_run_at", "pk"))
_TRIGGER = Query(lambda: EventTrigger.objects.filter(orchestration=Param("orchestration")))
