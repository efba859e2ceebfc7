"""One table: its first rows, its columns, and what was imported into it.

What it starts, the floor above adds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from jobs.queries import tables as queries
from jobs.queries.buckets import holder_of
from jobs.views.buckets import crumbs_of
from orchestrations.lib.pages import number_of
from orchestrations.models import Bucket, Role, Table
from orchestrations.views.members import Member, MemberRequest

FIRST_COLUMN = "column"


def detail(
    request: MemberRequest, table_id: str, *, more: Callable[[MemberRequest, Table], dict[str, Any]]
) -> HttpResponse:
    """?column= the number of the first column that is shown of a wide table."""
    bucket, table = find(request, table_id)
    preview = queries.preview_of(table, number_of(request.GET.get(FIRST_COLUMN)) or 1)
    context = {
        "crumbs": crumbs_of(bucket),
        "table": facts_of(bucket, table, request.member),
        "preview": preview,
        "imports": queries.imports_of(bucket, table),
        "users": queries.users_of(bucket, table),
        "before_url": _beside(request, preview.first - queries.COLUMNS_SHOWN) if preview.first > 1 else "",
        "after_url": _beside(request, preview.last + 1) if preview.last < preview.total else "",
        **more(request, table),
    }
    return render(request, "storage/table_detail.html", context)


def find(request: MemberRequest, table_id: str) -> tuple[Bucket, Table]:
    found = queries.find(request.member.project, table_id)
    if found is None:
        raise Http404("There is no such table in this project.")
    return found


def facts_of(bucket: Bucket, table: Table, member: Member) -> dict[str, Any]:
    """With the addresses of what the viewer may do with it, "" otherwise. A linked table is only read."""
    address = [bucket.project_id, f"{bucket.bucket_id}.{table.name}"]
    may_write = member.may(Role.EDITOR) and not bucket.is_linked
    return {
        "id": address[1],
        "name": table.name,
        "url": queries.url_of(bucket, table.name),
        "description": table.description,
        "owner": holder_of(bucket).project.name if bucket.is_linked else "",
        "rows": table.rows,
        "size_bytes": table.size_bytes,
        "column_count": len(table.columns),
        "primary_key": table.primary_key,
        "is_typed": table.is_typed,
        "revision": table.revision,
        "created_at": table.created_at,
        "created_by": table.created_by,
        "updated_at": table.updated_at,
        "upload_url": reverse("table-upload", args=address) if may_write else "",
        "download_url": reverse("table-download", args=address),
        "edit_url": reverse("table-edit", args=address) if may_write else "",
        "delete_rows_url": reverse("table-row-deletion", args=address) if may_write and table.rows else "",
        "delete_url": reverse("table-deletion", args=address) if may_write else "",
    }


def _beside(request: MemberRequest, column: int) -> str:
    return f"{request.path}?{FIRST_COLUMN}={max(1, column)}"
