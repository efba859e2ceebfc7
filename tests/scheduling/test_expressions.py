"""Reading cron expressions, and saying them in words."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scheduling import expressions, wording
from scheduling.expressions import FIELDS, InvalidExpression


@pytest.mark.parametrize(
    ("text", "field", "sentence"),
    [
        ("60 * * * *", "minutes", "Minutes: 60 is not between 0 and 59."),
        ("* 24 * * *", "hours", "Hours: 24 is not between 0 and 23."),
        ("0 0 0 * *", "days", "Days of the month: 0 is not between 1 and 31."),
        ("0 0 * 13 *", "months", "Months: 13 is not between 1 and 12."),
        ("0 0 * * 8", "weekdays", "Weekdays: 8 is not between 0 and 7."),
        ("0 0 * * monday", "weekdays", "Weekdays: monday is not known"),
        ("0 0 * juli *", "months", "Months: juli is not known"),
        ("5/15 * * * *", "minutes", "Minutes: 5/15 has a step but no range; write 5-59/15."),
        ("*/0 * * * *", "minutes", "Minutes: the step of */0 must be between 1 and 59."),
        ("0 20-4 * * *", "hours", "Hours: the range 20-4 runs backwards; write it as two, such as 20-23,0-4."),
        ("0, * * * *", "minutes", "Minutes: an empty part cannot be read"),
        ("0 0 l * *", "days", "Days of the month: l is not known"),
        ("0 0 * * 5#2", "weekdays", "Weekdays: 5#2 cannot be read"),
        ("0 0 ٣ * *", "days", "Days of the month: ٣ cannot be read"),
        ("-1 * * * *", "minutes", "Minutes: -1 cannot be read"),
        ("0 0 30 2 *", "days", "Days of the month: 0 0 30 2 * would never run, Feb has no day 30."),
        ("0 0 31 2,4,jun */2", "days", "would never run, Feb, Apr, Jun has no day 31."),
        ("* * * *", "", "The expression needs five fields"),
        ("0 * * * * *", "", "6 given."),
        ("", "", "none given."),
        ("@reboot", "", "@reboot is not known"),
        ("1," * 200 + "1 * * * *", "", "at most 255 signs"),
    ],
)
def test_a_refusal_names_the_field_and_the_value(text: str, field: str, sentence: str) -> None:
    with pytest.raises(InvalidExpression) as refusal:
        expressions.parse(text)

    assert sentence in str(refusal.value)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * fri-sun", "0 0 * * 5,6,0"),
        ("0 0 * JAN-mar MON", "0 0 * 1-3 1"),
        ("*/20 * * * *", "0,20,40 * * * *"),
        ("10-40/15 8-10 * * *", "10,25,40 8,9,10 * * *"),
        ("0 0 * * */7", "0 0 * * 0"),
        ("@hourly", "0 * * * *"),
        ("  0   0 * * *  ", "@midnight"),
        ("@annually", "@yearly"),
    ],
)
def test_both_mean_the_same(one: str, other: str) -> None:
    left, right = expressions.parse(one), expressions.parse(other)

    assert all(getattr(left, field.name) == getattr(right, field.name) for field in FIELDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("13 0 * * *", "Every day at 00:13"),
        ("@daily", "Every day at 00:00"),
        ("@hourly", "Every hour"),
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0,30 * * * 1-5", "Every 30 minutes on weekdays"),
        ("0,20 * * * 1-5", "At minute 0 and 20 of every hour on weekdays"),
        ("7 * * * *", "At minute 7 of every hour"),
        ("5 */2 * * *", "Every 2 hours at minute 5"),
        ("*/10 9-17 * * mon-fri", "Every 10 minutes from 09:00 to 17:59 on weekdays"),
        ("15 9-17 * * *", "At minute 15 of every hour from 09 to 17"),
        ("* 3 * * *", "Every minute from 03:00 to 03:59"),
        ("0-5,30 2,4,6 * * *", "At minute 0–5 and 30 of hour 2, 4 and 6"),
        ("0 6 * * 1", "Every Monday at 06:00"),
        ("0 6,18 * * 1,4,0", "Every Monday, Thursday and Sunday at 06:00 and 18:00"),
        ("0 6 * * 0,6", "On weekends at 06:00"),
        ("0 6 1,15 * *", "On day 1 and 15 of the month at 06:00"),
        ("0 6 1 1,7 *", "On day 1 of the month at 06:00 in January and July"),
        ("0 6 13 * 5", "On day 13 of the month and on Friday at 06:00"),
        ("0 6 1-7 * */7", "On day 1–7 of the month if that is a Sunday at 06:00"),
        ("0 6 1-31 * 1", "Every day at 06:00"),
        ("*/5 * * 12 *", "Every 5 minutes in December"),
    ],
)
def test_in_words(text: str, words: str) -> None:
    assert wording.describe(text) == words


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        (
            "30 2 * * *",
            "Europe/Prague",
            [
                "29 March 2026 02:30 does not exist in Europe/Prague: runs at 03:00",
                "25 October 2026 02:30 occurs twice in Europe/Prague: runs the first time",
            ],
        ),
        (
            "*/30 * * * *",
            "Europe/Prague",
            [
                "29 March 2026 02:00 to 02:59 does not exist in Europe/Prague: is left out",
                "25 October 2026 02:00 to 02:59 occurs twice in Europe/Prague: runs both times",
            ],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            [
                "4 October 2026 02:15 does not exist in Australia/Lord_Howe: runs at 02:30",
            ],
        ),
        ("0 12 * * *", "Europe/Prague", []),
        ("30 2 * * 1", "Europe/Prague", []),
        ("30 2 * * *", "UTC", []),
    ],
)
def test_changes_of_clocks_are_noted(text: str, zone: str, expected: list[str]) -> None:
    found = wording.notes(text, ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

    assert found == expected
