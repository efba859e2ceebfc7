"""Tables that a trigger may watch, and how those stand that it does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, OuterRef, Subquery

from jobs.models import WatchedTable
from orchestrations import lineage, table_uses
from orchestrations.models import Bucket, Configuration, Project, Table
from scheduling.models import EventTrigger
from scheduling.triggering import Watched


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A table by the id that it has in the project. ``owner``: whose it is, when it is shared."""

    table_id: str
    owner: str
    updated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """``is_updated``: since the last run; None while that is not known."""

    table_id: str
    owner: str
    updated_at: datetime | None
    is_updated: bool | None
    is_gone: bool


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """An orchestration whose trigger watches a table, with ``other_count`` more. ``is_updated``: since its last run."""

    orchestration_id: int
    name: str
    other_count: int
    is_on: bool
    is_updated: bool

    @property
    def words(self) -> str:
        if not self.is_on:
            return "watches it, but is switched off"
        if not self.other_count:
            return "runs when it is updated"
        others = f"{self.other_count} other table{'' if self.other_count == 1 else 's'}"
        return f"with {others}, {'has been updated' if self.is_updated else 'still awaited'}"


def watchers_of(project: Project, table: Table) -> list[Watcher]:
    """By name. Of this project alone: what others start by a shared table is their own business. One query."""
    rows = (
        EventTrigger.objects.filter(
            orchestration__watched_tables__table=table,
            orchestration__project=project,
            orchestration__deleted_at__isnull=True,
        )
        .annotate(baseline=F("orchestration__watched_tables__baseline_revision"), others=_count_of_tables() - 1)
        .order_by("orchestration__name", "orchestration_id")
        .values_list(
            "orchestration_id", "orchestration__name", "is_enabled", "orchestration__is_disabled", "baseline", "others"
        )
    )
    return [
        Watcher(
            orchestration_id=pk,
            name=name,
            other_count=others,
            is_on=is_enabled and not is_disabled,
            is_updated=table.revision > baseline,
        )
        for pk, name, is_enabled, is_disabled, baseline, others in rows
    ]


def offered(project: Project) -> list[Offered]:
    """Every table of the project's own and linked buckets: two queries."""
    buckets = list(Bucket.objects.in_project(project).select_related("source__project"))
    by_home: dict[int, list[Bucket]] = {}
    for bucket in buckets:
        by_home.setdefault(bucket.source_id or bucket.pk, []).append(bucket)
    tables = Table.objects.filter(bucket__in=by_home).order_by("name").values_list("bucket", "name", "updated_at")
    found = [
        Offered(
            table_id=f"{bucket.bucket_id}.{name}",
            owner=bucket.source.project.name if bucket.source is not None else "",
            updated_at=updated_at,
        )
        for home, name, updated_at in tables
        for bucket in by_home[home]
    ]
    return sorted(found, key=lambda each: each.table_id)


def chosen(table_ids: Sequence[str], offered: Sequence[Offered], watched: Sequence[Watched]) -> list[Chosen]:
    known = {each.table_id: each for each in offered}
    states = {each.label: each for each in watched}
    rows = []
    for table_id in table_ids:
        one, state = known.get(table_id), states.get(table_id)
        rows.append(
            Chosen(
                table_id=table_id,
                owner=one.owner if one else "",
                updated_at=one.updated_at if one else None,
                is_updated=state.is_updated if state else None,
                is_gone=one is None,
            )
        )
    return rows


def rows_of(orchestration: Configuration, watched: Sequence[Watched]) -> list[Chosen]:
    """How the tables of a trigger stand."""
    return chosen([each.label for each in watched], offered(orchestration.project), watched)


def written_by(orchestration: Configuration, table_ids: Collection[str]) -> list[str]:
    """Those of the tables that the orchestration writes, by whatever it runs: it would start itself (R16).

    What a component names only in its manifests is not known before it has run.
    """
    if not table_ids:
        return []
    writes = table_uses.of_configurations([orchestration.pk])[orchestration.pk].writes
    return sorted(each for each in set(table_ids) if not writes.isdisjoint(lineage.names_of_writes(each)))


def _count_of_tables() -> Subquery:
    """Of the trigger: how many tables it watches, those that are gone with them."""
    of_it = WatchedTable.objects.filter(configuration=OuterRef("orchestration")).order_by()
    return Subquery(of_it.values("configuration").annotate(found=Count("pk")).values("found"))
