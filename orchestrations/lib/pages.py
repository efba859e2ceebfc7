"""Pages by cursor: as fast on the last page as on the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import QueryDict

SIZE = 25
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, newest first, and the addresses of the pages beside them ("" = there is none)."""

    rows: list[Row]
    newer_url: str
    older_url: str


@dataclass(frozen=True)
class Cursor:
    """Where a page begins, by ``?before=<id>`` or ``?after=<id>``; other parameters are kept in the addresses.

    ``name`` tells several lists of one page apart (``?log-before=<id>``), and is the anchor of the list there.
    """

    before: int | None
    after: int | None
    path: str
    kept: tuple[tuple[str, str], ...]
    name: str = ""

    @classmethod
    def of(cls, query: QueryDict, path: str, name: str = "") -> Cursor:
        before, after = (_parameter(name, way) for way in ("before", "after"))
        kept = tuple(
            (key, str(value))
            for key, values in query.lists()
            for value in values
            if key not in (before, after) and value
        )
        return cls(number_of(query.get(before)), number_of(query.get(after)), path, kept, name)

    @property
    def is_first(self) -> bool:
        return self.before is None and self.after is None

    def first(self) -> Cursor:
        return replace(self, before=None, after=None)

    def turned(self) -> Cursor:
        """What begins where this one does, and goes the other way."""
        if self.after is not None:
            return replace(self, before=self.after + 1, after=None)
        return replace(self, before=None, after=None if self.before is None else self.before - 1)

    def address(self, **cursor: int) -> str:
        ways = [(_parameter(self.name, way), number) for way, number in cursor.items()]
        return f"{self.path}?{urlencode([*self.kept, *ways])}{f'#{self.name}' if self.name else ''}"

    def page(self, rows: Sequence[Row], *, has_newer: bool, has_older: bool) -> Page[Row]:
        """``rows``, newest first, and whether there are others beyond them."""
        return Page(
            rows=list(rows),
            newer_url=self.address(after=rows[0].pk) if rows and has_newer else "",
            older_url=self.address(before=rows[-1].pk) if rows and has_older else "",
        )


def page_of(rows: QuerySet[Row], query: QueryDict, path: str, size: int = SIZE, *, name: str = "") -> Page[Row]:
    """At most three queries, whatever page it is. Beyond the last row of either side the first page begins again."""
    cursor = Cursor.of(query, path, name)
    found = _at(rows, cursor, size)
    return found if found.rows or cursor.is_first else _at(rows, cursor.first(), size)


def _at(rows: QuerySet[Row], cursor: Cursor, size: int) -> Page[Row]:
    if cursor.after is not None:
        found = list(rows.filter(pk__gt=cursor.after).order_by("pk")[: size + 1])
        # Pruned they may be, the oldest first.
        has_older = rows.filter(pk__lte=cursor.after).exists()
        return cursor.page(found[:size][::-1], has_newer=len(found) > size, has_older=has_older)
    older = rows if cursor.before is None else rows.filter(pk__lt=cursor.before)
    found = list(older.order_by("-pk")[: size + 1])
    has_newer = cursor.before is not None and rows.filter(pk__gte=cursor.before).exists()
    return cursor.page(found[:size], has_newer=has_newer, has_older=len(found) > size)


def number_of(text: str | None) -> int | None:
    """None for anything that cannot be a row's id."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _parameter(name: str, way: str) -> str:
    return f"{name}-{way}" if name else way
