"""Which orchestrations the overview shows, in which order: a search, filters by the last run, pages.

All of them are looked at by few columns and their last runs; only those of the page are read as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import OuterRef, Q, Subquery

from jobs.models import Job
from jobs.states import UNSETTLED, JobStatus
from orchestrations import queries
from orchestrations.models import Orchestration, Project

PAGE = 25
MOST_WORDS = 8
LONGEST = 200

NEVER = "never"
LAST_RUNS: dict[str, tuple[str, frozenset[JobStatus]]] = {
    "": ("All", frozenset()),
    "processing": ("Processing", frozenset({JobStatus.PROCESSING, JobStatus.TERMINATING})),
    "waiting": ("Waiting", frozenset({JobStatus.WAITING})),
    "failed": ("Failed", frozenset({JobStatus.ERROR, JobStatus.TERMINATED, JobStatus.CANCELLED})),
    "warning": ("Warning", frozenset({JobStatus.WARNING})),
    "success": ("Success", frozenset({JobStatus.SUCCESS})),
    NEVER: ("Not run yet", frozenset()),
}
"""Label and statuses of the last run, by the value in the address."""
SWITCHES = {"": "Enabled or not", "yes": "Enabled", "no": "Disabled"}
SORTS = {"": "By name", "last": "Last run first", "duration": "Longest first", "attention": "Needs attention first"}
URGENCY = (JobStatus.ERROR, JobStatus.WARNING, JobStatus.TERMINATED, JobStatus.PROCESSING, JobStatus.WAITING)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the address asks for; values that are not known count as none."""

    text: str = ""
    last: str = ""
    enabled: str = ""
    sort: str = ""
    page: int = 1

    @property
    def are_set(self) -> bool:
        """Whether something may be left out."""
        return bool(self.text or self.last or self.enabled)

    @property
    def query(self) -> str:
        """The shortest address that says the same, with its question mark."""
        page = str(self.page) if self.page > 1 else ""
        values = {"q": self.text, "last": self.last, "enabled": self.enabled, "sort": self.sort, "page": page}
        said = {name: value for name, value in values.items() if value}
        return f"?{urlencode(said)}" if said else ""

    def on_page(self, page: int) -> Filters:
        return replace(self, page=page)


@dataclass(frozen=True, kw_only=True)
class Found:
    """``page``: of those that match; ``total`` and ``active`` count all orchestrations of the project."""

    page: list[Orchestration]
    matching: int
    pages: int
    total: int
    active: int


def read(query: Mapping[str, str]) -> Filters:
    def known(name: str, values: Mapping[str, object]) -> str:
        return query.get(name, "") if query.get(name, "") in values else ""

    page = query.get("page", "")
    return Filters(
        text=" ".join(query.get("q", "").replace("\x00", "").split())[:LONGEST],
        last=known("last", LAST_RUNS),
        enabled=known("enabled", SWITCHES),
        sort=known("sort", SORTS),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )


def find(project: Project, filters: Filters) -> Found:
    """Three queries, however many there are."""
    rows = _rows(project, filters.text.casefold().split()[:MOST_WORDS])
    matching = sorted(filter(_matcher(filters), rows), key=_order(filters.sort))
    pages = max(1, -(-len(matching) // PAGE))
    first = (min(filters.page, pages) - 1) * PAGE
    wanted = [row.pk for row in matching[first : first + PAGE]]
    by_pk = queries.orchestrations_of(project).filter(pk__in=wanted).in_bulk()
    return Found(
        page=[by_pk[pk] for pk in wanted if pk in by_pk],
        matching=len(matching),
        pages=pages,
        total=len(rows),
        active=sum(row.status in UNSETTLED for row in rows),
    )


# --- Private -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    pk: int
    name: str
    is_disabled: bool
    has_words: bool
    status: str = ""
    created_at: datetime | None = None
    seconds: float | None = None


def _rows(project: Project, words: Sequence[str]) -> list[_Row]:
    last = Job.objects.filter(configuration=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    described = {f"describes_{n}": Q(description__icontains=word) for n, word in enumerate(words)}
    found = list(
        queries.orchestrations_of(project)
        .order_by()
        .annotate(last=Subquery(last), **described)
        .values_list("pk", "name", "is_disabled", "last", *described)
    )
    runs = _runs([row[3] for row in found if row[3] is not None])
    return [
        _Row(pk, name, is_disabled, _has(name, words, in_description), *runs.get(run, ()))
        for pk, name, is_disabled, run, *in_description in found
    ]


def _has(name: str, words: Sequence[str], in_description: Sequence[bool]) -> bool:
    """Every word stands in name or description. SQLite folds ASCII alone, so that names are compared here."""
    folded = name.casefold()
    return all(word in folded or described for word, described in zip(words, in_description, strict=True))


def _runs(ids: list[int]) -> dict[int, tuple[str, datetime, float | None]]:
    rows = Job.objects.filter(pk__in=ids).values_list("pk", "status", "created_at", "started_at", "finished_at")
    return {
        pk: (status, created_at, (ended - started).total_seconds() if started and ended else None)
        for pk, status, created_at, started, ended in rows
    }


def _matcher(filters: Filters) -> Callable[[_Row], bool]:
    statuses = LAST_RUNS[filters.last][1]

    def matches(row: _Row) -> bool:
        if not row.has_words or (filters.enabled and row.is_disabled is not (filters.enabled == "no")):
            return False
        if filters.last == NEVER:
            return not row.status
        return not filters.last or row.status in statuses

    return matches


def _order(sort: str) -> Callable[[_Row], Any]:
    def by_name(row: _Row) -> tuple[str, int]:
        return row.name.casefold(), row.pk

    def key(row: _Row) -> tuple[Any, ...]:
        if sort == "last":
            return row.created_at is None, -(row.created_at.timestamp() if row.created_at else 0), *by_name(row)
        if sort == "duration":
            return row.seconds is None, -(row.seconds or 0), *by_name(row)
        if sort == "attention":
            place = URGENCY.index(JobStatus(row.status)) if row.status in URGENCY else len(URGENCY)
            return place, *by_name(row)
        return by_name(row)

    return key
