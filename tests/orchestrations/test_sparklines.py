"""The bars of the last runs."""

from __future__ import annotations

from orchestrations.lib.sparklines import draw


def test_the_tallest_bar_is_the_longest_run_and_the_newest_is_at_the_end() -> None:
    paths = draw([("success", 30.0, 0), ("success", 60.0, 0)])

    assert [(path.status, path.d) for path in paths] == [("success", "M108 16h4v12h-4zM114 4h4v24h-4z")]


def test_a_run_that_was_not_good_has_a_mark_below_the_base_line() -> None:
    (path,) = draw([("error", 10.0, 4)])

    assert path.d == "M114 4h4v24h-4zM114 30h4v4h-4z"


def test_what_took_no_time_or_has_not_ended_is_still_seen() -> None:
    paths = draw([("error", 0.0, 0), ("processing", None, 0), ("success", 1e-9, 0), ("success", 100.0, 0)])

    assert [path.d.split("z")[0] for path in paths] == ["M96 25h4v3h-4", "M102 25h4v3h-4", "M108 25h4v3h-4"]


def test_nothing_is_drawn_of_no_runs() -> None:
    assert draw([]) == []
