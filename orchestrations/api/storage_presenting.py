"""Buckets and tables as the API writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrations.api.presenting import BACKEND
from orchestrations.api.wire import moment
from orchestrations.models import Bucket
from orchestrations.table_ids import PREFIX
from orchestrations.tables import Found

Json = dict[str, Any]


def bucket(row: Bucket, sums: tuple[int, int, datetime | None], *, origin: str) -> Json:
    """``sums``: rows, bytes and when its data last changed. ``row`` comes with its source and that one's project."""
    rows, size_bytes, changed_at = sums
    document: Json = {
        "uri": f"{origin}/v2/storage/buckets/{row.bucket_id}",
        "id": row.bucket_id,
        "name": row.name,
        "displayName": row.name.removeprefix(PREFIX),
        "idBranch": row.project_id,
        "stage": row.stage,
        "description": row.description,
        "tables": f"{origin}/v2/storage/buckets/{row.bucket_id}/tables",
        "created": moment(row.created_at),
        "lastChangeDate": moment(changed_at),
        "isReadOnly": row.is_linked,
        "dataSizeBytes": size_bytes,
        "rowsCount": rows,
        "isMaintenance": False,
        "backend": BACKEND,
        "sharing": "organization-project" if row.is_shared_with_all else None,
        "hasExternalSchema": False,
        "metadata": [],
    }
    return {**document, "sourceBucket": _source(row.source)} if row.source is not None else document


def shared_bucket(row: Bucket) -> Json:
    """Another project's, which this one may link."""
    return {
        **_source(row),
        "displayName": row.name.removeprefix(PREFIX),
        "stage": row.stage,
        "created": moment(row.created_at),
        "sharing": "organization-project" if row.is_shared_with_all else "specific-projects",
        "backend": BACKEND,
    }


def table(found: Found, *, origin: str, parent: Json | None = None) -> Json:
    """``parent``: its bucket, where it is shown with it."""
    row = found.table
    document: Json = {
        "uri": f"{origin}/v2/storage/tables/{found.table_id}",
        "id": found.table_id,
        "name": row.name,
        "displayName": row.name,
        "description": row.description,
        "transactional": False,
        "primaryKey": row.primary_key,
        "indexType": None,
        "indexKey": [],
        "created": moment(row.created_at),
        "lastImportDate": moment(row.updated_at),
        "lastChangeDate": moment(row.updated_at),
        "rowsCount": row.rows,
        "dataSizeBytes": row.size_bytes,
        "isAlias": found.is_linked,
        "isAliasable": True,
        "isTyped": row.is_typed,
        "columns": [column["name"] for column in row.columns],
        "columnMetadata": {},
        "metadata": [],
        "attributes": [],
        "revision": row.revision,
    }
    if row.is_typed:
        document["definition"] = {
            "primaryKeysNames": row.primary_key,
            "columns": [_column(each) for each in row.columns],
        }
    return {**document, "bucket": parent} if parent is not None else document


def _column(column: Json) -> Json:
    definition = {"type": column["type"], "nullable": column.get("nullable", True)}
    return {"name": column["name"], "definition": definition, "basetype": column["type"]}


def _source(row: Bucket) -> Json:
    return {
        "id": row.bucket_id,
        "name": row.name,
        "description": row.description,
        "project": {"id": row.project_id, "name": row.project.name},
    }
