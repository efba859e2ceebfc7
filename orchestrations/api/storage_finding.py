"""Buckets and tables that a token may see. What it may not look into is not there for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from orchestrations import access, tables
from orchestrations.api.errors import ApiError
from orchestrations.api.wire import Call
from orchestrations.models import Bucket, Table
from orchestrations.tables import Found

NO_BUCKET, NO_TABLE = "storage.buckets.notFound", "storage.tables.notFound"
Sums = tuple[int, int, datetime | None]
EMPTY: Sums = (0, 0, None)


def visible_buckets(call: Call) -> list[Bucket]:
    """Own and linked ones, by their ids."""
    visible = access.visible_buckets(call.actor)
    return [row for row in _buckets(call) if visible is None or row.bucket_id in visible]


def find_bucket(call: Call, bucket_id: str) -> Bucket:
    """Raises ApiError 404."""
    stage, _, name = bucket_id.partition(".")
    row = None if "\x00" in bucket_id else _buckets(call).filter(stage=stage, name=name).first()
    if row is None or not may_see(call, bucket_id):
        raise ApiError(404, f'Bucket "{bucket_id[:100]}" not found.', NO_BUCKET)
    return row


def find_table(call: Call, table_id: str) -> Found:
    """Raises ApiError 404."""
    found = tables.find(call.project, table_id)
    if found is None or not may_see(call, found.bucket.bucket_id):
        raise ApiError(404, f'Table "{table_id[:200]}" not found.', NO_TABLE)
    return found


def may_see(call: Call, bucket_id: str) -> bool:
    visible = access.visible_buckets(call.actor)
    return visible is None or bucket_id in visible


def tables_of(rows: Collection[Bucket]) -> list[Found]:
    """All that these buckets show, without the first rows of each; one query."""
    shown = {row.source_id or row.pk: row for row in rows}
    held = Table.objects.filter(bucket__in=shown).defer("preview").order_by("bucket__stage", "bucket__name", "name")
    return [Found(table=table, bucket=shown[table.bucket_id]) for table in held]


def sums_of(rows: Collection[Bucket]) -> dict[int, Sums]:
    """Rows, bytes and the newest change of what each bucket shows, by its primary key; one query."""
    counted = (
        Table.objects.filter(bucket__in={row.source_id or row.pk for row in rows})
        .order_by()
        .values_list("bucket")
        .annotate(Sum("rows"), Sum("size_bytes"), Max("updated_at"))
    )
    held = {pk: (count, size, at) for pk, count, size, at in counted}
    return {row.pk: held.get(row.source_id or row.pk, EMPTY) for row in rows}


def _buckets(call: Call) -> QuerySet[Bucket]:
    found: QuerySet[Bucket] = (
        Bucket.objects.in_project(call.project).select_related("project", "source__project").order_by("stage", "name")
    )
    return found
