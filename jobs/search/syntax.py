"""The tree of a query of jobs, and how it is written: ``str(query)`` is text that parses to the same tree. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass

KEYWORDS = frozenset({"OR", "AND", "NOT", "TO"})
_BARE = re.compile(r"[\w.@*+/][\w.@*+/,-]*")


@dataclass(frozen=True)
class Place:
    """Where in the text something stands: the first character is 1."""

    column: int = 1
    length: int = 0


class BadQuery(ValueError):
    """A text that is no query: what is wrong, in a sentence, and where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


@dataclass(frozen=True)
class Word:
    """Looked for in the name of the configuration."""

    text: str
    place: Place = dataclasses.field(default=Place(), compare=False)

    def __str__(self) -> str:
        return written(self.text)


@dataclass(frozen=True)
class Exact:
    text: str
    place: Place = dataclasses.field(default=Place(), compare=False)

    def __str__(self) -> str:
        return f"-{written(self.text[1:])}" if re.fullmatch(r"-\w+", self.text) else written(self.text)


@dataclass(frozen=True)
class Compared:
    sign: str
    """One of > >= < <=."""
    text: str
    place: Place = dataclasses.field(default=Place(), compare=False)

    def __str__(self) -> str:
        return f"{self.sign}{Exact(self.text)}"


@dataclass(frozen=True)
class Between:
    """``[low TO high]``; a curly bracket leaves its end out, ``*`` is no end."""

    low: str
    high: str
    with_low: bool = True
    with_high: bool = True
    place: Place = dataclasses.field(default=Place(), compare=False)

    def __str__(self) -> str:
        opened, closed = "[" if self.with_low else "{", "]" if self.with_high else "}"
        return f"{opened}{Exact(self.low)} TO {Exact(self.high)}{closed}"


Value = Exact | Compared | Between


@dataclass(frozen=True)
class Term:
    field: str
    value: Value
    place: Place = dataclasses.field(default=Place(), compare=False)

    def __str__(self) -> str:
        return f"{self.field}:{self.value}"


@dataclass(frozen=True)
class Not:
    of: Query

    def __str__(self) -> str:
        return f"-({self.of})" if isinstance(self.of, All | Any) else f"-{self.of}"


@dataclass(frozen=True)
class All:
    """Every part holds; without parts, everything is found."""

    of: tuple[Query, ...] = ()

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Any) else str(part) for part in self.of)


@dataclass(frozen=True)
class Any:
    of: tuple[Query, ...]

    def __str__(self) -> str:
        return " OR ".join(str(part) for part in self.of)


Query = Word | Term | Not | All | Any


def every(parts: tuple[Query, ...]) -> Query:
    """All of them, without needless nesting."""
    flat = tuple(inner for part in parts for inner in (part.of if isinstance(part, All) else (part,)))
    return flat[0] if len(flat) == 1 else All(flat)


def some(parts: tuple[Query, ...]) -> Query:
    flat = tuple(inner for part in parts for inner in (part.of if isinstance(part, Any) else (part,)))
    return flat[0] if len(flat) == 1 else Any(flat)


def depth(query: Query) -> int:
    match query:
        case Not(of=inner):
            return 1 + depth(inner)
        case All(of=parts) | Any(of=parts):
            return 1 + max(map(depth, parts), default=0)
    return 1


def conjuncts(query: Query) -> Iterator[Query]:
    """What has to hold in any case."""
    yield from query.of if isinstance(query, All) else (query,)


def written(text: str) -> str:
    """As it has to be typed: in quotes unless it is a plain word."""
    if _BARE.fullmatch(text) and text not in KEYWORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
