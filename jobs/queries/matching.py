"""From the tree of a query (jobs.search) to the database's terms, and to the indexes that find its jobs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import F, FloatField, Func, Q, Value
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from jobs.models import Cause, StatusLiteral
from jobs.queries.names import Names
from jobs.search import meanings, syntax
from jobs.search.fields import ME
from jobs.search.meanings import Clock, Numbers, Seconds, Span
from jobs.search.syntax import Query, Term, Word
from jobs.states import SETTLED, UNSETTLED, JobStatus

MOST_CONFIGURATIONS = 50
"""More of them are met soon enough by going through all jobs."""


@dataclass(frozen=True)
class Branch:
    """Jobs that one index finds in the order of their ids.

    ``configurations`` stands for ``q`` where it is their jobs. ``hides_project``: SQLite must not see
    the project, or it would take an index that begins with it and has every job. ``is_small``: few jobs, whose order
    needs no index. ``is_all``: everything it finds matches.
    """

    q: Q = dataclasses.field(default_factory=Q)
    configurations: tuple[int, ...] | None = None
    hides_project: bool = False
    is_small: bool = False
    is_all: bool = False


@dataclass(frozen=True)
class Match:
    """``branches``: together they find every job that matches, and others. ``numbers`` and ``span`` bound the walk."""

    q: Q
    branches: tuple[Branch, ...]
    numbers: Numbers
    span: Span


@dataclass(frozen=True)
class _Leaf:
    """``rank``: the lower, the fewer jobs its branches are likely to find; 9 is no index of its own."""

    q: Q
    branches: tuple[Branch, ...] = (Branch(),)
    rank: int = 9


def match_of(query: Query, names: Names, clock: Clock) -> Match:
    """Raises BadQuery."""
    leaves: dict[Query, _Leaf] = {}
    q = _q(query, names, clock, leaves)
    needed = [part for part in syntax.conjuncts(query) if part in leaves]
    parts = list(syntax.conjuncts(query))
    bounding = [part for part in parts if isinstance(part, Term) and _bounds(part)]
    best = min(needed, key=lambda part: leaves[part].rank, default=None)
    branches = leaves[best].branches if best is not None else (Branch(is_all=True),)
    others = [part for part in parts if part != best and part not in bounding]
    if best in bounding:
        branches = (Branch(is_all=True),)
    if others:
        branches = tuple(replace(branch, is_all=False) for branch in branches)
    found = [meanings.meaning_of(part, clock) for part in bounding]
    return Match(q, branches, _numbers([each for each in found if isinstance(each, Numbers)]), _span(found))


def _q(query: Query, names: Names, clock: Clock, leaves: dict[Query, _Leaf]) -> Q:
    match query:
        case syntax.All(of=parts):
            return reduce(and_, (_q(part, names, clock, leaves) for part in parts), Q())
        case syntax.Any(of=parts):
            return reduce(or_, (_q(part, names, clock, leaves) for part in parts))
        case syntax.Not(of=part):
            return ~_q(part, names, clock, leaves)
    if query not in leaves:
        leaves[query] = _word(query.text, names) if isinstance(query, Word) else _term(query, names, clock)
    return leaves[query].q


def _bounds(term: Term) -> bool:
    """Whether it says between which ids to look: what is created later has the higher one."""
    return meanings.name_of(term) in ("created", "id")


def _numbers(found: list[Numbers]) -> Numbers:
    lows = [each.low for each in found if each.low is not None]
    highs = [each.high for each in found if each.high is not None]
    return Numbers(max(lows, default=None), min(highs, default=None))


def _span(found: list[Any]) -> Span:
    lows = [each.low for each in found if isinstance(each, Span) and each.low is not None]
    highs = [each.high for each in found if isinstance(each, Span) and each.high is not None]
    return Span(max(lows, default=None), min(highs, default=None))


# --- Leaves ------------------------------------------------------------------------------------


def _word(text: str, names: Names) -> _Leaf:
    """In the name of the configuration; a job without one has a name of its own."""
    found = names.configurations_called(text)
    nameless = Q(configuration__isnull=True)
    q = Q(configuration__in=found) | nameless & Q(name__icontains=text)
    if len(found) > MOST_CONFIGURATIONS:
        return _Leaf(q)
    return _Leaf(q, (Branch(configurations=tuple(found), is_all=True), Branch(nameless, hides_project=True)), rank=1)


def _term(term: Term, names: Names, clock: Clock) -> _Leaf:
    meaning = meanings.meaning_of(term, clock)
    match meaning:
        case Seconds():
            return _Leaf(_took(meaning, clock.now))
        case Span():
            return _Leaf(_created(meaning))
        case Numbers() if meanings.name_of(term) == "run":
            run = meaning.low
            several = (Q(pk=run), Q(root=run), Q(parent=run))
            return _Leaf(
                reduce(or_, several), tuple(Branch(q, hides_project=True, is_small=True) for q in several), rank=0
            )
        case Numbers():
            return _Leaf(_between("pk", meaning.low, "gte") & _between("pk", meaning.high, "lte"))
    return _TEXTS[meanings.name_of(term)](meaning.text, names)


def _between(field: str, bound: Any, lookup: str) -> Q:
    return Q() if bound is None else Q(**{f"{field}__{lookup}": bound})


def _created(span: Span) -> Q:
    """The walk begins and ends near there; the index of times would give another order."""
    at, q = Unindexed("created_at"), Q()
    if span.low is not None:
        q &= Q(GreaterThanOrEqual(at, span.low))
    if span.high is not None:
        q &= Q(LessThan(at, span.high))
    return q


def _status(text: str, names: Names) -> _Leaf:
    status = JobStatus(text)
    q = Q(status=status)
    if status in UNSETTLED:
        return _Leaf(q, (Branch(q & Q(finished_at__isnull=True), is_small=True),), rank=0)
    if status in SETTLED - {JobStatus.SUCCESS}:
        failed = Q(finished_at__isnull=False) & ~Q(status=StatusLiteral(JobStatus.SUCCESS))
        return _Leaf(q, (Branch(failed & q, is_all=True),), rank=2)
    return _Leaf(q)


def _component(text: str, names: Names) -> _Leaf:
    found = names.components_called(text)
    if len(found) > 1:
        return _Leaf(Q(component_id__in=found))
    q = Q(component_id=found[0])
    return _Leaf(q, (Branch(q, is_all=True),), rank=4)


def _configuration(text: str, names: Names) -> _Leaf:
    found = names.configurations_called(text, or_key=True)
    q = Q(configuration__in=found)
    if len(found) > MOST_CONFIGURATIONS:
        return _Leaf(q)
    return _Leaf(q, (Branch(configurations=tuple(found), is_all=True),), rank=1)


def _by(text: str, names: Names) -> _Leaf:
    if text.lower() == ME:
        q = Q(created_by=names.user)
        return _Leaf(q, (Branch(q, is_all=True),), rank=3)
    cause = next((cause for cause in (Cause.SCHEDULE, Cause.TRIGGER) if text.lower() == cause.value), None)
    if cause is not None:
        return _Leaf(Q(cause=cause))
    people, tokens = names.people_called(text), names.tokens_called(text)
    if len(people) == 1 and not tokens:
        q = Q(created_by=people[0])
        return _Leaf(q, (Branch(q, is_all=True),), rank=3)
    with_tokens = Q(created_by__isnull=True, created_with__in=tokens, cause__in=[Cause.PERSON, Cause.API])
    return _Leaf(Q(created_by__in=people) | with_tokens)


def _cause(text: str, names: Names) -> _Leaf:
    return _Leaf(Q(cause=Cause(text)))


def _is(text: str, names: Names) -> _Leaf:
    kinds = {"run": Q(is_run=True), "task": Q(parent__isnull=False), "partial": Q(only_task_keys__isnull=False)}
    return _Leaf(kinds[text])


_TEXTS = {
    "status": _status,
    "component": _component,
    "configuration": _configuration,
    "by": _by,
    "cause": _cause,
    "is": _is,
}


# --- Durations ---------------------------------------------------------------------------------


class Took(Func):
    """Seconds from start to end."""

    output_field = FloatField()

    def __init__(self) -> None:
        super().__init__(F("finished_at"), F("started_at"))

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM (%(expressions)s))", arg_joiner=" - ")

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Django's own difference calls Python for every row.
        took = "ROUND((julianday(%(expressions)s)) * 86400.0, 3)"
        return self.as_sql(compiler, connection, template=took, arg_joiner=") - julianday(")


def _took(wanted: Seconds, now: datetime) -> Q:
    """One that is on its way has taken what has passed since its start."""
    ended, going = Q(finished_at__isnull=False), Q(finished_at__isnull=True)
    if wanted.low is not None:
        low = Value(wanted.low, output_field=FloatField())
        ended &= Q(GreaterThanOrEqual(Took(), low) if wanted.with_low else GreaterThan(Took(), low))
        going &= Q(**{f"started_at__{'lte' if wanted.with_low else 'lt'}": _before(now, wanted.low)})
    if wanted.high is not None:
        high = Value(wanted.high, output_field=FloatField())
        ended &= Q(LessThanOrEqual(Took(), high) if wanted.with_high else LessThan(Took(), high))
        going &= Q(**{f"started_at__{'gte' if wanted.with_high else 'gt'}": _before(now, wanted.high)})
    return Q(started_at__isnull=False) & (ended | going)


def _before(now: datetime, seconds: float) -> datetime:
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.min.replace(year=1900, tzinfo=now.tzinfo)


class Unindexed(Func):
    """A column that SQLite filters by, but does not look up in an index: it cannot know how many rows that gives."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s")
