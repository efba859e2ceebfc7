"""Which orchestrations the overview shows, in which order: a search, filters by the last run, pages.

All of them are looked at by few columns and their last runs; only those of the page are read as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from django.db.models import OuterRef, Q, Subquery

from jobs.models import Job
from jobs.states import UNSETTLED, JobStatus
from orchestrations import queries
from orchestrations.lib.among import Among
from orchestrations.lib.prepared import Param, Query
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
STARTS: dict[str, tuple[str, frozenset[str]]] = {
    "": ("Any schedule", frozenset()),
    "schedule": ("Date & Time", frozenset({"schedule", "both"})),
    "trigger": ("Triggered", frozenset({"trigger", "both"})),
    "none": ("No schedule", frozenset({""})),
}
"""Label and kinds of ``Automation``, by the value in the address."""
SORTS = {
    "": "By name",
    "last": "Last run first",
    "next": "Next start first",
    "duration": "Longest first",
    "attention": "Needs attention first",
}
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
URGENCY = (JobStatus.ERROR, JobStatus.WARNING, JobStatus.TERMINATED, JobStatus.PROCESSING, JobStatus.WAITING)


class Automation(Protocol):
    """How an orchestration starts by itself, as the floor above says it."""

    @property
    def kind(self) -> str:
        """ "schedule", "trigger", "both" or ""."""

    @property
    def next_run_at(self) -> datetime | None: ...


Automations = Callable[[Project, Collection[int] | None], Mapping[int, Automation]]
"""Of these orchestrations of a project, or of all: those that start by themselves. In a constant number of queries."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the address asks for; values that are not known count as none."""

    text: str = ""
    last: str = ""
    enabled: str = ""
    starts: str = ""
    sort: str = ""
    page: int = 1

    @property
    def are_set(self) -> bool:
        """Whether something may be left out."""
        return bool(self.text or self.last or self.enabled or self.starts)

    @property
    def ask_when_it_starts(self) -> bool:
        return bool(self.starts) or self.sort == "next"

    @property
    def query(self) -> str:
        """The shortest address that says the same, with its question mark."""
        page = str(self.page) if self.page > 1 else ""
        values = {"q": self.text, "last": self.last, "enabled": self.enabled, "starts": self.starts, "sort": self.sort}
        said = {name: value for name, value in {**values, "page": page}.items() if value}
        return f"?{urlencode(said)}" if said else ""

    def on_page(self, page: int) -> Filters:
        return replace(self, page=page)


@dataclass(frozen=True, kw_only=True)
class Found:
    """``page``: of those that match; ``total`` and ``active`` count all orchestrations of the project."""

    page: list[Orchestration]
    automations: Mapping[int, Automation]
    """Of the page at least."""
    matching: int
    pages: int
    total: int
    active: int
    counts: dict[str, int]
    """How many match, by each value of the filter of last runs, the other filters being as they are."""


def read(query: Mapping[str, str]) -> Filters:
    def known(name: str, values: Mapping[str, object]) -> str:
        return query.get(name, "") if query.get(name, "") in values else ""

    page = query.get("page", "")
    return Filters(
        text=" ".join(query.get("q", "").replace("\x00", "").split())[:LONGEST],
        last=known("last", LAST_RUNS),
        enabled=known("enabled", SWITCHES),
        starts=known("starts", STARTS),
        sort=known("sort", SORTS),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )


