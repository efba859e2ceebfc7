"""Making, describing, sharing, linking, unlinking and deleting buckets: dialogs, each also a page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from jobs.queries import buckets as queries
from jobs.views.buckets import crumbs_of, facts_of, find
from jobs.views.storage_forms import BucketForm, DescriptionForm, LinkForm, SharingForm, StorageForm, posted
from orchestrations import buckets
from orchestrations.buckets import BucketInUse, InvalidBucket
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Bucket, Role
from orchestrations.views.members import MemberRequest, for_members

FORM = ["GET", "HEAD", "POST"]
REFUSED = (InvalidBucket, BucketInUse)


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def new(request: MemberRequest) -> HttpResponse:
    form = BucketForm(posted(request))
    if form.is_valid():
        given, member = form.cleaned_data, request.member
        try:
            made = buckets.create(
                member.project,
                given["stage"],
                given["name"],
                description=given["description"],
                actor=member.actor,
                now=member.now,
            )
        except REFUSED as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.bucket_id} created.")
            return go_to(request, queries.url_of(made))
    return _dialog(request, "storage/bucket_form.html", form)


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def edit(request: MemberRequest, bucket_id: str) -> HttpResponse:
    """Its description."""
    bucket = find(request, bucket_id)
    form = DescriptionForm(posted(request), initial={"description": bucket.description})
    if form.is_valid():
        try:
            buckets.describe(bucket, form.cleaned_data["description"], actor=request.member.actor)
        except REFUSED as error:
            form.refuse(error)
        else:
            messages.success(request, "Description saved.")
            return go_to(request, queries.url_of(bucket))
    return _dialog(request, "storage/description_form.html", form, bucket, title=bucket.bucket_id)


@require_http_methods(FORM)
@for_members(Role.ADMIN)
def sharing(request: MemberRequest, bucket_id: str) -> HttpResponse:
    """With nobody, with named projects, or with all."""
    bucket = find_own(request, bucket_id)
    form = SharingForm(posted(request), bucket=bucket, user=request.user)
    if form.is_valid():
        member = request.member
        try:
            buckets.share(bucket, projects=form.chosen, with_all=form.is_for_all, actor=member.actor, now=member.now)
        except REFUSED as error:
            form.refuse(error)
        else:
            messages.success(request, _shared_words(form))
            return go_to(request, queries.url_of(bucket))
    return _dialog(request, "storage/bucket_sharing_form.html", form, bucket)


@require_safe
@for_members()
def shared(request: MemberRequest) -> HttpResponse:
    """What other projects share with this one."""
    member = request.member
    may_link = member.may(Role.EDITOR)
    context = {
        "list_url": reverse("storage", args=[member.project.pk]),
        "buckets": [
            {
                "id": row.bucket.bucket_id,
                "owner": row.bucket.project.name,
                "description": row.bucket.description,
                "sums": row.sums,
                "linked_as": row.linked_as.bucket_id if row.linked_as else "",
                "url": queries.url_of(row.linked_as) if row.linked_as else "",
                "link_url": reverse("bucket-link", args=[member.project.pk, row.bucket.pk]) if may_link else "",
            }
            for row in queries.shared_with(member.project)
        ],
    }
    return render(request, "storage/shared_list.html", context)


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def link(request: MemberRequest, source_id: int) -> HttpResponse:
    member = request.member
    source = queries.find_shared(member.project, source_id)
    if source is None:
        raise Http404("No project shares such a bucket with this one.")
    form = LinkForm(posted(request), initial={"stage": source.stage, "name": source.name})
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = buckets.link(
                member.project, source, stage=given["stage"], name=given["name"], actor=member.actor, now=member.now
            )
        except REFUSED as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.bucket_id} shows the tables of {source.project.name} now.")
            return go_to(request, queries.url_of(made))
    return _dialog(request, "storage/bucket_link_form.html", form, source=source)


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def unlinking(request: MemberRequest, bucket_id: str) -> HttpResponse:
    bucket = find(request, bucket_id)
    if not bucket.is_linked:
        raise Http404("This bucket is the project's own.")
    if request.method == "POST":
        buckets.unlink(bucket, actor=request.member.actor)
        messages.success(request, f"{bucket.bucket_id} is not linked any more.")
        return go_to(request, reverse("storage", args=[bucket.project_id]))
    return _dialog(request, "storage/bucket_confirm_unlink.html", None, bucket)


@require_http_methods(FORM)
@for_members(Role.EDITOR)
def deletion(request: MemberRequest, bucket_id: str) -> HttpResponse:
    """POST tables=1 to delete what is in it as well."""
    bucket = find_own(request, bucket_id)
    error = ""
    if request.method == "POST":
        member = request.member
        try:
            buckets.delete(bucket, with_tables=request.POST.get("tables") == "1", actor=member.actor, now=member.now)
        except REFUSED as refused:
            error = str(refused)
        else:
            messages.success(request, f"{bucket.bucket_id} deleted.")
            return go_to(request, reverse("storage", args=[bucket.project_id]))
    return _dialog(request, "storage/bucket_confirm_delete.html", None, bucket, error=error)


def find_own(request: MemberRequest, bucket_id: str) -> Bucket:
    bucket = find(request, bucket_id)
    if bucket.is_linked:
        raise Http404("This bucket is linked: it belongs to another project.")
    return bucket


def _shared_words(form: SharingForm) -> str:
    if form.is_for_all:
        return "Every project may link it now."
    names = [each.name for each in form.chosen]
    return f"Shared with {queries.some(names)}." if names else "Not shared any more."


def _dialog(
    request: MemberRequest, template: str, form: StorageForm | None, bucket: Bucket | None = None, **more: Any
) -> HttpResponse:
    """A dialog, or the page of it; 422 when something was refused."""
    project_id = request.member.project.pk
    storage_url = reverse("storage", args=[project_id])
    context = {
        "fragment": wants_fragment(request),
        "action_url": request.path,
        "crumbs": crumbs_of(bucket) if bucket else [{"name": "Storage", "url": storage_url}],
        "back_url": queries.url_of(bucket) if bucket else storage_url,
        "bucket": facts_of(bucket, request.member) if bucket else None,
        "form": form,
        **more,
    }
    is_refused = bool(form.errors if form is not None else more.get("error"))
    return render(request, template, context, status=422 if is_refused else 200)
