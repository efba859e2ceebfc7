"""Buckets as pages show them: own ones and those that lead into another project, with what they hold in sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, QuerySet, Sum
from django.urls import reverse

from orchestrations.models import Bucket, Project, Stage, Table

MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What is in a bucket; ``updated_at`` is None while it has no data."""

    tables: int = 0
    rows: int = 0
    size_bytes: int = 0
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class BucketRow:
    id: str
    url: str
    name: str
    description: str
    owner: str
    """The name of the project that shares it; "" of an own one."""
    shared_words: str
    """With whom the project shares it: "all projects", "2 projects", or ""."""
    sums: Sums


@dataclass(frozen=True)
class SharedRow:
    """Another project's bucket that this one may link; ``linked_as``: the own bucket that leads there, if any."""

    bucket: Bucket
    linked_as: Bucket | None
    sums: Sums


@dataclass(frozen=True)
class StageGroup:
    stage: str
    buckets: list[BucketRow]


def groups_of(project: Project, sought: str = "") -> list[StageGroup]:
    """By stage, then by name: two queries, however many there are. Stages without a bucket are left out."""
    words = sought.casefold().split()
    counted = _buckets(project).annotate(share_count=Count("shares"))
    buckets = [each for each in counted if _matches(each, words)]
    sums = sums_of(buckets)
    groups = [
        StageGroup(stage, [row_of(each, sums) for each in buckets if each.stage == stage]) for stage in Stage.values
    ]
    return [group for group in groups if group.buckets]


def called(project: Project, text: str, most: int) -> list[BucketRow]:
    """Those with these letters in their names, without what is in them; of an id what follows its dot."""
    found = _buckets(project).filter(name__icontains=text.rpartition(".")[2])
    return [row_of(each, {}) for each in found[:most]]


def find(project: Project, bucket_id: str) -> Bucket | None:
    """Own or linked, by its id in the project; with its source and that one's project."""
    stage, _, name = bucket_id.partition(".")
    found: Bucket | None = (
        _buckets(project).select_related("project", "created_by").filter(stage=stage, name=name).first()
    )
    return found


def shared_with(project: Project) -> list[SharedRow]:
    """By the project that shares them: three queries."""
    found = list(
        Bucket.objects.shared_with(project)
        .select_related("project", "source")
        .order_by("project__name", "stage", "name")
    )
    links = {each.source_id: each for each in Bucket.objects.in_project(project).filter(source__in=found)}
    sums = sums_of(found)
    return [SharedRow(each, links.get(each.pk), sums.get(each.pk, Sums())) for each in found]


def find_shared(project: Project, source_id: int) -> Bucket | None:
    """One of those."""
    found: Bucket | None = Bucket.objects.shared_with(project).select_related("project").filter(pk=source_id).first()
    return found


def sums_of(buckets: Iterable[Bucket]) -> dict[int, Sums]:
    """By the id of the bucket that holds the tables, see ``holder_of``."""
    counted = (
        Table.objects.filter(bucket__in={holder_of(each).pk for each in buckets})
        .order_by()
        .values_list("bucket")
        .annotate(Count("pk"), Sum("rows"), Sum("size_bytes"), Max("updated_at"))
    )
    return {
        pk: Sums(tables=tables, rows=rows, size_bytes=size, updated_at=at) for pk, tables, rows, size, at in counted
    }


def holder_of(bucket: Bucket) -> Bucket:
    """The bucket whose tables it shows: itself, or the one of another project that it leads to."""
    return bucket.source or bucket


def row_of(bucket: Bucket, sums: dict[int, Sums]) -> BucketRow:
    holder = holder_of(bucket)
    return BucketRow(
        id=bucket.bucket_id,
        url=url_of(bucket),
        name=bucket.name,
        description=bucket.description or holder.description,
        owner=holder.project.name if bucket.is_linked else "",
        shared_words=_shared_words(bucket),
        sums=sums.get(holder.pk, Sums()),
    )


def url_of(bucket: Bucket) -> str:
    return reverse("bucket", args=[bucket.project_id, bucket.bucket_id])


def shared_names(bucket: Bucket) -> list[str]:
    """The projects that may link it, one by one."""
    return list(bucket.shares.order_by("project__name").values_list("project__name", flat=True))


def links_of(bucket: Bucket) -> list[str]:
    """The projects that have linked it."""
    return list(bucket.links.order_by("project__name").values_list("project__name", flat=True))


def some(names: list[str]) -> str:
    """ "Finance, Marketing and 4 more" """
    shown, more = names[:MOST_NAMED], len(names) - MOST_NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _buckets(project: Project) -> QuerySet[Bucket]:
    found: QuerySet[Bucket] = (
        Bucket.objects.in_project(project).select_related("source__project").order_by("stage", "name")
    )
    return found


def _matches(bucket: Bucket, words: list[str]) -> bool:
    of_source = f"{bucket.source.description} {bucket.source.project.name}" if bucket.source else ""
    text = f"{bucket.bucket_id} {bucket.description} {of_source}".casefold()
    return all(word in text for word in words)


def _shared_words(bucket: Bucket) -> str:
    if bucket.is_shared_with_all:
        return "all projects"
    count = getattr(bucket, "share_count", 0)
    return "" if not count else "1 project" if count == 1 else f"{count} projects"
