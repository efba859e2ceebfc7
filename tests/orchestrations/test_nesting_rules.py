"""R8: how deep orchestrations may run each other. Pure."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrations import nesting


@pytest.mark.parametrize(
    ("edges", "start", "path"),
    [
        ({}, 1, None),
        ({1: [2]}, 1, None),
        ({1: [2], 2: [3]}, 1, None),
        ({1: [2], 2: [3]}, 2, None),
        ({1: [2], 2: [3]}, 3, None),
        ({1: [2, 3], 4: [2, 3], 3: [2]}, 3, None),
        ({1: [2], 2: [3], 3: [4]}, 1, [1, 2, 3, 4]),
        ({1: [2], 2: [3], 3: [4]}, 2, [1, 2, 3, 4]),
        ({1: [2], 2: [3], 3: [4]}, 3, [1, 2, 3, 4]),
        ({1: [2], 2: [3], 3: [4]}, 4, [1, 2, 3, 4]),
    ],
)
def test_two_levels_are_allowed_and_three_are_refused_from_wherever_one_looks(
    edges: dict[int, list[int]], start: int, path: list[int] | None
) -> None:
    assert nesting.problem(edges, start) == path


@pytest.mark.parametrize("edges", [{1: [1]}, {1: [2], 2: [1]}, {1: [2], 2: [3], 3: [1]}])
def test_a_cycle_is_refused_with_a_path_that_shows_it(edges: dict[int, list[int]]) -> None:
    for start in edges:
        path = nesting.problem(edges, start)

        assert path is not None
        assert len(set(path)) < len(path)
        assert all(callee in edges[caller] for caller, callee in pairwise(path))


@given(st.dictionaries(st.integers(1, 6), st.lists(st.integers(1, 6), max_size=3), max_size=6), st.integers(1, 6))
def test_a_problem_is_found_exactly_when_a_long_path_goes_through_the_start(
    edges: dict[int, list[int]], start: int
) -> None:
    too_long = nesting.NESTING_LEVELS + 2

    found = nesting.problem(edges, start)

    def walks(node: int, nodes: int) -> list[list[int]]:
        return (
            [[node]]
            if nodes == 1
            else [[node, *rest] for next_ in edges.get(node, ()) for rest in walks(next_, nodes - 1)]
        )

    expected = any(start in walk for node in range(1, 7) for walk in walks(node, too_long))
    assert (found is not None) is expected
