"""Tables as pages show them, by what the catalogue knows of them: none is opened for a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from jobs.models import ImportMode, TableImport
from jobs.queries import buckets
from jobs.queries.buckets import holder_of
from jobs.queries.rows import first_line
from orchestrations import table_uses
from orchestrations.lib.amounts import count_words
from orchestrations.models import Bucket, Project, Table

NUMBERS = frozenset({"INTEGER", "NUMERIC", "FLOAT"})
LAST_IMPORTS = 20
MOST_OFFERED = 500
COLUMNS_SHOWN = 40
"""At once: a table may have thousands."""


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """``job_url``: "" when the job is gone, or of another project. ``revision``: None while it is on its way."""

    mode: str
    rows: int
    at: datetime
    revision: int | None
    is_over: bool
    error: str
    """Why nothing of it is in the table, "" otherwise."""
    job_id: int | None
    job_name: str
    job_url: str


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """``last``: None when nothing was imported yet."""

    id: str
    name: str
    url: str
    bucket_id: str
    description: str
    owner: str
    rows: int
    size_bytes: int
    updated_at: datetime | None
    last: ImportRow | None


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    type: str
    is_key: bool
    is_nullable: bool

    @property
    def is_number(self) -> bool:
        return self.type in NUMBERS


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first rows, for some of the columns; ``first`` and ``last`` count from 1."""

    columns: list[Column]
    rows: list[list[str | None]]
    first: int
    last: int
    total: int


@dataclass(frozen=True)
class User:
    """A configuration that reads or writes a table, by what it declares; ``words``: which of them."""

    name: str
    url: str
    words: str


def rows_of(bucket: Bucket, sought: str = "", most: int = 200) -> tuple[list[TableRow], int]:
    """The tables that a bucket shows, by name, at most ``most``; and how many there are. Three queries."""
    found = Table.objects.filter(bucket=holder_of(bucket))
    if sought:
        found = found.filter(Q(name__icontains=sought) | Q(description__icontains=sought))
    tables = _listed(found)[: most + 1]
    drawn = _rows([(bucket, each) for each in tables])
    return drawn[:most], len(drawn) if len(drawn) <= most else found.count()


def users_of(bucket: Bucket, table: Table) -> list[User]:
    """Of the project that looks: writers first, by name. One query."""
    found = table_uses.of_table(bucket.project, f"{bucket.bucket_id}.{table.name}")
    words = {each.pk: "writes it" for each in found.writers}
    words |= {each.pk: "reads and writes it" if each.pk in words else "reads it" for each in found.readers}
    unique = {each.pk: each for each in (*found.writers, *found.readers)}
    return [
        User(each.name, reverse("configuration", args=[each.project_id, each.pk]), words[each.pk])
        for each in unique.values()
    ]


def matching(project: Project, sought: str, most: int) -> list[TableRow]:
    """The tables of all buckets, own and linked, with these letters in their names, at most ``most``."""
    shown = {holder_of(each).pk: each for each in Bucket.objects.in_project(project).select_related("source__project")}
    found = _listed(Table.objects.filter(bucket__in=shown).filter(_called(sought)))[:most]
    return _rows([(shown[each.bucket_id], each) for each in found])


def find(project: Project, table_id: str) -> tuple[Bucket, Table] | None:
    """With the bucket that shows it in the project, own or linked."""
    bucket_id, _, name = table_id.rpartition(".")
    bucket = buckets.find(project, bucket_id)
    table = bucket and Table.objects.select_related("created_by").filter(bucket=holder_of(bucket), name=name).first()
    return (bucket, table) if bucket and table else None


def choices_of(project: Project) -> dict[str, list[dict[str, str]]]:
    """What a mapping offers: ``tables`` to read, ``own_tables`` to write, those with the newest data first."""
    shown = {holder_of(each).pk: each for each in Bucket.objects.in_project(project).select_related("source__project")}
    found = (
        Table.objects.filter(bucket__in=shown)
        .order_by(F("updated_at").desc(nulls_last=True), "pk")
        .values_list("bucket", "name", "rows")[:MOST_OFFERED]
    )
    offered = [(shown[pk], name, rows) for pk, name, rows in found]
    return {
        "tables": [_choice(bucket, name, rows) for bucket, name, rows in offered],
        "own_tables": [_choice(bucket, name, rows) for bucket, name, rows in offered if not bucket.is_linked],
    }


