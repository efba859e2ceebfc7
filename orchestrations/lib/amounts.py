"""Counts and sizes in words. Pure."""

from __future__ import annotations

THIN = "\u202f"
"""A narrow space that no line is broken at."""
_UNITS = ("kB", "MB", "GB", "TB", "PB")
STEP = 1000


def count_words(count: int) -> str:
    """Exact, in groups of three: "12 480 311"."""
    return f"{count:,}".replace(",", THIN)


def size_words(size_bytes: int) -> str:
    """Three figures at most, in steps of a thousand: "0 B", "812 B", "4.2 kB", "38 MB", "1.1 GB"."""
    if size_bytes < STEP:
        return f"{max(0, size_bytes)} B"
    amount = float(size_bytes)
    for unit in _UNITS:
        amount /= STEP
        figures = f"{amount:.1f}" if amount < 9.95 else f"{amount:.0f}"
        if float(figures) < STEP or unit == _UNITS[-1]:
            return f"{figures.removesuffix('.0')} {unit}"
    raise AssertionError("the last unit takes everything")
