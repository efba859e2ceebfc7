"""When the phases of a run on its way should start, and how that is drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrations.lib import timelines
from orchestrations.lib.timelines import Piece, Span

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = BEGIN + timedelta(seconds=60)


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else BEGIN + timedelta(seconds=seconds)


def span(
    created: float | None = None, started: float | None = None, ended: float | None = None, usual: float | None = None
) -> Span:
    return Span(status="x", created_at=at(created), started_at=at(started), ended_at=at(ended), usual_seconds=usual)


@pytest.mark.parametrize(
    ("phases", "starts"),
    [
        ([[span(0, 0, 50)], [span(usual=5)]], [0, 60]),
        ([[span(0, 0, usual=100)], [span(usual=30)], [span(usual=1)]], [0, 100, 130]),
        ([[span(0, 0, usual=20)], [span(usual=30)], [span()]], [0, 60, 90]),
        ([[span(0, 0, usual=100), span(0, usual=70)], [span()]], [0, 130]),
        ([[span(0, 0, 5), span(0, 0)], [span(usual=30)]], [0, None]),
        ([[span(0, 0, 5)], [span(usual=9), span()], [span(usual=9)]], [0, 60, None]),
        ([[span(usual=9)]], [None]),
    ],
    ids=["ended", "one after another", "late", "waiting", "unknown now", "unknown later", "not begun"],
)
def test_a_phase_starts_when_the_slowest_before_it_should_have_ended(
    phases: list[list[Span]], starts: list[float | None]
) -> None:
    assert timelines.phase_starts(phases, NOW) == [at(seconds) for seconds in starts]


def test_what_has_not_started_is_outlined_where_it_should_work() -> None:
    begun = Span(status="processing", created_at=BEGIN, started_at=BEGIN, usual_seconds=100)
    ahead = Span(status="x", usual_seconds=92, expected_at=at(100))
    waiting = Span(status="waiting", created_at=BEGIN, usual_seconds=40, expected_at=BEGIN)
    unknown = Span(status="x", expected_at=at(100))

    drawn = timelines.draw([begun, ahead, waiting, unknown], begin=BEGIN, end=None, now=NOW, zone=UTC)

    width = 192 * 1.04
    assert [bars.expected for bars in drawn.bars] == [
        Piece(timelines.percent(60 / width * 100), timelines.percent(40 / width * 100)),
        Piece(timelines.percent(100 / width * 100), timelines.percent(92 / width * 100)),
        Piece(timelines.percent(60 / width * 100), timelines.percent(40 / width * 100)),
        None,
    ]
    assert [bars.is_drawn for bars in drawn.bars] == [True, True, True, False]
