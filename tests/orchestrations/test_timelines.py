from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrations.lib.timelines import Bars, Piece, Span, blank, draw

BEGIN = datetime(2026, 11, 10, 13, 0, 3, tzinfo=UTC)
PRAGUE = ZoneInfo("Europe/Prague")


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_a_settled_run_fills_the_width() -> None:
    span = Span(status="success", created_at=BEGIN, started_at=after(25), ended_at=after(100))

    timeline = draw([span], begin=BEGIN, end=after(100), now=after(5000), zone=PRAGUE)

    assert timeline.bars[0].waiting == Piece("0.00%", "25.00%")
    assert timeline.bars[0].processing == Piece("25.00%", "75.00%")
    assert timeline.bars[0].expected is None
    assert timeline.now_x == ""


def test_a_running_task_shows_what_is_expected_of_it() -> None:
    span = Span(status="processing", created_at=BEGIN, started_at=BEGIN, usual_seconds=200)

    timeline = draw([span], begin=BEGIN, end=None, now=after(52), zone=PRAGUE)

    assert timeline.now_x == "25.00%"
    assert timeline.bars[0].waiting is None
    assert timeline.bars[0].processing == Piece("0.00%", "25.00%")
    assert timeline.bars[0].expected == Piece("25.00%", "71.15%")
    assert timeline.bars[0].usual_x == "96.15%"


def test_a_waiting_task_is_only_hatched() -> None:
    timeline = draw([Span(status="waiting", created_at=after(26))], begin=BEGIN, end=None, now=after(52), zone=PRAGUE)

    assert timeline.bars[0].processing is None
    assert timeline.bars[0].waiting == Piece("48.08%", "48.08%")


def test_a_task_without_a_job_draws_nothing() -> None:
    bars = draw([Span(status="not-executed")], begin=BEGIN, end=after(9), now=after(9), zone=PRAGUE).bars[0]

    assert (bars.waiting, bars.processing, bars.expected) == (None, None, None)


def test_a_task_of_a_millisecond_is_still_seen_inside_the_drawing() -> None:
    span = Span(status="success", created_at=after(1000), started_at=after(1000), ended_at=after(1000.001))

    timeline = draw([span], begin=BEGIN, end=after(1000), now=after(1000), zone=PRAGUE)

    assert timeline.bars[0].processing == Piece("99.60%", "0.40%")


def test_a_short_run_counts_from_its_start_and_a_long_one_shows_the_clock() -> None:
    short = draw([], begin=BEGIN, end=after(10), now=after(10), zone=PRAGUE)
    long = draw([], begin=BEGIN, end=after(1500), now=after(1500), zone=PRAGUE)

    assert [tick.label for tick in short.ticks] == ["0 s", "2 s", "4 s", "6 s", "8 s", ""]
    assert [tick.label for tick in long.ticks] == ["14:05", "14:10", "14:15", "14:20", ""]


def test_an_axis_has_one_unit() -> None:
    of_seconds = draw([], begin=BEGIN, end=after(110), now=after(110), zone=PRAGUE)
    of_minutes = draw([], begin=BEGIN, end=after(290), now=after(290), zone=PRAGUE)

    assert [tick.label for tick in of_seconds.ticks] == ["0 s", "20 s", "40 s", "60 s", "80 s", "100 s"]
    assert [tick.label for tick in of_minutes.ticks] == ["0 min", "1 min", "2 min", "3 min", "4 min"]


def test_a_label_gives_way_to_now() -> None:
    timeline = draw([], begin=BEGIN, end=None, now=after(900), zone=PRAGUE)

    assert timeline.now_x == "96.15%"
    assert "14:10" in [tick.label for tick in timeline.ticks]
    assert "14:15" not in [tick.label for tick in timeline.ticks]


def test_a_run_of_no_length_is_drawn() -> None:
    timeline = draw([Span(status="error", created_at=BEGIN)], begin=BEGIN, end=BEGIN, now=BEGIN, zone=PRAGUE)

    assert timeline.ticks[0].label == "0 s"


def test_a_run_that_has_not_begun_has_no_axis() -> None:
    timeline = blank([Span(status="waiting", usual_seconds=20)])

    assert (timeline.ticks, timeline.now_x, timeline.bars) == ([], "", [Bars("waiting")])
