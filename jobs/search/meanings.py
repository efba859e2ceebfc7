"""What the terms of a query mean: words checked, durations in seconds, dates as spans of the viewer's zone. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from jobs.search import fields
from jobs.search.syntax import BadQuery, Between, Compared, Exact, Place, Query, Term, Value

LONGEST_NUMBER = 18
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})?(?:s|m|h|d|w|min))+|[0-9]{1,9}(?:\.[0-9]{1,3})?")
_PART = re.compile(r"([0-9.]+)(s|min|m|h|d|w)?")
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}


@dataclass(frozen=True)
class Clock:
    """When it is, and where the viewer is."""

    now: datetime
    zone: tzinfo


@dataclass(frozen=True)
class Seconds:
    """A length of time between two bounds; None is no bound."""

    low: float | None
    high: float | None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True)
class Span:
    """From ``low`` until just before ``high``; None is no bound."""

    low: datetime | None
    high: datetime | None


@dataclass(frozen=True)
class Numbers:
    """From ``low`` to ``high``, both included; None is no bound."""

    low: int | None
    high: int | None


@dataclass(frozen=True)
class Text:
    text: str


Meaning = Seconds | Span | Numbers | Text


def name_of(term: Term) -> str:
    """The field it asks for. Raises BadQuery."""
    name = fields.ALIASES.get(term.field, term.field)
    if name in fields.FIELDS:
        return name
    close = difflib.get_close_matches(name, [*fields.FIELDS, *fields.ALIASES], n=1)
    advice = f"did you mean {close[0]}?" if close else f"the fields are {', '.join(fields.FIELDS)}."
    place = Place(term.place.column, len(term.field))
    raise BadQuery(f"Unknown field “{term.field}”: {advice}", place)


def meaning_of(term: Term, clock: Clock) -> Meaning:
    """Raises BadQuery."""
    name = name_of(term)
    if name == "duration":
        return _seconds(term.value)
    if name == "created":
        return _span(term.value, clock)
    if name == "id":
        return _numbers(term.value)
    if not isinstance(term.value, Exact):
        raise BadQuery(f"“{name}” takes a word, not a range.", term.value.place)
    if name == "run":
        return _numbers(term.value)
    text = term.value.text
    if name in fields.WORDS:
        text = _known(name, text.lower(), term.value.place)
    if not text.strip():
        raise BadQuery(f"“{name}:” needs a value.", term.value.place)
    return Text(text)


def check(query: Query, clock: Clock) -> None:
    """Raises BadQuery for the first term that means nothing."""
    if isinstance(query, Term):
        meaning_of(query, clock)
    parts = getattr(query, "of", ())
    for part in parts if isinstance(parts, tuple) else (parts,):
        check(part, clock)


def _known(name: str, word: str, place: Place) -> str:
    words = fields.WORDS[name]
    if word in words:
        return word
    close = difflib.get_close_matches(word, words, n=1)
    advice = f"did you mean {close[0]}?" if close else f"it is one of {', '.join(words)}."
    raise BadQuery(f"Unknown {name} “{word}”: {advice}", place)


# --- Numbers -----------------------------------------------------------------------------------


def _numbers(value: Value) -> Numbers:
    def number(text: str) -> int | None:
        if text == "*" and not isinstance(value, Exact):
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
            raise BadQuery(f"“{text}” is not the number of a job.", value.place)
        return int(text)

    match value:
        case Exact(text=text):
            return Numbers(number(text), number(text))
        case Compared(sign=sign, text=text):
            bound = number(text) or 0
            low = None if "<" in sign else bound + (sign == ">")
            return Numbers(low, None if ">" in sign else bound - (sign == "<"))
        case Between():
            low, high = number(value.low), number(value.high)
            low = low if low is None or value.with_low else low + 1
            return Numbers(low, high if high is None or value.with_high else high - 1)


# --- Durations ---------------------------------------------------------------------------------


def _seconds(value: Value) -> Seconds:
    def seconds(text: str) -> float | None:
        if text == "*" and isinstance(value, Between):
            return None
        if not _DURATION.fullmatch(text.lower()):
            raise BadQuery(f"“{text}” is no duration: write seconds, or 90s, 2m, 1h30m, 1d.", value.place)
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text.lower()))

    match value:
        case Exact(text=text):
            exactly = seconds(text) or 0
            return Seconds(exactly, exactly + 1, with_high=False)
        case Compared(sign=sign, text=text):
            bound, included = seconds(text), "=" in sign
            return Seconds(bound, None, with_low=included) if ">" in sign else Seconds(None, bound, with_high=included)
        case Between():
            return Seconds(seconds(value.low), seconds(value.high), value.with_low, value.with_high)


# --- Dates -------------------------------------------------------------------------------------


def _span(value: Value, clock: Clock) -> Span:
    def moment(text: str) -> Span:
        if text == "*" and isinstance(value, Between):
            return Span(None, None)
        try:
            return _moment(text.lower(), clock)
        except (ValueError, OverflowError) as error:
            raise BadQuery(
                f"“{text}” is no date: write 2026-11-01, 2026-11-01T08:00, today, yesterday or -7d.", value.place
            ) from error

    match value:
        case Exact(text=text):
            span = moment(text)
            # A moment, such as -7d, is a beginning: "in the last seven days".
            return Span(span.low, None) if span.low == span.high else span
        case Compared(sign=sign, text=text):
            span = moment(text)
            bound = span.high if sign in (">", "<=") else span.low
            return Span(bound, None) if ">" in sign else Span(None, bound)
        case Between():
            low, high = moment(value.low), moment(value.high)
            return Span(low.low if value.with_low else low.high, high.high if value.with_high else high.low)


def _moment(text: str, clock: Clock) -> Span:
    """The day, the minute or the second that the text names; a relative one begins and ends at once."""
    if text == "now":
        return Span(clock.now, clock.now)
    if text in _DAYS:
        day = clock.now.astimezone(clock.zone).date() + timedelta(days=_DAYS[text])
        return _days(day, day, clock)
    if re.fullmatch(r"[+-]?[0-9]{1,6}(m|min|h|d|w)", text, re.ASCII):
        sign = 1 if text[0] == "+" else -1
        (number, unit) = _PART.findall(text)[0]
        then = clock.now + sign * timedelta(seconds=int(number) * _SECONDS[unit])
        return Span(then, then)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text, re.ASCII):
        first = date.fromisoformat(f"{text}-01")
        return _days(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1), clock)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        return _days(date.fromisoformat(text), date.fromisoformat(text), clock)
    named = _MOMENT.fullmatch(text.upper())
    if named is None:
        raise ValueError(text)
    start = datetime.fromisoformat(text.upper())
    start = start if start.tzinfo else start.replace(tzinfo=clock.zone)
    start = start.astimezone(UTC)
    return Span(start, start + timedelta(seconds=1 if named[1] else 60))


def _days(first: date, last: date, clock: Clock) -> Span:
    def midnight(day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=clock.zone).astimezone(UTC)

    return Span(midnight(first), midnight(last + timedelta(days=1)))
