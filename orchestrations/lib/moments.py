"""Moments as people and clients write them: ISO 8601, ``@1767225600``, ``-8 hours``, ``yesterday``. Pure."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

_SECONDS = {
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "fortnight": 14 * 86_400,
}
_MONTHS = {"month": 1, "year": 12}
_UNITS = "|".join(sorted([*_SECONDS, *_MONTHS], key=len, reverse=True))
_STEP = re.compile(rf"\s*([+-]?)\s*([0-9]{{1,9}})\s*({_UNITS})s?(\s+ago)?\b", re.ASCII)
_DAYS = {"today": 0, "midnight": 0, "yesterday": -1, "tomorrow": 1}
# In a query "+" means a space, and many clients forget to escape it.
_LOST_PLUS = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})$", re.ASCII)


class InvalidMoment(ValueError):
    """A text that names no moment; the message is for the user."""


def parse(text: str, now: datetime) -> datetime:
    """The aware moment that ``text`` names, relative ones from ``now``; without an offset it is UTC."""
    try:
        return _parse(text.strip(), now)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidMoment('expected a moment such as "2026-01-31T08:00:00+01:00" or "-8 hours".') from error


def _parse(text: str, now: datetime) -> datetime:
    if re.fullmatch(r"@[0-9]{1,12}(\.[0-9]{1,9})?", text, re.ASCII):
        return datetime.fromtimestamp(float(text[1:]), UTC)
    word, _, rest = text.lower().partition(" ")
    if word == "now":
        return _moved(now, rest)
    if word in _DAYS:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return _moved(midnight + timedelta(days=_DAYS[word]), rest)
    if _STEP.match(text.lower()):
        return _moved(now, text.lower())
    moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Around the years 1 and 9999 a moment may have no UTC.
    return moment.astimezone(UTC)


def _moved(moment: datetime, steps: str) -> datetime:
    place = 0
    while steps[place:].strip():
        match = _STEP.match(steps, place)
        if match is None:
            raise ValueError(steps)
        count = int(match[2]) * (-1 if (match[1] == "-") != bool(match[4]) else 1)
        unit = match[3]
        if unit in _MONTHS:
            moment = _in_months(moment, count * _MONTHS[unit])
        else:
            moment += timedelta(seconds=count * _SECONDS[unit])
        place = match.end()
    return moment


def _in_months(moment: datetime, months: int) -> datetime:
    """The same day of another month, or that month's last one."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(year)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
