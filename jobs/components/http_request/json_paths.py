"""A path to one value of a JSON document: `$.jobs[0].status`, `$['odd name'][-1]`. No wildcards, no filters. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from jobs.components.shared.errors import UserError

_STEP = re.compile(r"""\.([^.\[\]'"\s]+)|\[(-?\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]""")

MISSING: Any = object()
"""Nothing is there; null is something."""


def parse(text: str, field: str) -> list[str | int]:
    """The steps from the root. ``field``: whose path it is. Raises UserError."""
    path = text.strip()
    steps: list[str | int] = []
    place = 1
    while path.startswith("$") and place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            break
        name, index, *quoted = match.groups()
        steps.append(int(index) if index else next(part for part in (name, *quoted) if part is not None))
        place = match.end()
    if not path.startswith("$") or place < len(path):
        raise UserError(f"{field}: {text!r} is not a JSON path such as $.jobs[0].status.")
    return steps


def find(document: Any, steps: list[str | int]) -> Any:
    """MISSING when the document has no such place."""
    for step in steps:
        if not _has(document, step):
            return MISSING
        document = document[step]
    return document


def _has(document: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(document, dict) and step in document
    return isinstance(document, list) and -len(document) <= step < len(document)


def as_text(value: Any) -> str:
    """A text as it is, null as nothing, all else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
