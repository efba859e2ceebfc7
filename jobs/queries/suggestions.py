"""What could be typed next in a query of jobs, with the names of the project."""

from __future__ import annotations

from jobs.queries.names import Names
from jobs.search import suggesting
from jobs.search.fields import ME
from orchestrations.components import catalogue


def at(text: str, caret: int, names: Names) -> list[suggesting.Suggestion]:
    """Nothing inside of what cannot be completed."""
    typed = suggesting.typed_at(text, caret)
    if typed is None:
        return []
    return (
        suggesting.of_fields(typed) or suggesting.of_words(typed) or suggesting.of_values(typed, _values(typed, names))
    )


def _values(typed: suggesting.Typed, names: Names) -> list[tuple[str, str]]:
    if typed.field == "component":
        return [(each.name, kind.value) for kind, components in catalogue.offered() for each in components]
    if typed.field == "configuration":
        return [(name, "") for name in dict.fromkeys(name for _, _, name in names.configurations)]
    if typed.field == "by":
        return [(ME, "Started by you"), *((name or email, email) for _, name, email in names.people)]
    return []
