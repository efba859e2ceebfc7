"""Cron expressions as Debian's cron reads them: five fields, or a word such as ``@daily``. Pure.

A field holds numbers, names (months and weekdays), ranges, steps of a range or of ``*``, and lists of those.
Weekday 7 is Sunday. Day of month and weekday: either of them is enough, unless one begins with ``*``; then both must
fit. An expression that would never fire is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 255
WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MOST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]+))?", re.ASCII)


class InvalidExpression(ValueError):
    """The message names the field and the value; ``field`` is one of ``Field.name``, empty for the whole."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def everything(self) -> frozenset[int]:
        return frozenset(range(self.low, self.high + 1)) - ({7} if self.name == "weekdays" else set())


FIELDS = (
    Field("minutes", "Minutes", 0, 59),
    Field("hours", "Hours", 0, 23),
    Field("days", "Days of the month", 1, 31),
    Field("months", "Months", 1, 12, MONTHS),
    Field("weekdays", "Weekdays", 0, 7, WEEKDAYS),
)


@dataclass(frozen=True)
class Expression:
    """The values at which it fires. ``text`` is what was written, with single blanks.

    ``is_wildcard``: minutes or hours begin with ``*``, so it follows the clock on the wall when that is changed (R14).
    ``needs_both_days``: day of month and weekday must both fit; else one of them is enough.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_wildcard: bool
    needs_both_days: bool

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=2048)
def parse(text: str) -> Expression:
    """Raises InvalidExpression."""
    words = text.lower().split()
    if len(text) > LONGEST:
        raise InvalidExpression(f"The expression is too long: at most {LONGEST} signs.")
    if len(words) == 1 and words[0].startswith("@"):
        words = _of_word(words[0])
        written = text.strip().lower()
    else:
        written = " ".join(text.split())
    if len(words) != len(FIELDS):
        raise InvalidExpression(
            "The expression needs five fields (minutes, hours, days of the month, months, weekdays), "
            f"such as 30 6 * * 1-5; {len(words) or 'none'} given."
        )
    minutes, hours, days, months, weekdays = (_values(field, word) for field, word in zip(FIELDS, words, strict=True))
    expression = Expression(
        text=written,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        is_wildcard=words[0].startswith("*") or words[1].startswith("*"),
        needs_both_days=words[2].startswith("*") or words[4].startswith("*"),
    )
    _refuse_never(expression)
    return expression


def _of_word(word: str) -> list[str]:
    if word not in WORDS:
        raise InvalidExpression(f"{word} is not known: use one of {', '.join(WORDS)}, or five fields.")
    return WORDS[word].split()


def _values(field: Field, text: str) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        values.update(_part(field, part))
    return frozenset(values)


def _part(field: Field, part: str) -> range | set[int]:
    match = _PART.fullmatch(part)
    if match is None:
        raise InvalidExpression(f"{field.label}: {part or 'an empty part'} cannot be read{_example(field)}", field.name)
    everything, first, last, step_text = match.groups()
    step = int(step_text) if step_text is not None else 1
    if not 1 <= step <= field.high:
        raise InvalidExpression(f"{field.label}: the step of {part} must be between 1 and {field.high}.", field.name)
    if everything == "*":
        return range(field.low, field.high + 1, step)
    low = _number(field, first)
    if last is None:
        if step_text is not None:
            raise InvalidExpression(
                f"{field.label}: {part} has a step but no range; write {low}-{field.high}/{step}.", field.name
            )
        return {low}
    high = _number(field, last)
    if field.name == "weekdays" and high == 0 < low:
        high = 7  # "fri-sun" ends with Sunday
    if high < low:
        raise InvalidExpression(
            f"{field.label}: the range {first}-{last} runs backwards; write it as two, such as "
            f"{low}-{field.high},{field.low}-{high}.",
            field.name,
        )
    return range(low, high + 1, step)


def _number(field: Field, text: str) -> int:
    if text in field.names:
        return field.names.index(text) + (field.low if field.name == "months" else 0)
    if not text.isdigit():
        raise InvalidExpression(f"{field.label}: {text} is not known{_example(field)}", field.name)
    if not field.low <= int(text) <= field.high:
        raise InvalidExpression(f"{field.label}: {text} is not between {field.low} and {field.high}.", field.name)
    return int(text)


def _example(field: Field) -> str:
    names = f", names ({', '.join(field.names[:2])}, …)" if field.names else ""
    return f"; expected numbers from {field.low} to {field.high}{names}, ranges, steps such as */2, and lists of them."


def _refuse_never(expression: Expression) -> None:
    """Only days that no month of those chosen has can keep an expression from ever firing."""
    if not expression.needs_both_days:
        return
    if min(expression.days) > max(MOST_DAYS[month - 1] for month in expression.months):
        months = ", ".join(MONTHS[month - 1].title() for month in sorted(expression.months))
        raise InvalidExpression(
            f"Days of the month: {expression.text} would never run, {months} has no day {min(expression.days)}.", "days"
        )
