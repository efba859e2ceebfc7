"""Loading files into tables and unloading tables into files, as jobs; updates that are announced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs import blobs, slices, storing, updating
from jobs.api import files, storage_jobs
from jobs.api.schemas import ANNOUNCEMENT, NEW_TABLE, TABLE_EXPORT, TABLE_IMPORT, UPDATE
from jobs.api.storage_jobs import accepted
from jobs.blobs import Upload
from jobs.models import ImportMode
from jobs.storing import CsvFile, Refused
from orchestrations import table_ids, tables
from orchestrations.api.errors import STORAGE, ApiError, Invalid
from orchestrations.api.operations import operation
from orchestrations.api.storage_finding import find_bucket, find_table
from orchestrations.api.storage_schemas import STORAGE_JOB
from orchestrations.api.tables import columns_given, require_columns
from orchestrations.api.wire import Answer, Call, endpoint, moment
from orchestrations.lib import moments

OPERATORS = {"eq": "eq", "ne": "ne", "neq": "ne"}
OTHER_SOURCES = ("dataUrl", "snapshotId", "dataWorkspaceId", "dataTableName")
LONG = 100_000


@operation("Create a table of an uploaded file", {202: STORAGE_JOB}, body=NEW_TABLE)
def _create_table(call: Call, bucket_id: str) -> Any:
    bucket, body = find_bucket(call, bucket_id), call.body
    name, columns = body.text("name"), columns_given(body.texts("columns", most=LONG))
    if not table_ids.is_name(name):
        raise Invalid("name", f"expected letters, digits, dashes and underscores, at most {table_ids.NAME_LIMIT}.")
    table_id = f"{bucket.bucket_id}.{name}"
    if tables.find(call.project, table_id) is not None:
        raise ApiError(400, f"name: there is a table {table_id} already.", "storage.tables.alreadyExists")
    key = columns_given(body.texts("primaryKey", most=LONG))
    return _load(call, table_id, columns, mode=ImportMode.FULL, key=key, tag=storage_jobs.NEW_TABLE)


@operation("Import an uploaded file into a table", {202: STORAGE_JOB}, body=TABLE_IMPORT)
def _import(call: Call, table_id: str) -> Any:
    """With ``incremental`` rows are added, or updated by the table's primary key when it has one."""
    table, body = find_table(call, table_id).table, call.body
    columns = columns_given(body.texts("columns", most=LONG)) or [column["name"] for column in table.columns]
    mode = ImportMode.FULL
    if body.flag("incremental"):
        mode = ImportMode.UPSERT if table.primary_key else ImportMode.APPEND
    return _load(call, table_id, columns, mode=mode, key=table.primary_key)


@operation("Export a table into a file", {202: STORAGE_JOB}, body=TABLE_EXPORT)
def _export(call: Call, table_id: str) -> Any:
    """Into a file in one slice, without a line of headers, as clients await it."""
    found, body = find_table(call, table_id), call.body
    columns = columns_given(body.texts("columns", most=LONG))
    require_columns(found, columns)
    body.choice("format", "rfc", ("rfc",))
    if body.given("changedUntil"):
        raise Invalid("changedUntil", "is not possible here; changedSince is.")
    where = {
        "where_column": body.text("whereColumn"),
        "where_operator": OPERATORS[body.choice("whereOperator", "eq", OPERATORS)],
        "where_values": body.texts("whereValues", most=LONG),
        "changed_since": body.text("changedSince"),
    }
    try:
        job = storing.unload(
            found,
            columns=columns,
            limit=body.whole("limit", 0, least=1) or None if body.given("limit") else None,
            where=where,
            is_gzipped=body.flag("gzip"),
            has_header=False,
            actor=call.actor,
            now=call.now,
        )
    except Refused as error:
        raise ApiError(400, str(error)) from error
    return accepted(call, job)


@operation("Announce an update of a table whose data lies elsewhere", {201: UPDATE}, body=ANNOUNCEMENT)
def _announce(call: Call, table_id: str) -> Any:
    found, body = find_table(call, table_id), call.body
    try:
        at = moments.parse(body.text("at"), call.now) if body.given("at") else None
    except moments.InvalidMoment as error:
        raise Invalid("at", str(error)) from error
    rows = body.whole("rows", 0, most=updating.ROWS_LIMIT) if body.given("rows") else None
    try:
        update = updating.announce(found, rows=rows, at=at, actor=call.actor, now=call.now)
    except Refused as error:
        raise ApiError(400, str(error)) from error
    document = {"tableId": found.table_id, "revision": update.revision, "rows": update.rows, "at": moment(update.at)}
    return Answer(document, 201)


def _load(call: Call, table_id: str, columns: list[str], *, mode: ImportMode, key: list[str], tag: str = "") -> Any:
    """``columns``: what the file holds in case it has no headers: slices never do, nor what comes with its columns."""
    body = call.body
    for name in OTHER_SOURCES:
        if body.given(name):
            raise Invalid(name, "is not possible here; upload a file and send dataFileId.")
    if body.text("escapedBy"):
        raise Invalid("escapedBy", "is not possible here; use an enclosure.")
    upload = files.find_upload(call, body.text("dataFileId"), field="dataFileId")
    has_headers = not (body.flag("withoutHeaders") or body.texts("columns", most=LONG) or upload.is_sliced)
    if not has_headers and not columns:
        raise Invalid("columns", f"is missing: {'slices have' if upload.is_sliced else 'the file has'} no headers.")
    shape: dict[str, Any] = {
        "delimiter": _character(call, "delimiter", ",") or ",",
        "enclosure": _character(call, "enclosure", '"'),
        "columns": () if has_headers else columns,
    }
    path = _copy_of(call, upload)
    try:
        file = CsvFile(path=path, **shape)
        job = storing.load_file(
            call.project, table_id, file, mode=mode, primary_key=key, tag=tag, actor=call.actor, now=call.now
        )
    except Refused as error:
        raise ApiError(400, str(error)) from error
    finally:
        blobs.discard(path)
    return accepted(call, job)


def _copy_of(call: Call, upload: Upload) -> Path:
    """Raises Invalid."""
    try:
        path = blobs.copy_of(call.project.pk, upload)
    except slices.Unfinished as error:
        raise Invalid("dataFileId", str(error)) from error
    if path is None:
        raise Invalid("dataFileId", "this file has not been uploaded yet.")
    return path


def _character(call: Call, name: str, default: str) -> str:
    text = call.body.text(name, default).replace("\\t", "\t")
    if len(text) > 1 or text in ("\n", "\r"):
        raise Invalid(name, "expected one character.")
    return text


new_table = endpoint(STORAGE, post=_create_table)
into_table = endpoint(STORAGE, post=_import)
out_of_table = endpoint(STORAGE, post=_export)
updates = endpoint(STORAGE, post=_announce)
