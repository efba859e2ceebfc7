"""The geometry of the score of an orchestration: a run is a column, its duration a bar over an axis. Pure.

Heights are px; across, every column is as wide as the page makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from orchestrations.lib.durations import DAY, HOUR, MINUTE, rough_words

COLUMNS = 30
BASE, TALLEST, LEAST = 124.0, 100.0, 3.0  # the base line, the tallest bar, one that took no time
MOST_RULES = 3
CROWDED = 12.0  # a label nearer than this to that of the usual duration gives way
STEPS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
    *(MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 20, 30)),
    *(HOUR * hours for hours in (1, 2, 3, 6, 12)),
    *(DAY * days for days in (1, 2, 5, 10)),
)
UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s"))
ABSENT = "absent"
"""Of a cell: the task was not part of that run."""
NOT_EXECUTED, WAITING = "not-executed", "waiting"


@dataclass(frozen=True, kw_only=True)
class Run:
    """`seconds`: how long it took, or takes so far; None when it has not started. `mark`: height of its mark."""

    created_at: datetime
    seconds: float | None
    is_active: bool = False
    mark: int = 0


@dataclass(frozen=True)
class Bar:
    """`expected_*` is the outline up to the usual duration, "" when there is none to show."""

    y: str
    height: str
    mark: int = 0
    expected_y: str = ""
    expected_height: str = ""


@dataclass(frozen=True)
class Rule:
    y: str
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """Bars, dates and days in the order of the runs; a day is "" when the run before it was on the same."""

    rules: list[Rule] = field(default_factory=list)
    usual: Rule | None = None
    bars: list[Bar] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    months: str = ""


def draw(runs: Sequence[Run], *, usual_seconds: float | None, zone: tzinfo) -> Chart:
    """``runs``: oldest first."""
    longest = max([usual_seconds or 0.0, *(run.seconds or 0.0 for run in runs)]) or 0.0
    moments = [run.created_at.astimezone(zone) for run in runs]
    dates = [moment.date() for moment in moments]
    usual = Rule(_y(usual_seconds, longest), f"usual {rough_words(usual_seconds)}") if usual_seconds else None
    return Chart(
        rules=_rules(longest, usual_seconds),
        usual=usual,
        bars=[_bar(run, longest, usual_seconds) for run in runs],
        dates=[f"{moment.day} {moment:%b %H:%M}" for moment in moments],
        days=[str(date.day) if place == 0 or dates[place - 1] != date else "" for place, date in enumerate(dates)],
        months=_months([f"{date:%b}" for date in dates]),
    )


def fate(status: str | None, *, is_planned: bool, is_ahead: bool) -> str:
    """What a cell shows. ``status`` of the task's job, None without one; ``is_ahead``: the run may still come to it."""
    if status is not None:
        return status
    if not is_planned:
        return ABSENT
    return WAITING if is_ahead else NOT_EXECUTED


def _bar(run: Run, longest: float, usual_seconds: float | None) -> Bar:
    height = _height(run.seconds, longest)
    expected = _height(usual_seconds, longest) if run.is_active and usual_seconds else 0.0
    if expected <= height:
        return Bar(_px(BASE - height), _px(height), run.mark)
    return Bar(_px(BASE - height), _px(height), run.mark, _px(BASE + 0.5 - expected), _px(expected))


def _rules(longest: float, usual_seconds: float | None) -> list[Rule]:
    if not longest:
        return []
    step = next((step for step in STEPS if longest / step <= MOST_RULES), longest)
    size, unit = next(each for each in UNITS if step >= each[0] or each[0] == 1)
    values = [number * step for number in range(1, int(longest / step) + 1)]
    labels = ["" if _is_crowded(value, usual_seconds, longest) else f"{round(value / size, 3):g}" for value in values]
    last = max((place for place, label in enumerate(labels) if label), default=-1)
    return [
        Rule(_y(value, longest), f"{label} {unit}" if place == last else label)
        for place, (value, label) in enumerate(zip(values, labels, strict=True))
    ]


def _is_crowded(value: float, usual_seconds: float | None, longest: float) -> bool:
    return usual_seconds is not None and abs(value - usual_seconds) / longest * TALLEST < CROWDED


def _height(seconds: float | None, longest: float) -> float:
    return max(LEAST, TALLEST * seconds / longest) if seconds and longest else LEAST


def _y(seconds: float | None, longest: float) -> str:
    return _px(BASE - TALLEST * (seconds or 0.0) / longest) if longest else _px(BASE)


def _px(value: float) -> str:
    """As an SVG attribute, the same in every language."""
    return f"{value:.1f}"


def _months(names: Sequence[str]) -> str:
    """ "Nov", "Oct and Nov", "Aug to Nov" """
    different = list(dict.fromkeys(names))
    if len(different) <= 2:
        return " and ".join(different)
    return f"{different[0]} to {different[-1]}"
