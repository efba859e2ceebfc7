"""Whether what schedules did adds up: every due moment is fired for or missed, once, as each is set to (R13, R15).

By plain arithmetic over a fixed period in UTC; shares no code with ``scheduling.due`` and ``scheduling.cron``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from scheduling.models import CatchUp, Firing, FiringOutcome, Schedule

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
ON_TIME = timedelta(minutes=1)
"""Who is late by more than that has missed a moment."""


def problems(schedule: Schedule, first: datetime, period: timedelta, until: datetime) -> list[str]:
    """Sentences; none when its firings account for every moment from ``first`` on, no later than ``until`` was due."""
    return list(_problems(schedule, first, period, until))


def _problems(schedule: Schedule, first: datetime, period: timedelta, until: datetime) -> Iterator[str]:
    awaited = first
    for firing in schedule.firings.order_by("due_at", "pk"):
        latest = EPOCH + (firing.at - EPOCH) // period * period
        if firing.at < awaited:
            yield f"{_name(schedule)}: at {firing.at} there was nothing to do before {awaited}, yet {firing.due_at}"
        if firing.outcome == FiringOutcome.STARTED:
            yield from _of_started(schedule, firing, awaited, latest, period)
            awaited = firing.due_at + period
        else:
            yield from _of_missed(schedule, firing, awaited, latest, period)
            awaited = latest + period
    if awaited <= until:
        yield f"{_name(schedule)}: nothing happened for {awaited}, though it was {until} in the end"


def _of_started(
    schedule: Schedule, firing: Firing, awaited: datetime, latest: datetime, period: timedelta
) -> Iterator[str]:
    expected = awaited if schedule.catch_up == CatchUp.ALL else latest
    if firing.due_at != expected:
        yield f"{_name(schedule)}: fired for {firing.due_at} and not for {expected}"
    if schedule.catch_up == CatchUp.NONE and firing.at - firing.due_at > ON_TIME:
        yield f"{_name(schedule)}: made up for {firing.due_at} at {firing.at}"
    yield from _of_count(schedule, firing, (firing.due_at - awaited) // period)


def _of_missed(
    schedule: Schedule, firing: Firing, awaited: datetime, latest: datetime, period: timedelta
) -> Iterator[str]:
    if (firing.outcome, schedule.catch_up) != (FiringOutcome.MISSED, CatchUp.NONE):
        yield f"{_name(schedule)}: {firing.outcome} {firing.due_at}"
    if firing.due_at != awaited:
        yield f"{_name(schedule)}: missed {firing.due_at} and not {awaited}"
    if firing.at - latest <= ON_TIME:
        yield f"{_name(schedule)}: missed {latest}, though it was looked at in time, at {firing.at}"
    yield from _of_count(schedule, firing, (latest - awaited) // period + 1)


def _of_count(schedule: Schedule, firing: Firing, expected: int) -> Iterator[str]:
    """How many were left out stands in its note."""
    found = re.match(r"(\d+) earlier moments? w(?:as|ere) missed\.$", firing.note)
    said = int(found[1]) if found else 0
    if said != expected or bool(firing.note) != bool(found):
        yield f"{_name(schedule)}: for {firing.due_at} {expected} were left out, and its note says {firing.note!r}"


def _name(schedule: Schedule) -> str:
    return f"schedule {schedule.pk} ({schedule.catch_up})"
