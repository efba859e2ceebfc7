"""Cron in every zone against Debian's rules, minute by minute (R14)."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import cron
from tests.scheduling import debian

ROUNDS = int(os.environ.get("TUTTI_TEST_ROUNDS", "12"))
"""TUTTI_TEST_ROUNDS=1000 takes some minutes and compares about a million answers."""
EXPRESSIONS = ROUNDS
STARTS = 5
ZONES = sorted(debian.CHANGES)


@pytest.mark.parametrize("zone_name", ZONES)
def test_every_answer_is_debians(zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    chance = random.Random(f"{zone_name} {ROUNDS}")
    wrong = []
    for day in debian.CHANGES[zone_name]:
        middle = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
        start, end = middle - timedelta(hours=40), middle + timedelta(hours=40)
        minutes = list(debian.walk(zone, start, end))
        for _ in range(EXPRESSIONS):
            expression = debian.expression(chance)
            try:
                cron.next_after(expression, zone, start)
            except cron.InvalidExpression:
                continue  # the 31st of a month that has none
            fired = debian.firings(expression, minutes)
            for moment in debian.moments(chance, start, end, STARTS):
                later = next((each for each in fired if each > moment), None)
                earlier = next((each for each in reversed(fired) if each < moment), None)
                after, before = (call(expression, zone, moment) for call in (cron.next_after, cron.previous_before))
                if not (after == later if later else after >= end):
                    wrong.append((expression, "after", moment, after, later))
                if not (before == earlier if earlier else before < start):
                    wrong.append((expression, "before", moment, before, earlier))

    assert wrong == []


PLACES = st.sampled_from([ZoneInfo(name) for name in ZONES])
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
EXPRESSION = st.integers().map(lambda seed: debian.expression(random.Random(seed)))


@settings(max_examples=ROUNDS * 12)
@given(expression=EXPRESSION, zone=PLACES, moment=MOMENTS)
def test_forth_and_back_leads_to_the_same_firing(expression: str, zone: ZoneInfo, moment: datetime) -> None:
    try:
        firing = cron.next_after(expression, zone, moment)
    except cron.InvalidExpression:
        return

    assert firing > moment
    assert cron.previous_before(expression, zone, firing) <= moment
    assert cron.next_after(expression, zone, cron.previous_before(expression, zone, firing)) == firing
    assert cron.previous_before(expression, zone, cron.next_after(expression, zone, firing)) == firing


PRAGUE, NEW_YORK = ZoneInfo("Europe/Prague"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        # A fixed time that does not exist runs at the end of the gap, once, and only that day.
        ("30 2 * * *", PRAGUE, "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("0,30 2-3 * * *", PRAGUE, "2026-03-29T00:00", ["2026-03-29T01:00", "2026-03-29T01:30"]),
        # One that occurs twice runs the first time.
        ("30 2 * * *", PRAGUE, "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T00:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        # A wildcard follows the wall: nothing in the gap, everything twice in the overlap.
        ("*/30 2 * * *", PRAGUE, "2026-03-28T12:00", ["2026-03-30T00:00", "2026-03-30T00:30"]),
        (
            "*/30 2 * * *",
            PRAGUE,
            "2026-10-24T12:00",
            ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
        ),
        ("30 * * * *", PRAGUE, "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]),
        # Days: either fits, unless one begins with a star.
        ("0 0 13 * 5", UTC, "2026-11-01T00:00", ["2026-11-06T00:00", "2026-11-13T00:00", "2026-11-20T00:00"]),
        ("0 0 */2 * 7", UTC, "2026-11-01T00:00", ["2026-11-15T00:00", "2026-11-29T00:00", "2026-12-13T00:00"]),
        # The calendar.
        ("0 0 31 * *", UTC, "2026-01-31T00:00", ["2026-03-31T00:00", "2026-05-31T00:00"]),
        ("0 0 29 2 *", UTC, "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 0 29 2 */7", UTC, "2026-01-01T00:00", ["2032-02-29T00:00", "2060-02-29T00:00"]),
        ("@daily", UTC, "2026-01-31T00:00", ["2026-02-01T00:00"]),
        ("@weekly", UTC, "2026-11-23T00:00", ["2026-11-29T00:00"]),
        ("0 12 30 12 *", ZoneInfo("Pacific/Apia"), "2011-12-01T00:00", ["2011-12-30T10:00", "2012-12-29T22:00"]),
    ],
)
def test_by_example(expression: str, zone: ZoneInfo, start: str, expected: list[str]) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    found = []
    for _ in expected:
        moment = cron.next_after(expression, zone, moment)
        found.append(f"{moment:%Y-%m-%dT%H:%M}")

    assert found == expected


def test_a_moment_in_any_zone_gives_an_answer_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    moment = datetime(2026, 11, 23, 9, 0, tzinfo=tokyo)

    assert cron.next_after("0 1 * * *", UTC, moment).isoformat() == "2026-11-23T01:00:00+00:00"


def test_the_firings_of_a_time_begin_with_its_start_and_end_before_its_end() -> None:
    start = datetime(2026, 11, 23, tzinfo=UTC)

    found = list(cron.firings("0 */6 * * *", UTC, start, start + timedelta(days=1)))

    assert [each.hour for each in found] == [0, 6, 12, 18]
    assert [each.day for each in found] == [23] * 4
