"""Tables of a project: finding, making, describing and deleting their rows. Their data is written by jobs alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q

from orchestrations import access, buckets, table_ids
from orchestrations.access import Actor
from orchestrations.models import Bucket, Project, Table, User
from orchestrations.table_ids import BucketId, TableId

KEEP: Any = object()
"""The default of a field that an update leaves as it is."""

DESCRIPTION_LIMIT = 10_000
TYPES = ("STRING", "INTEGER", "NUMERIC", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP")


class InvalidTable(ValueError):
    """It was refused and nothing changed; the message names the field and is for the user."""


class TableTaken(InvalidTable):
    """The bucket has a table of this name."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A table as a project sees it: in a bucket of its own, or in one that it has linked."""

    table: Table
    bucket: Bucket
    """Of the project that looks; where it is linked, the table's own bucket is its source."""

    @property
    def table_id(self) -> str:
        return f"{self.bucket.bucket_id}.{self.table.name}"

    @property
    def is_linked(self) -> bool:
        return self.bucket.is_linked


def find(project: Project | int, table_id: str) -> Found | None:
    """The table with this id in the project, also in a linked bucket; None when there is none."""
    return find_all(project, [table_id]).get(table_id)


def find_all(project: Project | int, table_ids: Collection[str]) -> dict[str, Found]:
    """Those of the ids that are tables of the project, in two queries however many."""
    wanted = {text: found for text in table_ids if (found := _parsed(text)) is not None}
    visible = {(bucket.stage, bucket.name): bucket for bucket in _buckets_of(project, wanted.values())}
    homes = {bucket.source_id or bucket.pk for bucket in visible.values()}
    names = {each.name for each in wanted.values()}
    rows = Table.objects.filter(bucket__in=homes, name__in=names).select_related("bucket__project") if homes else ()
    tables = {(table.bucket_id, table.name): table for table in rows}
    result = {}
    for text, each in wanted.items():
        bucket = visible.get((each.bucket.stage, each.bucket.name))
        table = tables.get((bucket.source_id or bucket.pk, each.name)) if bucket is not None else None
        if bucket is not None and table is not None:
            result[text] = Found(table=table, bucket=bucket)
    return result


def all_of(bucket: Bucket) -> list[Found]:
    """What the bucket shows, in the order of names; a linked one shows what its source holds."""
    rows = Table.objects.filter(bucket=bucket.source_id or bucket.pk).select_related("bucket__project").order_by("name")
    return [Found(table=table, bucket=bucket) for table in rows]


def create(
    bucket: Bucket,
    name: str,
    *,
    columns: Sequence[Mapping[str, Any]],
    primary_key: Sequence[str] = (),
    is_typed: bool = False,
    location: str = "",
    actor: Actor,
    now: datetime,
) -> Table:
    """The row of a table that has no data yet; its files are written below ``location`` (see ``new_location``).

    ``columns``: {name, type, nullable} each. Raises Denied, InvalidTable.
    """
    access.require_bucket(actor, bucket.project, bucket.bucket_id, writes=True)
    return insert(
        bucket,
        name,
        columns=columns,
        primary_key=primary_key,
        is_typed=is_typed,
        location=location,
        created_by=actor.user,
        now=now,
    )


def insert(
    bucket: Bucket,
    name: str,
    *,
    columns: Sequence[Mapping[str, Any]],
    primary_key: Sequence[str] = (),
    is_typed: bool = False,
    location: str = "",
    created_by: User | None,
    now: datetime,
) -> Table:
    """As ``create``, for a job, whose token has been asked before. Raises InvalidTable."""
    if bucket.is_linked:
        raise InvalidTable(f"{bucket} is linked from another project: its tables can only be read.")
    if not table_ids.is_name(name):
        raise InvalidTable(f"name: expected letters, digits, dashes and underscores, at most {table_ids.NAME_LIMIT}.")
    given = _columns_of(columns)
    try:
        with transaction.atomic():
            table: Table = Table.objects.create(
                bucket=bucket,
                name=name,
                columns=given,
                primary_key=_key_of(primary_key, given),
                is_typed=is_typed,
                location=location or new_location(bucket, name),
                created_at=now,
                created_by=created_by,
            )
    except IntegrityError as error:
        raise TableTaken(f"name: there is a table {bucket.bucket_id}.{name} already.") from error
    return table


