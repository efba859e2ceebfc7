"""Buckets by the API: listed, made, linked, shared and deleted (API.md, "Storage")."""

from __future__ import annotations

from typing import Any

from orchestrations import access, accounts, buckets
from orchestrations.api import done_jobs, storage_presenting
from orchestrations.api.errors import STORAGE, Invalid, NotFound
from orchestrations.api.operations import ASYNC, operation
from orchestrations.api.storage_finding import find_bucket, sums_of, tables_of, visible_buckets
from orchestrations.api.storage_schemas import BUCKET, NEW_BUCKET, SHARED_BUCKET, SHARING, STORAGE_JOB, TABLE
from orchestrations.api.wire import Answer, Call, endpoint, number_of, origin
from orchestrations.lib.openapi import FLAG, list_of
from orchestrations.models import Bucket, Project, Role, Stage


@operation("List buckets", {200: list_of(BUCKET)})
def _list(call: Call) -> Any:
    rows = visible_buckets(call)
    sums = sums_of(rows)
    return [storage_presenting.bucket(row, sums[row.pk], origin=origin(call.request)) for row in rows]


@operation("Create a bucket, or link one of another project", {201: BUCKET}, body=NEW_BUCKET)
def _create(call: Call) -> Any:
    """A new one, or with sourceProjectId and sourceBucketId a look into another project's."""
    body = call.body
    stage = body.choice("stage", Stage.IN, Stage.values)
    name = body.text("name")
    if not name:
        raise Invalid("name", "is missing.")
    if body.given("sourceBucketId") or body.given("sourceProjectId"):
        source = _find_shared(call)
        row = buckets.link(call.project, source, stage=stage, name=name, actor=call.actor, now=call.now)
    else:
        description = body.text("description", most=buckets.DESCRIPTION_LIMIT)
        row = buckets.create(call.project, stage, name, description=description, actor=call.actor, now=call.now)
    return Answer(_shown(call, row), 201)


@operation("Show a bucket", {200: BUCKET})
def _show(call: Call, bucket_id: str) -> Any:
    return _shown(call, find_bucket(call, bucket_id))


@operation("Delete a bucket, or unlink it", {204: None, 202: STORAGE_JOB}, query={**ASYNC, "force": FLAG})
def _delete(call: Call, bucket_id: str) -> Any:
    """A linked one is only unlinked."""
    row = find_bucket(call, bucket_id)
    force, later = call.query.flag("force"), call.query.flag("async")
    if row.is_linked:
        buckets.unlink(row, actor=call.actor)
    else:
        buckets.delete(row, with_tables=force, actor=call.actor, now=call.now)
    return done_jobs.answer(call, "bucketDelete", bucket_id) if later else Answer(None)


@operation("List the tables of a bucket", {200: list_of(TABLE)})
def _list_tables(call: Call, bucket_id: str) -> Any:
    row = find_bucket(call, bucket_id)
    return [storage_presenting.table(found, origin=origin(call.request)) for found in tables_of([row])]


@operation("Share a bucket with all projects", {200: BUCKET})
def _share_with_all(call: Call, bucket_id: str) -> Any:
    row = buckets.share(find_bucket(call, bucket_id), with_all=True, actor=call.actor, now=call.now)
    return _shown(call, row)


@operation("Share a bucket with some projects", {200: BUCKET}, body=SHARING)
def _share_with_some(call: Call, bucket_id: str) -> Any:
    row = find_bucket(call, bucket_id)
    access.require(call.actor, call.project, Role.ADMIN)
    chosen = _projects(call, call.body.texts("targetProjectIds"))
    return _shown(call, buckets.share(row, projects=chosen, actor=call.actor, now=call.now))


@operation("Share a bucket no longer", {204: None})
def _stop_sharing(call: Call, bucket_id: str) -> Any:
    buckets.stop_sharing(find_bucket(call, bucket_id), actor=call.actor, now=call.now)
    return Answer(None)


@operation("List the buckets that other projects share with this one", {200: list_of(SHARED_BUCKET)})
def _list_shared(call: Call) -> Any:
    access.require_buckets(call.actor, call.project)
    rows = Bucket.objects.shared_with(call.project).select_related("project").order_by("project__name", "stage", "name")
    return [storage_presenting.shared_bucket(row) for row in rows]


# --- Private -----------------------------------------------------------------------------------


def _shown(call: Call, row: Bucket) -> Any:
    return storage_presenting.bucket(row, sums_of([row])[row.pk], origin=origin(call.request))


def _find_shared(call: Call) -> Bucket:
    """Raises NotFound."""
    access.require_buckets(call.actor, call.project)
    project_id, bucket_id = call.body.text("sourceProjectId"), call.body.text("sourceBucketId")
    stage, _, name = bucket_id.partition(".")
    shared = Bucket.objects.shared_with(call.project).select_related("project")
    row: Bucket | None = shared.filter(project=number_of(project_id), stage=stage, name=name).first()
    if row is None:
        raise NotFound(f"sourceBucketId: the project {project_id!r} shares no bucket {bucket_id!r} with this one.")
    return row


def _projects(call: Call, ids: list[str]) -> list[Project]:
    """Those that the person is in. Raises Invalid."""
    known = {project.pk: project for project in accounts.projects_of(call.actor.user)} if call.actor.user else {}
    unknown = next((each for each in ids if number_of(each) not in known), None)
    if not ids or unknown is not None:
        words = f"there is no project {unknown!r} of yours." if ids else "is missing."
        raise Invalid("targetProjectIds", words)
    return [known[number_of(each)] for each in ids]


of_project = endpoint(STORAGE, get=_list, post=_create)
bucket = endpoint(STORAGE, get=_show, delete=_delete)
tables = endpoint(STORAGE, get=_list_tables)
share = endpoint(STORAGE, delete=_stop_sharing)
share_with_all = endpoint(STORAGE, post=_share_with_all)
share_with_some = endpoint(STORAGE, post=_share_with_some)
shared = endpoint(STORAGE, get=_list_shared)
