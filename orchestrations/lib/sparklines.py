"""The geometry of a sparkline: one bar a run, its height the duration, a mark below when it was not good. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

STEP, WIDTH = 6, 4  # px from bar to bar, and of a bar
BASE, TALLEST, LEAST = 28, 24, 3  # px: the base line, the tallest bar, one that took no time
MARK = 30  # px: where the marks begin
BARS = 20


@dataclass(frozen=True)
class Path:
    """All bars and marks of one status, as the attribute ``d``: a list of sparklines stays small and quick to draw."""

    status: str
    d: str


def draw(runs: Sequence[tuple[str, float | None, int]]) -> list[Path]:
    """``runs``, oldest first: status, seconds (None: not ended), height of the mark. The last bar is at the end."""
    longest = max((seconds for _, seconds, _ in runs if seconds), default=0.0)
    parts: dict[str, list[str]] = {}
    for place, (status, seconds, mark) in enumerate(runs, BARS - len(runs)):
        height = _height(seconds, longest)
        part = parts.setdefault(status, [])
        part.append(f"M{place * STEP} {BASE - height}h{WIDTH}v{height}h-{WIDTH}z")
        if mark:
            part.append(f"M{place * STEP} {MARK}h{WIDTH}v{mark}h-{WIDTH}z")
    return [Path(status, "".join(part)) for status, part in parts.items()]


def _height(seconds: float | None, longest: float) -> int:
    if not seconds or not longest:
        return LEAST
    return max(LEAST, round(TALLEST * seconds / longest))
