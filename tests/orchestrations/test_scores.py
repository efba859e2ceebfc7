"""The geometry of the score, by tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestrations.lib import scores
from orchestrations.lib.scores import Bar, Run

AT = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)


def run(seconds: float | None, *, days: float = 0, **fields: object) -> Run:
    return Run(created_at=AT + timedelta(days=days), seconds=seconds, **fields)  # type: ignore[arg-type]


def test_bars_stand_on_the_line_and_are_as_high_as_they_took() -> None:
    chart = scores.draw([run(600), run(300), run(0.001), run(None)], usual_seconds=None, zone=UTC)

    assert chart.bars == [Bar("24.0", "100.0"), Bar("74.0", "50.0"), Bar("121.0", "3.0"), Bar("121.0", "3.0")]


def test_only_an_active_run_has_an_outline_up_to_the_usual_duration() -> None:
    chart = scores.draw(
        [run(60), run(60, is_active=True), run(200, is_active=True), run(None, is_active=True)],
        usual_seconds=100,
        zone=UTC,
    )

    assert [bar.expected_height for bar in chart.bars] == ["", "50.0", "", "50.0"]
    assert chart.bars[1] == Bar("94.0", "30.0", 0, "74.5", "50.0")


@pytest.mark.parametrize(
    ("longest", "labels"),
    [
        (0.25, ["0.1", "0.2 s"]),
        (9, ["5 s"]),
        (30, ["10", "20", "30 s"]),
        (70, ["30", "60 s"]),
        (32 * 60, ["15", "30 min"]),
        (3 * 3600, ["1", "2", "3 h"]),
        (25 * 86400, ["10", "20 d"]),
        (50 * 86400, ["50 d"]),
    ],
)
def test_the_axis_has_few_round_lines(longest: float, labels: list[str]) -> None:
    rules = scores.draw([run(longest)], usual_seconds=None, zone=UTC).rules

    assert len(rules) <= 4
    assert [rule.label for rule in rules] == labels


def test_the_label_of_a_line_gives_way_to_that_of_the_usual_duration() -> None:
    chart = scores.draw([run(30 * 60)], usual_seconds=21 * 60, zone=UTC)

    assert [rule.label for rule in chart.rules] == ["10", "", "30 min"]
    assert chart.usual is not None
    assert (chart.usual.label, chart.usual.y) == ("usual 21 min", "54.0")


def test_the_highest_label_that_is_left_names_the_unit() -> None:
    chart = scores.draw([run(80)], usual_seconds=58, zone=UTC)

    assert [rule.label for rule in chart.rules] == ["30 s", ""]


def test_without_any_duration_there_is_no_axis() -> None:
    chart = scores.draw([run(None)], usual_seconds=None, zone=UTC)

    assert (chart.rules, chart.usual) == ([], None)


def test_a_day_is_named_once_and_in_the_zone_of_the_reader() -> None:
    runs = [run(1, days=days) for days in (0, 0.25, 0.45, 2)]

    chart = scores.draw(runs, usual_seconds=None, zone=ZoneInfo("Europe/Prague"))

    assert chart.days == ["30", "", "", "1"]
    assert chart.dates == ["30 Oct 13:00", "30 Oct 19:00", "30 Oct 23:48", "1 Nov 13:00"]
    assert chart.months == "Oct and Nov"


def test_many_months_are_named_from_the_first_to_the_last() -> None:
    chart = scores.draw([run(1, days=days) for days in (0, 10, 40)], usual_seconds=None, zone=UTC)

    assert chart.months == "Oct to Dec"


@pytest.mark.parametrize(
    ("status", "is_planned", "is_ahead", "shown"),
    [
        ("success", True, False, "success"),
        ("error", False, True, "error"),
        (None, True, True, "waiting"),
        (None, True, False, "not-executed"),
        (None, False, True, "absent"),
        (None, False, False, "absent"),
    ],
)
def test_a_cell_tells_what_became_of_a_task(status: str | None, is_planned: bool, is_ahead: bool, shown: str) -> None:
    assert scores.fate(status, is_planned=is_planned, is_ahead=is_ahead) == shown
