"""The geometry of a sparkline: one bar a run, its height the duration, a mark below when it was not good. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

STEP, WIDTH = 6, 4  # px from bar to bar, and of a bar
BASE, TALLEST, LEAST = 28, 24, 3  # px: the base line, the tallest bar, one that took no time
BARS = 20
MARK_Y = 30


@dataclass(frozen=True)
class Bar:
    status: str
    x: int
    y: int
    height: int
    mark: int
    """Height of the mark below the base line; 0 is none."""


def draw(runs: Sequence[tuple[str, float | None, int]]) -> list[Bar]:
    """``runs``, oldest first: status, seconds (None: not ended), height of the mark. The last bar is at the end."""
    longest = max((seconds for _, seconds, _ in runs if seconds), default=0.0)
    first = BARS - len(runs)
    return [
        Bar(status, (first + place) * STEP, BASE - height, height, mark)
        for place, (status, seconds, mark) in enumerate(runs)
        for height in [_height(seconds, longest)]
    ]


def _height(seconds: float | None, longest: float) -> int:
    if not seconds or not longest:
        return LEAST
    return max(LEAST, round(TALLEST * seconds / longest))