def url_of(bucket: Bucket, name: str) -> str:
    return reverse("table", args=[bucket.project_id, f"{bucket.bucket_id}.{name}"])


def columns_of(table: Table) -> list[Column]:
    return [
        Column(
            name=str(each["name"]),
            type=str(each.get("type", "STRING")),
            is_key=each["name"] in table.primary_key,
            is_nullable=bool(each.get("nullable", True)),
        )
        for each in table.columns
    ]


def preview_of(table: Table, first: int = 1) -> Preview:
    """``first``: the number of the column that it begins with."""
    columns = columns_of(table)
    begin = min(max(first, 1), max(len(columns), 1)) - 1
    end = begin + COLUMNS_SHOWN
    return Preview(
        columns=columns[begin:end],
        rows=[row[begin:end] for row in table.preview],
        first=begin + 1,
        last=min(end, len(columns)),
        total=len(columns),
    )


def imports_of(bucket: Bucket, table: Table) -> list[ImportRow]:
    """The newest first, those on their way too."""
    return [_import(each, bucket) for each in _imports().filter(table=table).order_by("-pk")[:LAST_IMPORTS]]


def _choice(bucket: Bucket, name: str, rows: int) -> dict[str, str]:
    words = f"{count_words(rows)} row{'' if rows == 1 else 's'}"
    owner = f", shared by {bucket.source.project.name}" if bucket.source else ""
    return {"id": f"{bucket.bucket_id}.{name}", "words": f"{words}{owner}"}


def _called(sought: str) -> Q:
    """Every word in its name; of an id, such as in.c-sales.orders, what follows the last dot."""
    wanted = Q()
    for word in sought.split():
        wanted &= Q(name__icontains=word.rpartition(".")[2])
    return wanted


def _listed(tables: QuerySet[Table]) -> QuerySet[Table]:
    newest = TableImport.objects.filter(table=OuterRef("pk"), committed_at__isnull=False, error="")
    found: QuerySet[Table] = (
        tables.annotate(last_import=Subquery(newest.order_by("-pk").values("pk")[:1]))
        .defer("preview", "columns")
        .order_by("name", "pk")
    )
    return found


def _imports() -> QuerySet[TableImport]:
    found: QuerySet[TableImport] = (
        TableImport.objects.select_related("job")
        .defer("plan")
        .only(
            "mode",
            "rows",
            "created_at",
            "committed_at",
            "error",
            "revision",
            "table_id",
            "job__name",
            "job__project_id",
        )
    )
    return found


def _rows(shown: list[tuple[Bucket, Table]]) -> list[TableRow]:
    newest = {table.pk: getattr(table, "last_import", None) for _, table in shown}
    last = {each.table_id: each for each in _imports().filter(pk__in=[pk for pk in newest.values() if pk is not None])}
    return [_row(bucket, table, last.get(table.pk)) for bucket, table in shown]


def _row(bucket: Bucket, table: Table, last: TableImport | None) -> TableRow:
    return TableRow(
        id=f"{bucket.bucket_id}.{table.name}",
        name=table.name,
        url=url_of(bucket, table.name),
        bucket_id=bucket.bucket_id,
        description=table.description,
        owner=bucket.source.project.name if bucket.source else "",
        rows=table.rows,
        size_bytes=table.size_bytes,
        updated_at=table.updated_at,
        last=_import(last, bucket) if last else None,
    )


def _import(row: TableImport, bucket: Bucket) -> ImportRow:
    """What another project's jobs are called is its own business."""
    job: Any = None if bucket.is_linked else row.job
    return ImportRow(
        mode=ImportMode(row.mode).label,
        rows=row.rows,
        at=row.committed_at or row.created_at,
        revision=row.revision,
        is_over=row.committed_at is not None,
        error=first_line(row.error),
        job_id=job.pk if job else None,
        job_name=job.name if job else "",
        job_url=reverse("job", args=[job.project_id, job.pk]) if job else "",
    )