def new_location(bucket: Bucket, name: str) -> str:
    """A folder for a table that is made now, never used before: a table of the same name may have been deleted."""
    return location_for(bucket.project_id, TableId(BucketId(bucket.stage, bucket.name), name))


def location_for(project_id: int, table_id: TableId) -> str:
    return f"{project_id}/{table_id.bucket}/{table_id.name}-{uuid4().hex[:12]}"


@transaction.atomic
def update(table: Table, *, description: Any = KEEP, primary_key: Any = KEEP, actor: Actor) -> Table:
    """Raises Denied, InvalidTable: a key can be taken away at any time, but given only while there are no rows."""
    access.require_bucket(actor, table.bucket.project, table.bucket.bucket_id, writes=True)
    found: Table = Table.objects.select_for_update(no_key=True).get(pk=table.pk)
    if description is not KEEP:
        found.description = _description_of(description)
    if primary_key is not KEEP:
        key = _key_of(primary_key, found.columns)
        if key and key != found.primary_key and found.rows:
            raise InvalidTable(
                "primary_key: the table has rows that may repeat it. Take it away, or load the table anew with the key."
            )
        found.primary_key = key
    found.save(update_fields=["description", "primary_key"])
    return found


@transaction.atomic
def delete(table: Table, *, actor: Actor, now: datetime) -> None:
    """Remove the table; its files go later. Doing it twice changes nothing. Raises Denied, BucketInUse."""
    access.require_bucket(actor, table.bucket.project, table.bucket.bucket_id, writes=True)
    buckets.remove_tables(list(Table.objects.select_for_update().filter(pk=table.pk)), now)


# --- Private -----------------------------------------------------------------------------------


def _parsed(text: str) -> TableId | None:
    try:
        return table_ids.table_id(text)
    except table_ids.InvalidName:
        return None


def _buckets_of(project: Project | int, wanted: Iterable[TableId]) -> list[Bucket]:
    places = Q(pk__in=[])
    for stage, name in {(each.bucket.stage, each.bucket.name) for each in wanted}:
        places |= Q(stage=stage, name=name)
    return list(Bucket.objects.in_project(project).filter(places).select_related("project"))


def _columns_of(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Raises InvalidTable."""
    given = [
        {"name": column.get("name"), "type": column.get("type", "STRING"), "nullable": column.get("nullable", True)}
        for column in columns
    ]
    if not given:
        raise InvalidTable("columns: a table needs at least one.")
    names = [column["name"] for column in given]
    for name in names:
        if not isinstance(name, str) or not name.strip() or "\x00" in name:
            raise InvalidTable("columns: every column needs a name.")
    # Names are the same whatever their case, as in SQL: the databases that read a table do not tell them apart.
    twice = next((name for place, name in enumerate(names) if name.lower() in {n.lower() for n in names[:place]}), "")
    if twice:
        raise InvalidTable(f'columns: "{twice}" stands there twice.')
    unknown = next((column["type"] for column in given if column["type"] not in TYPES), None)
    if unknown is not None:
        raise InvalidTable(f'columns: the type "{unknown}" is not one of {", ".join(TYPES)}.')
    return given


def _key_of(primary_key: Sequence[str], columns: Sequence[Mapping[str, Any]]) -> list[str]:
    names = {column["name"] for column in columns}
    for name in primary_key:
        if name not in names:
            raise InvalidTable(f'primary_key: there is no column "{name}".')
    if len(set(primary_key)) != len(primary_key):
        raise InvalidTable("primary_key: a column stands there twice.")
    return list(primary_key)


def _description_of(value: object) -> str:
    if not isinstance(value, str) or len(value) > DESCRIPTION_LIMIT or "\x00" in value:
        raise InvalidTable(f"description: expected a text of at most {DESCRIPTION_LIMIT:,} characters.")
    return value
