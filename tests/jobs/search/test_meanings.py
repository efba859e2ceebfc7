"""Words, numbers, durations and dates of a query, and sentences for those that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.models import Cause
from jobs.search import fields, meanings
from jobs.search.meanings import Clock, Meaning, Numbers, Seconds, Span, Text
from jobs.search.parsing import parse
from jobs.search.syntax import BadQuery, Term

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00")


def meaning_of(text: str) -> Meaning:
    term = parse(text)
    assert isinstance(term, Term)
    return meanings.meaning_of(term, Clock(NOW, PRAGUE))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("duration:120", Seconds(120, 121, with_high=False)),
        ("duration:>2m", Seconds(120, None, with_low=False)),
        ("duration:>=1h30m", Seconds(5400, None)),
        ("duration:<1.5s", Seconds(None, 1.5, with_high=False)),
        ("duration:[1m TO 1d}", Seconds(60, 86400, with_high=False)),
        ("duration:{* TO 5}", Seconds(None, 5, with_low=False, with_high=False)),
        ("id:12", Numbers(12, 12)),
        ("id:>12", Numbers(13, None)),
        ("id:<12", Numbers(None, 11)),
        ("id:[3 TO 5}", Numbers(3, 4)),
        ("run:7", Numbers(7, 7)),
        ("status:ERROR", Text("error")),
        ("config:Orders", Text("Orders")),
    ],
)
def test_numbers_durations_and_words(text: str, meaning: Meaning) -> None:
    assert meaning_of(text) == meaning


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("created:2026-11-01", "10-31T23:00", "11-01T23:00"),
        ("created:today", "11-22T23:00", "11-23T23:00"),
        ("created:yesterday", "11-21T23:00", "11-22T23:00"),
        # A day of 25 hours, when summer time ends.
        ("created:2026-10-25", "10-24T22:00", "10-25T23:00"),
        ("created:2026-10", "09-30T22:00", "10-31T23:00"),
        ("created:2026-11-01T08:00", "11-01T07:00", "11-01T07:01"),
        ("created:2026-11-01T08:00:30", "11-01T07:00:30", "11-01T07:00:31"),
        ("created:2026-11-01T08:00Z", "11-01T08:00", "11-01T08:01"),
        ('created:"2026-11-01 08:00"', "11-01T07:00", "11-01T07:01"),
        ("created:-7d", "11-16T12:00", None),
        ("created:>-90min", "11-23T10:30", None),
        ("created:>2026-11-01", "11-01T23:00", None),
        ("created:>=2026-11-01", "10-31T23:00", None),
        ("created:<2026-11-01", None, "10-31T23:00"),
        ("created:<=2026-11-01", None, "11-01T23:00"),
        ("created:[2026-11-01 TO 2026-11-07]", "10-31T23:00", "11-07T23:00"),
        ("created:{2026-11-01 TO 2026-11-07}", "11-01T23:00", "11-06T23:00"),
        ("created:[-1w TO *]", "11-16T12:00", None),
    ],
)
def test_dates_are_those_of_the_viewer(text: str, low: str | None, high: str | None) -> None:
    assert meaning_of(text) == Span(utc(low) if low else None, utc(high) if high else None)


@pytest.mark.parametrize(
    ("text", "message", "column", "length"),
    [
        ("statsu:error", "Unknown field “statsu”: did you mean status?", 1, 6),
        ("colour:red", f"Unknown field “colour”: the fields are {', '.join(fields.FIELDS)}.", 1, 6),
        ("status:eror", "Unknown status “eror”: did you mean error?", 8, 4),
        ("is:blue", "Unknown is “blue”: it is one of run, task, partial.", 4, 4),
        ("status:>error", "“status” takes a word, not a range.", 8, 6),
        ("duration:long", "“long” is no duration: write seconds, or 90s, 2m, 1h30m, 1d.", 10, 4),
        ("id:x", "“x” is not the number of a job.", 4, 1),
        ("run:>1", "“run” takes a word, not a range.", 5, 2),
        (
            "created:soon",
            "“soon” is no date: write 2026-11-01, 2026-11-01T08:00, today, yesterday or -7d.",
            9,
            4,
        ),
    ],
)
def test_a_term_that_means_nothing_is_told_with_its_place(text: str, message: str, column: int, length: int) -> None:
    with pytest.raises(BadQuery) as refusal:
        meaning_of(text)

    place = refusal.value.place
    assert (refusal.value.message, place.column, place.length) == (message, column, length)


def test_every_cause_can_be_asked_for() -> None:
    assert list(fields.CAUSES) == Cause.values
