"""Tables by the API, as far as the catalogue knows them: listed, shown, previewed and deleted."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.http import HttpResponse

from orchestrations import tables
from orchestrations.api import done_jobs, storage_presenting
from orchestrations.api.errors import STORAGE, ApiError, Invalid
from orchestrations.api.operations import ASYNC, operation
from orchestrations.api.storage_finding import find_table, sums_of, tables_of, visible_buckets
from orchestrations.api.storage_schemas import PREVIEW, STORAGE_JOB, TABLE
from orchestrations.api.wire import Answer, Call, endpoint, origin
from orchestrations.lib.openapi import TEXT, list_of, one_of, whole
from orchestrations.models import Table
from orchestrations.tables import Found

MOST_PREVIEWED = 1000
FILTERS = ("whereColumn", "changedSince", "changedUntil", "whereFilters")


@operation("List tables", {200: list_of(TABLE)})
def _list(call: Call) -> Any:
    rows = visible_buckets(call)
    sums, here = sums_of(rows), origin(call.request)
    parents = {row.pk: storage_presenting.bucket(row, sums[row.pk], origin=here) for row in rows}
    return [storage_presenting.table(each, origin=here, parent=parents[each.bucket.pk]) for each in tables_of(rows)]


@operation("Show a table", {200: TABLE})
def _show(call: Call, table_id: str) -> Any:
    found, here = find_table(call, table_id), origin(call.request)
    sums = sums_of([found.bucket])[found.bucket.pk]
    parent = storage_presenting.bucket(found.bucket, sums, origin=here)
    return storage_presenting.table(found, origin=here, parent=parent)


@operation("Delete a table", {204: None, 202: STORAGE_JOB}, query=ASYNC)
def _delete(call: Call, table_id: str) -> Any:
    found = find_table(call, table_id)
    if found.is_linked:
        raise ApiError(400, f"{table_id} is linked from another project: its tables can only be read.")
    later = call.query.flag("async")
    tables.delete(found.table, actor=call.actor, now=call.now)
    return done_jobs.answer(call, "tableDelete", table_id) if later else Answer(None)


@operation(
    "Preview the first rows of a table",
    {200: PREVIEW},
    query={"limit": whole(1, MOST_PREVIEWED, 100), "format": one_of(["rfc", "json"]), "columns": TEXT},
    other_types=("text/csv",),
)
def _preview(call: Call, table_id: str) -> Any:
    """The first rows as CSV, or with format=json as JSON."""
    query = call.query
    for name in FILTERS:
        if query.given(name):
            raise Invalid(name, "a preview shows the first rows as they are; export the table to filter it.")
    limit = query.whole("limit", 100, least=1, most=MOST_PREVIEWED)
    is_json = query.choice("format", "rfc", ("rfc", "json")) == "json"
    found = find_table(call, table_id)
    places = _places(found.table, columns_given(query.texts("columns", most=10_000)))
    rows = [[row[place] for place in places.values()] for row in found.table.preview[:limit]]
    if is_json:
        cells = [[_cell(name, value) for name, value in zip(places, row, strict=True)] for row in rows]
        return {"columns": list(places), "rows": cells}
    return HttpResponse(_csv([list(places), *rows]), content_type="text/csv; charset=utf-8")


def columns_given(texts: list[str]) -> list[str]:
    """``a,b`` and ``[a, b]`` are the same."""
    return [name for text in texts for name in text.split(",") if name]


def require_columns(found: Found, names: list[str]) -> None:
    """Raises Invalid."""
    _places(found.table, names)


def _places(table: Table, names: list[str]) -> dict[str, int]:
    known = {column["name"]: place for place, column in enumerate(table.columns)}
    for name in names:
        if name not in known:
            raise Invalid("columns", f"there is no column {name!r} in {table}.")
    return {name: known[name] for name in names or known}


def _cell(name: str, value: str | None) -> dict[str, Any]:
    return {"columnName": name, "value": value, "isTruncated": False}


def _csv(rows: list[list[str | None]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue()


of_project = endpoint(STORAGE, get=_list)
table = endpoint(STORAGE, get=_show, delete=_delete)
preview = endpoint(STORAGE, get=_preview)
