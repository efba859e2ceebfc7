"""What is being typed in a query, and how it reads once completed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jobs.search import fields
from jobs.search.syntax import written

MOST = 10
_TERM = re.compile(r'(?P<before>(?:^|[\s(])(?:-|NOT\s+)?)(?:(?P<field>[A-Za-z_]\w*):)?(?P<typed>"[^"]*|[^\s()"]*)\Z')


@dataclass(frozen=True)
class Suggestion:
    """``text``: the whole query with it; ``caret``: where typing goes on."""

    label: str
    what: str
    text: str
    caret: int


@dataclass(frozen=True)
class Typed:
    """The last piece before the caret: a field that is begun, or the value of one."""

    field: str
    text: str
    before: str
    after: str

    def completed(self, label: str, what: str, piece: str, *, goes_on: bool = False) -> Suggestion:
        rest = self.after.lstrip()
        before = f"{self.before}{piece}" + ("" if goes_on else " ")
        return Suggestion(label, what, before + rest, len(before))


def typed_at(text: str, caret: int) -> Typed | None:
    """None inside of what cannot be completed."""
    found = _TERM.search(text[:caret])
    if found is None:
        return None
    after = re.sub(r'^[^\s()"]*"?', "", text[caret:])
    name = (found["field"] or "").lower()
    return Typed(fields.ALIASES.get(name, name), found["typed"].lstrip('"'), text[: found.end("before")], after)


def of_fields(typed: Typed) -> list[Suggestion]:
    if typed.field:
        return []
    return [
        typed.completed(f"{field.name}:", field.what, f"{field.name}:", goes_on=True)
        for field in fields.FIELDS.values()
        if field.name.startswith(typed.text.lower())
    ]


def of_words(typed: Typed) -> list[Suggestion]:
    """Words that the field takes, as far as they are known without asking anybody."""
    words = fields.WORDS.get(typed.field) or fields.EXAMPLES.get(typed.field) or {}
    return of_values(typed, words.items())


def of_values(typed: Typed, values: Iterable[tuple[str, str]]) -> list[Suggestion]:
    """``values``: (value, what it says beside it); those that begin so first, then those that hold it."""
    sought = typed.text.casefold()
    matching = [(value, what) for value, what in values if sought in value.casefold() or sought in what.casefold()]
    matching.sort(key=lambda each: not each[0].casefold().startswith(sought))
    name = typed.field
    return [
        typed.completed(value, what, f"{name}:{value if name in fields.EXAMPLES else written(value)}")
        for value, what in matching[:MOST]
    ]
