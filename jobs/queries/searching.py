"""A page of the jobs that match a query. Whatever is asked for, the work is bounded: a page looks at so many jobs and
then says how far it got, with a link to go on from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import Exact
from django.http import QueryDict

from jobs.models import Job
from jobs.queries.matching import Branch, Match, Unindexed
from jobs.queries.rows import listed_by
from orchestrations.lib.pages import SIZE, Cursor, Page
from orchestrations.models import Configuration, Project

LOOKED_AT = 10_000
"""At most so many jobs are read for a page."""
SLACK = 1_000
"""Jobs that are created at once may commit in another order than their times say, but not by so many."""


@dataclass(frozen=True)
class Found:
    """``paused_at``: older (or newer) jobs than of this moment have not been looked at; ``on_url`` goes on there."""

    page: Page
    paused_at: datetime | None = None
    on_url: str = ""


@dataclass(frozen=True)
class _Walk:
    """Through ids, all included, one way or the other."""

    low: int
    high: int | None
    is_down: bool

    @property
    def order(self) -> str:
        return "-pk" if self.is_down else "pk"

    @property
    def ids(self) -> Q:
        low = Q(pk__gte=self.low) if self.low > 0 else Q()
        return low & (Q() if self.high is None else Q(pk__lte=self.high))

    def until(self, wall: int) -> _Walk:
        return _Walk(wall, self.high, True) if self.is_down else _Walk(self.low, wall, False)


def page_of(project: Project, match: Match, query: QueryDict, path: str) -> Found:
    """The page that ``?before=<id>`` or ``?after=<id>`` asks for."""
    cursor = Cursor.of(query, path)
    walk = _walk(project, match, cursor)
    ids, wall = _look(project, match, walk)
    has_more = len(ids) > SIZE
    jobs = listed_by(ids[:SIZE])
    goes_back = bool(jobs) and _goes_back(project, match, cursor)
    page = cursor.page(
        jobs, has_newer=goes_back if walk.is_down else has_more, has_older=has_more if walk.is_down else goes_back
    )
    if wall is None or has_more:
        return Found(page)
    return Found(page, wall.at, cursor.address(before=wall.pk) if walk.is_down else cursor.address(after=wall.pk))


def _look(project: Project, match: Match, walk: _Walk) -> tuple[list[int], _Wall | None]:
    """The ids of a page and one more, and where the walk was broken off."""
    walls = [_wall(project, branch, walk) for branch in match.branches]
    wall = (max if walk.is_down else min)((each for each in walls if each is not None), default=None)
    if wall is not None:
        walk = walk.until(wall.pk)
    return _merged((_ids(project, branch, match.q, walk) for branch in match.branches), walk), wall


def _goes_back(project: Project, match: Match, cursor: Cursor) -> bool:
    """Whether the other way from the cursor something matches too, or might. Mostly the very job that it names."""
    named = cursor.before if cursor.after is None else cursor.after
    if named is None:
        return False
    if Job.objects.filter(project=project, pk=named).filter(match.q).exists():
        return True
    ids, wall = _look(project, match, _walk(project, match, cursor.turned()))
    return bool(ids) or wall is not None


def _merged(found: Iterable[Iterable[int]], walk: _Walk) -> list[int]:
    return sorted({pk for ids in found for pk in ids}, reverse=walk.is_down)[: SIZE + 1]


def _jobs(project: Project, branch: Branch, walk: _Walk) -> QuerySet[Job]:
    jobs = Job.objects.filter(walk.ids)
    if branch.configurations is not None:
        # They are of the project; to say so would offer SQLite an index that has every job of it.
        return jobs.filter(configuration__in=branch.configurations)
    if branch.hides_project:
        return jobs.filter(Exact(Unindexed("project"), project.pk), branch.q)
    return jobs.in_project(project).filter(branch.q)


def _ids(project: Project, branch: Branch, q: Q, walk: _Walk) -> list[int]:
    matching = _jobs(project, branch, walk).filter(q)
    if branch.is_small:
        # Asked for in no order: a database would rather go through all jobs than sort a few.
        return list(matching.order_by().values_list("pk", flat=True))
    return list(matching.order_by(walk.order).values_list("pk", flat=True)[: SIZE + 1])


@dataclass(frozen=True, order=True)
class _Wall:
    """The job at which a page stops looking, and when it was created."""

    pk: int
    at: datetime


def _wall(project: Project, branch: Branch, walk: _Walk) -> _Wall | None:
    """None when this page reaches the end, or what it wants before. One query, whatever it finds."""
    if branch.is_all or branch.is_small or branch.configurations == ():
        return None
    if branch.configurations is None:
        last: Any = _jobs(project, branch, walk).order_by(walk.order).values("pk")[LOOKED_AT : LOOKED_AT + 1]
    else:
        share = LOOKED_AT // len(branch.configurations)
        of_one = Job.objects.filter(walk.ids, configuration=OuterRef("pk")).order_by(walk.order)
        lasts = Subquery(of_one.values("pk")[share : share + 1])
        last = Configuration.objects.filter(pk__in=branch.configurations).order_by().values(last=lasts)
    # Only of these the time: of all that are passed over it would have to be fetched from the table.
    walls = [_Wall(*each) for each in Job.objects.filter(pk__in=last).values_list("pk", "created_at")]
    return (max if walk.is_down else min)(walls, default=None)


def _walk(project: Project, match: Match, cursor: Cursor) -> _Walk:
    """Between the ids that the query and the cursor leave."""
    lows = [0, match.numbers.low or 0]
    highs = [each for each in (match.numbers.high,) if each is not None]
    if match.span.low is not None:
        lows.append((_last_before(project, match.span.low) or 0) - SLACK)
    if match.span.high is not None:
        highs.append((_last_before(project, match.span.high) or 0) + SLACK)
    if cursor.before is not None:
        highs.append(cursor.before - 1)
    if cursor.after is not None:
        lows.append(cursor.after + 1)
    return _Walk(max(lows), min(highs, default=None), cursor.after is None)


def _last_before(project: Project, moment: datetime) -> int | None:
    earlier = Job.objects.in_project(project).filter(created_at__lt=moment).order_by("-created_at")
    last: int | None = earlier.values_list("pk", flat=True).first()
    return last