def find(project: Project, filters: Filters, automations: Automations) -> Found:
    """Two queries and those of ``automations``, however many there are."""
    every = automations(project, None) if filters.ask_when_it_starts else {}
    rows = _rows(project, filters, every)
    around = list(filter(_matcher(filters), rows))
    matching = sorted((row for row in around if _has_ended_so(row.status, filters.last)), key=_order(filters.sort))
    statuses = Counter(row.status for row in around)
    pages = max(1, -(-len(matching) // PAGE))
    first = (min(filters.page, pages) - 1) * PAGE
    wanted = [row.pk for row in matching[first : first + PAGE]]
    by_pk = {each.pk: each for each in _OF_PAGE.instances(project=project, ids=wanted)} if wanted else {}
    return Found(
        page=[by_pk[pk] for pk in wanted if pk in by_pk],
        automations=every if filters.ask_when_it_starts else automations(project, wanted),
        matching=len(matching),
        pages=pages,
        total=len(rows),
        active=sum(row.status in UNSETTLED for row in rows),
        counts={
            value: sum(count for status, count in statuses.items() if _has_ended_so(status, value))
            for value in LAST_RUNS
        },
    )


# --- Private -----------------------------------------------------------------------------------


class _Row(NamedTuple):
    """There may be thousands."""

    pk: int
    name: str
    is_disabled: bool
    has_words: bool
    status: str
    """Of the last run; "" when there is none."""
    starts: str = ""
    """The kind of its automation."""
    created_at: datetime | None = None
    seconds: float | None = None
    next_run_at: datetime | None = None
    """None also while it is switched off: nothing starts it then."""


_SORTED_BY: dict[str, tuple[str, ...]] = {"last": ("created_at",), "duration": ("started_at", "finished_at")}
"""What is read of the last runs besides their status, by the order that is asked for: reading moments takes long."""


def _last_run(sort: str) -> dict[str, Subquery]:
    newest = Job.objects.filter(configuration=OuterRef("pk")).order_by("-pk")
    columns = ("status", *_SORTED_BY.get(sort, ()))
    return {f"last_{column}": Subquery(newest.values(column)[:1]) for column in columns}


_OF_PAGE = Query(lambda: queries.orchestrations_of(Param("project")).filter(Among("pk", "ids")))
_ALL = Query(lambda: _columns(Param("project"), _last_run("")))
"""As the list is mostly looked at: by name, and without words."""


def _columns(project: Project | Param, annotated: Mapping[str, Any]) -> Any:
    found = queries.orchestrations_of(project).order_by().annotate(**annotated)
    return found.values_list("pk", "name", "is_disabled", *annotated)


def _rows(project: Project, filters: Filters, automations: Mapping[int, Automation]) -> list[_Row]:
    words = filters.text.casefold().split()[:MOST_WORDS]
    last = _last_run(filters.sort)
    if not words and len(last) == 1 and not automations:
        return [
            _Row(pk=pk, name=name, is_disabled=is_disabled, has_words=True, status=status or "")
            for pk, name, is_disabled, status in _ALL.rows(project=project)
        ]
    described = {f"describes_{n}": Q(description__icontains=word) for n, word in enumerate(words)}
    after = 3 + len(last)
    return [
        _Row(
            pk=row[0],
            name=row[1],
            is_disabled=row[2],
            has_words=_has(row[1], words, row[after:]),
            status=row[3] or "",
            **_sorted_by(filters.sort, row[4:after]),
            **_starting(automations.get(row[0]), is_disabled=row[2]),
        )
        for row in _columns(project, {**last, **described})
    ]


def _sorted_by(sort: str, moments: Sequence[datetime | None]) -> dict[str, Any]:
    if sort == "duration" and moments[0] is not None and moments[1] is not None:
        return {"seconds": (moments[1] - moments[0]).total_seconds()}
    return {"created_at": moments[0]} if sort == "last" else {}


def _starting(automation: Automation | None, *, is_disabled: bool) -> dict[str, Any]:
    if automation is None:
        return {}
    return {"starts": automation.kind, "next_run_at": None if is_disabled else automation.next_run_at}


def _has(name: str, words: Sequence[str], in_description: Sequence[bool]) -> bool:
    """Every word stands in name or description. SQLite folds ASCII alone, so that names are compared here."""
    folded = name.casefold()
    return all(word in folded or described for word, described in zip(words, in_description, strict=True))


def _matcher(filters: Filters) -> Callable[[_Row], bool]:
    """By all filters but that of last runs."""
    kinds = STARTS[filters.starts][1]

    def matches(row: _Row) -> bool:
        if not row.has_words or (filters.enabled and row.is_disabled is not (filters.enabled == "no")):
            return False
        return not filters.starts or row.starts in kinds

    return matches


def _has_ended_so(status: str, last: str) -> bool:
    """``last``: a value of the filter of last runs."""
    return not status if last == NEVER else not last or status in LAST_RUNS[last][1]


def _order(sort: str) -> Callable[[_Row], Any]:
    def by_name(row: _Row) -> tuple[str, int]:
        return row.name.casefold(), row.pk

    def key(row: _Row) -> tuple[Any, ...]:
        if sort == "last":
            return row.created_at is None, -(row.created_at.timestamp() if row.created_at else 0), *by_name(row)
        if sort == "next":
            return row.next_run_at is None, row.next_run_at or LAST_MOMENT, *by_name(row)
        if sort == "duration":
            return row.seconds is None, -(row.seconds or 0), *by_name(row)
        if sort == "attention":
            place = URGENCY.index(JobStatus(row.status)) if row.status in URGENCY else len(URGENCY)
            return place, *by_name(row)
        return by_name(row)

    return key
