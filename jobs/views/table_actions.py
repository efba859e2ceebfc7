"""Describing and deleting a table."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from jobs.queries import buckets as queries
from jobs.queries.tables import url_of
from jobs.views.buckets import crumbs_of
from jobs.views.storage_forms import DescriptionForm, posted
from jobs.views.tables import facts_of, find
from orchestrations import tables
from orchestrations.buckets import BucketInUse
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Bucket, Role, Table
from orchestrations.tables import InvalidTable
from orchestrations.views.members import MemberRequest, for_members

FORM = ["GET", "HEAD", "POST"]


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def edit(request: MemberRequest, table_id: str) -> HttpResponse:
    """Its description."""
    bucket, table = find_own(request, table_id)
    form = DescriptionForm(posted(request), initial={"description": table.description})
    if form.is_valid():
        try:
            tables.update(table, description=form.cleaned_data["description"], actor=request.member.actor)
        except InvalidTable as error:
            form.refuse(error)
        else:
            messages.success(request, "Description saved.")
            return go_to(request, url_of(bucket, table.name))
    return show_dialog(request, "storage/description_form.html", bucket, table, form=form, title=table.name)


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def deletion(request: MemberRequest, table_id: str) -> HttpResponse:
    bucket, table = find_own(request, table_id)
    error = ""
    if request.method == "POST":
        try:
            tables.delete(table, actor=request.member.actor, now=request.member.now)
        except BucketInUse as refused:
            error = str(refused)
        else:
            messages.success(request, f"{table_id} deleted.")
            return go_to(request, queries.url_of(bucket))
    return show_dialog(request, "storage/table_confirm_delete.html", bucket, table, error=error)


def find_own(request: MemberRequest, table_id: str) -> tuple[Bucket, Table]:
    bucket, table = find(request, table_id)
    if bucket.is_linked:
        raise Http404("This table is linked: it belongs to another project.")
    return bucket, table


def show_dialog(request: MemberRequest, template: str, bucket: Bucket, table: Table, **more: Any) -> HttpResponse:
    """A dialog, or the page of it; 422 when something was refused."""
    url = url_of(bucket, table.name)
    context = {
        "fragment": wants_fragment(request),
        "action_url": request.path,
        "crumbs": [*crumbs_of(bucket), {"name": table.name, "url": url}],
        "back_url": url,
        "table": facts_of(bucket, table, request.member),
        **more,
    }
    form = more.get("form")
    is_refused = bool(form.errors if form is not None else more.get("error"))
    return render(request, template, context, status=422 if is_refused else 200)
