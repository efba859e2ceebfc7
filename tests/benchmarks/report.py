"""The table that ``make bench`` prints."""

from __future__ import annotations

from typing import Any

GOALS = {
    "first start": (30, 30),
    "POST to start": (30, 30),
    "W1": (300, 300),
    "W2": (300, 300),
    "W3": (2500, 2500),
    "hand-off": (12, 20),
    "schedule lateness": (50, 50),
    "1000 due at once": (3000, 3000),
    "schedule lateness of 3": (50, 50),
    "1000 due at once of 3": (3000, 3000),
    "idle scheduler CPU": (1, 1),
    "cron answer": (1, 1),
    "up to page": (5000, 5000),
    "POST at 200/s": (100, 100),
    "POST rate": (200, 200),
    "POST errors": (0, 0),
    "idle PSS": (250, 250),
    "idle CPU": (1, 1),
}
UNITS = {
    "idle PSS": "MB",
    "idle CPU": "% of a core",
    "idle scheduler CPU": "% of a core",
    "POST rate": "a second",
    "POST errors": "requests",
}


def table(results: dict[str, dict[str, Any]]) -> str:
    lines = [f"{'':24}{'database':12}{'median':>10}{'p95':>10}{'goal':>8}  {'unit':12}{'times the bare loop':>20}"]
    names = list(dict.fromkeys(name for result in results.values() for name in result if name != "bare"))
    for name in names:
        for place, (kind, result) in enumerate(results.items()):
            if name in result:
                lines.append(_row(name, kind, result, GOALS.get(name, (0, 0))[min(place, 1)]))
    lines += _bare(results)
    return "\n".join(lines)


def _row(name: str, kind: str, result: dict[str, Any], goal: float) -> str:
    figure = result[name]
    p95 = f"{figure['p95']:.1f}" if "p95" in figure else ""
    bare = result.get("bare", {}).get(name)
    ratio = f"{figure['median'] / bare['median']:.1f}" if bare else ""
    unit = UNITS.get(name, "ms")
    return f"{name:24}{kind:12}{figure['median']:>10.1f}{p95:>10}{goal:>8}  {unit:12}{ratio:>20}"


def _bare(results: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["", "The bare loop: the same processes, started by a plain loop that commits three rows for each."]
    for kind, result in results.items():
        figures = ", ".join(f"{name} {figure['median']:.1f} ms" for name, figure in result.get("bare", {}).items())
        lines.append(f"{kind:12}{figures}")
    return lines
