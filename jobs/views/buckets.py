"""Storage: the buckets of the project, and one bucket with its tables."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs.queries import buckets as queries
from jobs.queries import tables
from jobs.queries.buckets import holder_of
from jobs.views.answers import page_or_fragment
from orchestrations.lib.amounts import size_words
from orchestrations.models import Bucket, Role
from orchestrations.views.members import Member, MemberRequest, for_members

SEARCH = "q"
LONGEST_SEARCH = 200
MOST_ROWS = 200
MOST_FOUND = 50


@require_safe
@for_members()
def storage(request: MemberRequest) -> HttpResponse:
    """?q= a part of the name of a bucket or table."""
    member = request.member
    sought = sought_of(request)
    groups = queries.groups_of(member.project, sought)
    may_edit = member.may(Role.EDITOR)
    context = {
        "groups": groups,
        "tables": tables.matching(member.project, sought, MOST_FOUND) if sought else [],
        "has_any": bool(groups) or bool(sought),
        "sought": sought,
        "all_url": request.path,
        "new_url": reverse("bucket-new", args=[member.project.pk]) if may_edit else "",
        "shared_url": reverse("storage-shared", args=[member.project.pk]),
        "words": _words(groups),
    }
    return page_or_fragment(request, "storage/bucket_list.html", "storage/_bucket_table.html", context)


@require_safe
@for_members()
def detail(request: MemberRequest, bucket_id: str) -> HttpResponse:
    bucket = find(request, bucket_id)
    sought = sought_of(request)
    rows, count = tables.rows_of(bucket, sought, MOST_ROWS)
    context = {
        "list_url": reverse("storage", args=[bucket.project_id]),
        "bucket": facts_of(bucket, request.member),
        "rows": rows,
        "more_count": count - len(rows),
        "sought": sought,
        "all_url": request.path,
    }
    return page_or_fragment(request, "storage/bucket_detail.html", "storage/_table_table.html", context)


def find(request: MemberRequest, bucket_id: str) -> Bucket:
    found = queries.find(request.member.project, bucket_id)
    if found is None:
        raise Http404("There is no such bucket in this project.")
    return found


def sought_of(request: MemberRequest) -> str:
    return request.GET.get(SEARCH, "").replace("\x00", "")[:LONGEST_SEARCH].strip()


def crumbs_of(bucket: Bucket) -> list[dict[str, str]]:
    """The way to a page below a bucket."""
    return [
        {"name": "Storage", "url": reverse("storage", args=[bucket.project_id])},
        {"name": bucket.bucket_id, "url": queries.url_of(bucket)},
    ]


def facts_of(bucket: Bucket, member: Member) -> dict[str, Any]:
    """With the addresses of what the viewer may do with it, "" otherwise."""
    holder = holder_of(bucket)
    address = [bucket.project_id, bucket.bucket_id]
    may_edit, is_linked = member.may(Role.EDITOR), bucket.is_linked
    return {
        "id": bucket.bucket_id,
        "description": bucket.description or holder.description,
        "owner": holder.project.name if is_linked else "",
        "source_id": holder.bucket_id,
        "is_linked": is_linked,
        "sums": queries.sums_of([bucket]).get(holder.pk, queries.Sums()),
        "is_shared_with_all": bucket.is_shared_with_all,
        "shared_with": [] if is_linked else queries.shared_names(bucket),
        "linked_by": [] if is_linked else queries.links_of(bucket),
        "created_at": bucket.created_at,
        "created_by": bucket.created_by,
        "upload_url": reverse("bucket-upload", args=address) if may_edit and not is_linked else "",
        "edit_url": reverse("bucket-edit", args=address) if may_edit else "",
        "share_url": reverse("bucket-sharing", args=address) if member.may(Role.ADMIN) and not is_linked else "",
        "unlink_url": reverse("bucket-unlinking", args=address) if may_edit and is_linked else "",
        "delete_url": reverse("bucket-deletion", args=address) if may_edit and not is_linked else "",
    }


def _words(groups: list[queries.StageGroup]) -> str:
    """ "4 buckets, 1.2 GB" """
    rows = [row for group in groups for row in group.buckets]
    count = "1 bucket" if len(rows) == 1 else f"{len(rows)} buckets"
    return f"{count}, {size_words(sum(row.sums.size_bytes for row in rows))}"
