"""Uploading a CSV into a table: the file is kept, a job loads it, and the job's page says how that goes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs import storing
from jobs.models import ImportMode, Job
from jobs.queries import buckets as queries
from jobs.queries.tables import url_of
from jobs.storing import CsvFile
from jobs.views import table_actions
from jobs.views.bucket_actions import find_own
from jobs.views.buckets import crumbs_of
from jobs.views.receiving import received, receives_file
from jobs.views.storage_forms import posted
from jobs.views.upload_forms import ADD, UploadForm
from orchestrations import tables
from orchestrations.models import Bucket, Role, Table
from orchestrations.views.members import MemberRequest, for_members

FORM = ["GET", "HEAD", "POST"]


@receives_file(for_members(Role.EDITOR))
@require_http_methods(FORM)
def into_bucket(request: MemberRequest, bucket_id: str) -> HttpResponse:
    """A new table from a file."""
    bucket = find_own(request, bucket_id)
    return _upload(request, bucket, None, {"crumbs": crumbs_of(bucket), "back_url": queries.url_of(bucket)})


@receives_file(for_members(Role.EDITOR))
@require_http_methods(FORM)
def into_table(request: MemberRequest, table_id: str) -> HttpResponse:
    bucket, table = table_actions.find_own(request, table_id)
    url = url_of(bucket, table.name)
    crumbs = [*crumbs_of(bucket), {"name": table.name, "url": url}]
    return _upload(request, bucket, table, {"crumbs": crumbs, "back_url": url})


def _upload(request: MemberRequest, bucket: Bucket, table: Table | None, context: dict[str, Any]) -> HttpResponse:
    with received(request):
        form = UploadForm(posted(request), request.FILES or None, table=table)
        job = _load(request, bucket, form) if form.is_valid() else None
    if job is not None:
        messages.success(request, "The file has been received and is being loaded.")
        return redirect(reverse("job", args=[job.project_id, job.pk]))
    title = f"Upload into {table.name}" if table else f"Upload into {bucket.bucket_id}"
    context |= {"form": form, "title": title, "table": table}
    return render(request, "storage/upload_form.html", context, status=422 if form.errors else 200)


def _load(request: MemberRequest, bucket: Bucket, form: UploadForm) -> Job | None:
    """None when it was refused; the form says why."""
    given, table = form.cleaned_data, form.table
    table_id = f"{bucket.bucket_id}.{table.name if table else given['name']}"
    if table is None and tables.find(bucket.project, table_id):
        form.add_error("name", f"There is a table {table_id} already: upload into it from its own page.")
        return None
    key = given.get("primary_key") or (table.primary_key if table else [])
    try:
        return storing.load_file(
            bucket.project,
            table_id,
            CsvFile(
                path=given["file"].path,
                delimiter=given["delimiter"],
                columns=() if given["has_header"] else form.columns,
            ),
            mode=_mode(given.get("mode"), has_key=bool(key)),
            primary_key=key,
            actor=request.member.actor,
            now=request.member.now,
        )
    except storing.Refused as error:
        form.refuse(error)
        return None


def _mode(chosen: str | None, *, has_key: bool) -> ImportMode:
    if chosen != ADD:
        return ImportMode.FULL
    return ImportMode.UPSERT if has_key else ImportMode.APPEND
