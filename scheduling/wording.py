"""Cron expressions in words, and what changes of clocks do to them. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from orchestrations.lib.durations import clock_words
from scheduling import clocks, cron, expressions
from scheduling.clocks import Change
from scheduling.expressions import FIELDS, Expression

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = tuple(calendar.month_name)[1:]
MOST_TIMES = 4
"""So many times of day are listed one by one."""
STAMP = "%Y-%m-%d %H:%M:%S UTC"
STAMPS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
MINUTES, HOURS, DAYS, _MONTHS, _WEEKDAYS = (field.everything for field in FIELDS)
WORKING_DAYS, WEEKEND = frozenset(range(1, 6)), frozenset({0, 6})


def describe(expression: Expression | str) -> str:
    """ "Every day at 00:13", "At minute 0 and 30 of every hour on weekdays". Raises InvalidExpression."""
    given = expressions.parse(expression) if isinstance(expression, str) else expression
    months = "" if given.months == _MONTHS else f" in {listed([MONTHS[month - 1] for month in sorted(given.months)])}"
    if len(given.minutes) * len(given.hours) <= MOST_TIMES:
        times = [f"{hour:02d}:{minute:02d}" for hour in sorted(given.hours) for minute in sorted(given.minutes)]
        sentence = f"{_which_days(given)} at {listed(times)}{months}"
        return sentence[0].upper() + sentence[1:]
    return f"{_often(given)}{_on_days(given)}{months}"


def described(text: str) -> str:
    """A stored expression in words; as it stands, if it cannot be read any more."""
    try:
        return describe(text)
    except expressions.InvalidExpression:
        return text


# --- How often ---------------------------------------------------------------------------------


def _often(given: Expression) -> str:
    step = _step(given.minutes, 60)
    if given.hours == HOURS:
        if given.minutes == frozenset({0}):
            return "Every hour"
        if step:
            return "Every minute" if step == 1 else f"Every {step} minutes"
        return f"At {_minutes(given)} of every hour"
    hours = _step(given.hours, 24)
    if hours and len(given.minutes) <= MOST_TIMES:
        return f"Every {hours} hours at {_minutes(given)}"
    span = _span(given.hours)
    if span and step:
        low, high = span
        every = "Every minute" if step == 1 else f"Every {step} minutes"
        return f"{every} from {low:02d}:00 to {high:02d}:59"
    if span:
        low, high = span
        return f"At {_minutes(given)} of every hour from {low:02d} to {high:02d}"
    return f"At {_minutes(given)} of hour {_numbers(given.hours)}"


def _step(values: Collection[int], whole: int) -> int:
    """n where the values are every n-th from 0 on, all through; 0 where they are not."""
    steps = [step for step in range(1, whole // 2 + 1) if whole % step == 0]
    return next((step for step in steps if frozenset(values) == frozenset(range(0, whole, step))), 0)


def _span(values: Collection[int]) -> tuple[int, int] | None:
    low, high = min(values), max(values)
    return (low, high) if len(values) == high - low + 1 else None


def _minutes(given: Expression) -> str:
    return f"minute {_numbers(given.minutes)}"


# --- On which days -----------------------------------------------------------------------------


def _which_days(given: Expression) -> str:
    """As the beginning of a sentence: "every day", "every Monday", "on day 1 of the month"."""
    if _fits_every_day(given):
        return "every day"
    if given.days == DAYS and given.weekdays not in (WORKING_DAYS, WEEKEND):
        return f"every {listed(_names_of_weekdays(given))}"
    return _on_days(given).strip()


def _on_days(given: Expression) -> str:
    if _fits_every_day(given):
        return ""
    if given.days == DAYS:
        return f" {_on_weekdays(given)}"
    days = f" on day {_numbers(given.days)} of the month"
    if given.weekdays == _WEEKDAYS:
        return days
    if given.needs_both_days:
        return f"{days} if that is {listed(['a ' + name for name in _names_of_weekdays(given)], 'or')}"
    return f"{days} and {_on_weekdays(given)}"


def _fits_every_day(given: Expression) -> bool:
    always = (given.days == DAYS, given.weekdays == _WEEKDAYS)
    return all(always) if given.needs_both_days else any(always)


def _on_weekdays(given: Expression) -> str:
    if given.weekdays == WORKING_DAYS:
        return "on weekdays"
    if given.weekdays == WEEKEND:
        return "on weekends"
    return f"on {listed(_names_of_weekdays(given))}"


def _names_of_weekdays(given: Expression) -> list[str]:
    return [WEEKDAYS[day] for day in sorted(given.weekdays, key=lambda day: (day - 1) % 7)]


def _numbers(values: Collection[int]) -> str:
    """Three or more in a row as "5–9"."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words: list[str] = []
    for run in runs:
        words += [f"{run[0]}–{run[-1]}"] if len(run) > 2 else [str(value) for value in run]
    return listed(words)


def listed(words: Sequence[str], conjunction: str = "and") -> str:
    """ "a, b and c" """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


# --- Moments in sentences ----------------------------------------------------------------------


def stamp(moment: datetime) -> str:
    """A moment in a sentence that is kept, and read by people in many zones: "2026-11-23 14:20:00 UTC"."""
    return f"{moment.astimezone(UTC):{STAMP}}"


def in_zone(sentence: str, said_at: datetime, zone: tzinfo) -> str:
    """The sentence with every ``stamp`` on the reader's wall: "cool-down until 14:20"; with its day if another."""

    def on_the_wall(found: re.Match[str]) -> str:
        return clock_words(datetime.strptime(found[0], STAMP).replace(tzinfo=UTC), said_at, zone)

    return STAMPS.sub(on_the_wall, sentence)


# --- Changes of clocks -------------------------------------------------------------------------


def notes(expression: Expression | str, zone: tzinfo, start: datetime, end: datetime) -> list[str]:
    """What the changes of clocks in ``[start, end)`` do to the expression, a sentence each."""
    given = expressions.parse(expression) if isinstance(expression, str) else expression
    return [note for change in clocks.changes(zone, start, end) for note in _notes_of(given, zone, change)]


def _notes_of(given: Expression, zone: tzinfo, change: Change) -> Iterator[str]:
    low, high = sorted((change.before, change.after))
    walls = list(cron.walls_between(given, low, high))
    if not walls:
        return
    if given.minutes == MINUTES or len(walls) > 1:
        what = f"{low:%H:%M} to {high - timedelta(minutes=1):%H:%M}"
    else:
        what = f"{walls[0]:%H:%M}"
    day = f"{change.before.day} {MONTHS[change.before.month - 1]} {change.before.year}"
    if change.is_gap:
        result = "is left out" if given.is_wildcard else f"runs at {change.after:%H:%M}"
        yield f"{day} {what} does not exist in {zone}: {result}"
    else:
        result = "runs both times" if given.is_wildcard else "runs the first time"
        yield f"{day} {what} occurs twice in {zone}: {result}"
