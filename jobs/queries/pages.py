"""Pages by cursor: as fast on the last page as on the first."""

from __future__ import annotations

from dataclasses import dataclass
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


def page_of(jobs: QuerySet[Job], query: QueryDict, path: str, size: int = SIZE) -> Page:
    """The page that ``?before=<id>`` or ``?after=<id>`` asks for; other parameters are kept in the addresses."""
    before, after = _number(query.get("before")), _number(query.get("after"))
    kept = [(key, value) for key, value in query.items() if key not in ("before", "after") and value]
    if after is not None:
        found = list(jobs.filter(pk__gt=after).order_by("pk")[: size + 1])
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        older = jobs if before is None else jobs.filter(pk__lt=before)
        found = list(older.order_by("-pk")[: size + 1])
        has_newer, has_older = before is not None, len(found) > size
        found = found[:size]

    def address(**cursor: int) -> str:
        return f"{path}?{urlencode([*kept, *cursor.items()])}"

    return Page(
        jobs=found,
        newer_url=address(after=found[0].pk) if found and has_newer else "",
        older_url=address(before=found[-1].pk) if found and has_older else "",
    )


def _number(text: str | None) -> int | None:
    """None for anything that cannot be a job's id."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
