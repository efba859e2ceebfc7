from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrations.lib import moments

NOW = datetime(2026, 3, 31, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31 08:00", "2026-01-31T08:00:00+00:00"),
        ("2026-01-31T08:00:00+01:00", "2026-01-31T07:00:00+00:00"),
        ("2026-01-31T08:00:00 01:00", "2026-01-31T07:00:00+00:00"),
        ("2026-01-31T08:00:00.250Z", "2026-01-31T08:00:00.250000+00:00"),
        ("@1767225600", "2026-01-01T00:00:00+00:00"),
        ("now", "2026-03-31T12:30:15+00:00"),
        ("today", "2026-03-31T00:00:00+00:00"),
        ("yesterday", "2026-03-30T00:00:00+00:00"),
        ("tomorrow", "2026-04-01T00:00:00+00:00"),
        ("-8 hours", "2026-03-31T04:30:15+00:00"),
        (" 8 hours", "2026-03-31T20:30:15+00:00"),
        ("+1 week", "2026-04-07T12:30:15+00:00"),
        ("2 days ago", "2026-03-29T12:30:15+00:00"),
        ("-1 hour -30 min", "2026-03-31T11:00:15+00:00"),
        ("-1 month", "2026-02-28T12:30:15+00:00"),
        ("-1 year", "2025-03-31T12:30:15+00:00"),
        ("-13 MONTHS", "2025-02-28T12:30:15+00:00"),
        ("today -8 hours", "2026-03-30T16:00:00+00:00"),
        ("now -1 day", "2026-03-30T12:30:15+00:00"),
    ],
)
def test_a_moment_is_read(text: str, expected: str) -> None:
    assert moments.parse(text, NOW).isoformat() == expected


NO_MOMENTS = ["", "soon", "@", "8", "2026-02-30", "-8 parsecs", "-999999999 years", "-8 hours and more", "-8hoursago?"]
OUT_OF_TIME = ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00", "@99999999999999", "٣ hours", "x" * 5000]


@pytest.mark.parametrize("text", [*NO_MOMENTS, *OUT_OF_TIME])
def test_what_names_no_moment_is_refused(text: str) -> None:
    with pytest.raises(moments.InvalidMoment, match="expected a moment"):
        moments.parse(text, NOW)
