"""How deep orchestrations may run each other (R8). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NESTING_LEVELS = 2


def problem(runs: Mapping[int, Iterable[int]], start: int) -> list[int] | None:
    """The path of a cycle or of a chain deeper than allowed that goes through ``start``; None if there is none (R8).

    ``runs`` maps an orchestration to the orchestrations that its tasks run.
    """
    callers: dict[int, list[int]] = {}
    for caller, callees in runs.items():
        for callee in callees:
            callers.setdefault(callee, []).append(caller)
    limit = NESTING_LEVELS + 1
    downwards = _longest(runs, start, limit)
    upwards = list(reversed(_longest(callers, start, limit)))
    path = [*upwards[:-1], *downwards]
    return path if len(path) > limit or len(set(path)) < len(path) else None


def _longest(edges: Mapping[int, Iterable[int]], node: int, limit: int) -> list[int]:
    """The longest path from ``node``, cut once it is longer than ``limit`` (so a cycle ends too)."""
    if limit < 0:
        return [node]
    tails = (_longest(edges, other, limit - 1) for other in edges.get(node, ()))
    return [node, *max(tails, key=len, default=[])]
