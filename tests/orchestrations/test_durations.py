from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestrations.lib import durations

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 11, 10, 13, 10, tzinfo=UTC)  # 14:10 in Prague


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "N/A"),
        (0, "0 s"),
        (0.03, "0.1 s"),
        (0.34, "0.3 s"),
        (0.97, "1 s"),
        (1.9, "1 s"),
        (9, "9 s"),
        (59.9, "59 s"),
        (60, "1 min 00 s"),
        (489, "8 min 09 s"),
        (678, "11 min 18 s"),
        (3600, "1 h 00 min"),
        (6720, "1 h 52 min"),
        (86400, "1 d 00 h"),
        (97200, "1 d 03 h"),
        (-3, "0 s"),
    ],
)
def test_a_duration_in_a_column_is_exact(seconds: float | None, words: str) -> None:
    assert durations.duration_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "N/A"),
        (0.34, "0.3 s"),
        (9.4, "9 s"),
        (59.7, "1 min"),
        (1440, "24 min"),
        (3599, "1 h"),
        (7440, "2 h 4 min"),
        (86400, "1 day"),
        (259200, "3 days"),
    ],
)
def test_a_duration_in_a_sentence_leaves_out_the_noise(seconds: float | None, words: str) -> None:
    assert durations.rough_words(seconds) == words


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=42), "42 s ago"),
        (timedelta(minutes=2, seconds=50), "2 min ago"),
        (timedelta(hours=8), "8 h ago"),
        (timedelta(hours=14), "14 h ago"),
        (timedelta(hours=15), "yesterday"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=13), "13 days ago"),
        (timedelta(days=20), "2 weeks ago"),
        (timedelta(days=59), "8 weeks ago"),
        (timedelta(days=60), "2 months ago"),
        (timedelta(days=364), "12 months ago"),
        (timedelta(days=365), "2025-11-10"),
        (-timedelta(minutes=4), "in 4 min"),
        (-timedelta(hours=15, minutes=49), "in 15 h 49 min"),
    ],
)
def test_a_distance_is_told_as_people_say_it(back: timedelta, words: str) -> None:
    assert durations.distance_words(NOW - back, NOW, PRAGUE) == words


def test_days_are_those_of_the_viewer() -> None:
    then = datetime(2026, 11, 9, 23, 30, tzinfo=UTC)  # already 00:30 of the next day in Prague

    assert durations.distance_words(then, NOW, PRAGUE) == "13 h ago"
    assert durations.distance_words(then, NOW, UTC) == "yesterday"


def test_a_moment_names_its_zone() -> None:
    when = datetime(2026, 11, 7, 19, 44, 35, tzinfo=UTC)

    assert durations.moment_words(when, PRAGUE) == "2026-11-07 20:44:35"
    assert durations.moment_title(when, PRAGUE) == "2026-11-07 20:44:35 CET (Europe/Prague)"
    assert durations.moment_title(when, ZoneInfo("UTC")) == "2026-11-07 19:44:35 UTC"


def test_the_hour_that_occurs_twice_is_told_apart() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    titles = [durations.moment_title(when, PRAGUE) for when in (first, second)]

    assert titles == ["2026-10-25 02:30:00 CEST (Europe/Prague)", "2026-10-25 02:30:00 CET (Europe/Prague)"]


def test_a_clock_leaves_out_the_day_only_today() -> None:
    assert durations.clock_words(NOW + timedelta(minutes=14), NOW, PRAGUE) == "14:24"
    assert durations.clock_words(NOW + timedelta(hours=12), NOW, PRAGUE) == "2026-11-11 02:10"
