"""Counts and sizes in words."""

import pytest

from orchestrations.lib.amounts import count_words, size_words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0"), (999, "999"), (1000, "1\u202f000"), (12480311, "12\u202f480\u202f311"), (-1200, "-1\u202f200")],
)
def test_counts_stand_in_groups_of_three(count: int, words: str) -> None:
    assert count_words(count) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (-1, "0 B"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (4249, "4.2 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (38_200_000, "38 MB"),
        (1_130_000_000, "1.1 GB"),
        (10**19, "10000 PB"),
    ],
)
def test_sizes_have_three_figures_at_most(size: int, words: str) -> None:
    assert size_words(size) == words
