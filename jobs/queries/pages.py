"""Pages by cursor: as fast on the last page as on the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from jobs.models import Job

SIZE = 25


@dataclass(frozen=True)
class Page:
    """Jobs, newest first, and the addresses of the pages beside them ("" = there is none)."""

    jobs: list[Job]
    newer_url: str
    older_url: str


@dataclass(frozen=True)
class Cursor:
    """Where a page begins, by ``?before=<id>`` or ``?after=<id>``; other parameters are kept in the addresses."""

    before: int | None
    after: int | None
    path: str
    kept: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, query: QueryDict, path: str) -> Cursor:
        kept = tuple((key, str(value)) for key, value in query.items() if key not in ("before", "after") and value)
        return cls(number_of(query.get("before")), number_of(query.get("after")), path, kept)

    def turned(self) -> Cursor:
        """What begins where this one does, and goes the other way."""
        if self.after is not None:
            return replace(self, before=self.after + 1, after=None)
        return replace(self, before=None, after=None if self.before is None else self.before - 1)

    def address(self, **cursor: int) -> str:
        return f"{self.path}?{urlencode([*self.kept, *cursor.items()])}"

    def page(self, jobs: list[Job], *, has_newer: bool, has_older: bool) -> Page:
        """``jobs``, newest first, and whether there are others beyond them."""
        return Page(
            jobs=jobs,
            newer_url=self.address(after=jobs[0].pk) if jobs and has_newer else "",
            older_url=self.address(before=jobs[-1].pk) if jobs and has_older else "",
        )


def page_of(jobs: QuerySet[Job], query: QueryDict, path: str, size: int = SIZE) -> Page:
    cursor = Cursor.of(query, path)
    if cursor.after is not None:
        found = list(jobs.filter(pk__gt=cursor.after).order_by("pk")[: size + 1])
        # Pruned they may be, the oldest first.
        has_older = jobs.filter(pk__lte=cursor.after).exists()
        return cursor.page(found[:size][::-1], has_newer=len(found) > size, has_older=has_older)
    older = jobs if cursor.before is None else jobs.filter(pk__lt=cursor.before)
    found = list(older.order_by("-pk")[: size + 1])
    has_newer = cursor.before is not None and jobs.filter(pk__gte=cursor.before).exists()
    return cursor.page(found[:size], has_newer=has_newer, has_older=len(found) > size)


def number_of(text: str | None) -> int | None:
    """None for anything that cannot be a job's id."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
