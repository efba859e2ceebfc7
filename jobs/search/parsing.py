"""From the text of a query to its tree. The parser is loaded by the first text: most processes never see one. Pure."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from jobs.search.syntax import All, Query


def parse(text: str) -> Query:
    """Raises BadQuery."""
    if not text.strip():
        return All()
    found: Query = _grammar().parse(text)
    return found


@cache
def _grammar() -> Any:
    return import_module("jobs.search.grammar")
