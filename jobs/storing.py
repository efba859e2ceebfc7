"""What is done to tables outside of components: loading and unloading files, deleting rows.

Data comes into a table on one path only, that of a job's output: loading a file is a job of a hidden component.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from jobs import launching
from jobs.carrying import program
from jobs.models import ImportMode, Job
from jobs.states import JobStatus
from orchestrations import access, mappings, table_ids
from orchestrations.access import Actor
from orchestrations.models import Bucket, Project, Table
from orchestrations.tables import Found

LOAD, UNLOAD = access.LOAD, access.UNLOAD
COUNT_SECONDS = 10
"""So long a page waits for the number of rows before it asks without."""


class Refused(ValueError):
    """Nothing was done; the message names the field and is for the user."""


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """A file that somebody has uploaded, or a folder of its slices; ``load_file`` takes it away from ``path``."""

    path: Path
    delimiter: str = ","
    enclosure: str = '"'
    columns: Sequence[str] = ()
    """Names, where the file has no header."""


# --- Files -------------------------------------------------------------------------------------


def load_file(
    project: Project,
    table_id: str,
    file: CsvFile,
    *,
    mode: str = ImportMode.FULL,
    primary_key: Sequence[str] = (),
    tag: str = "",
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Job:
    """Launch a job that loads the file into the table, which is made when there is none.

    ``mode``: full; append adds the rows, or updates them by the table's primary key when it has one, as upsert does.
    The job's message says what is wrong with the file. Raises Denied, Refused.
    """
    if mode not in (ImportMode.FULL, ImportMode.APPEND, ImportMode.UPSERT):
        raise Refused("mode: expected full, append or upsert.")
    if mode == ImportMode.UPSERT and not primary_key:
        raise Refused("primary_key: rows can only be updated by a primary key.")
    wanted = _table_id(project, table_id, actor)
    key = uuid4().hex
    manifest = {
        "incremental": mode != ImportMode.FULL,
        "primary_key": list(primary_key),
        "columns": list(file.columns),
        "delimiter": file.delimiter,
        "enclosure": file.enclosure,
    }
    _take(file.path, folder_of(project.pk, "uploads") / key)
    given: dict[str, Any] = {"tag": tag, "actor": actor, "now": now, "idempotency_key": idempotency_key}
    return _launch_load(project, wanted, key, manifest, **given)


def delete_rows(
    found: Found,
    *,
    column: str = "",
    values: Sequence[str] = (),
    operator: str = "eq",
    older_than: str = "",
    actor: Actor,
    now: datetime,
) -> Job:
    """Launch a job that deletes rows: those with one (``ne``: none) of the values, or older than ``30 days``; else all.

    ``older_than`` without a column counts from when a row was last changed. Raises Denied, Refused.
    """
    if column and not values and not older_than:
        raise Refused("values: needs at least one.")
    if operator not in ("eq", "ne"):
        raise Refused("operator: expected eq or ne.")
    wanted = _table_id(found.bucket.project, found.table_id, actor)
    manifest = {
        "incremental": bool(column or older_than),
        "primary_key": found.table.primary_key,
        **_same_columns(found.table),
        "delete_where_column": column,
        "delete_where_operator": operator,
        "delete_where_values": list(values),
        "delete_where_older_than": older_than,
    }
    return _launch_load(found.bucket.project, wanted, None, manifest, actor=actor, now=now)


def count_rows(found: Found, *, column: str = "", older_than: str, actor: Actor) -> int | None:
    """How many rows ``delete_rows`` would delete by their age now; None when that takes longer than a person waits.

    Raises Denied, Refused.
    """
    wanted = _table_id(found.bucket.project, found.table_id, actor)
    where = {"older_than": older_than, **({"column": column} if column else {})}
    entry = {"name": wanted, "location": found.table.location, "delete_where": where}
    try:
        (answer,) = program.ask("count", [entry], seconds=COUNT_SECONDS)["tables"]
    except program.Failed as error:
        if error.error_type != "user":
            return None
        raise Refused(error.message) from error
    return int(answer["rows"])


def unload(
    found: Found,
    *,
    columns: Sequence[str] = (),
    limit: int | None = None,
    where: Mapping[str, Any] | None = None,
    is_gzipped: bool = False,
    has_header: bool = True,
    actor: Actor,
    now: datetime,
) -> Job:
    """Launch a job that writes the table as a CSV file, which ``unloaded_file`` gives.

    ``where``: conditions by their names in a mapping, as where_column. Raises Denied, Refused.
    """
    access.require_bucket(actor, found.bucket.project, found.bucket.bucket_id, writes=False)
    mapped = {
        "source": found.table_id,
        "destination": f"{found.table.name}.csv",
        "columns": list(columns),
        "limit": limit,
        **(where or {}),
    }
    parameters = {"is_gzipped": is_gzipped, "has_header": has_header}
    content = {"parameters": parameters, "storage": {"input": {"tables": [mapped]}}}
    try:
        mappings.parse(content)
    except mappings.InvalidMapping as error:
        raise Refused(f"{error}.") from error
    name = f"Download of {found.table_id}"
    return _launch(found.bucket.project, UNLOAD, content, name=name, actor=actor, now=now)


def unload_once(found: Found, *, actor: Actor, now: datetime) -> Job:
    """As ``unload`` of the whole table; while the person's last one waits or runs, that. Raises Denied."""
    begun = Job.objects.unsettled().filter(project=found.bucket.project, component_id=UNLOAD, created_by=actor.user)
    for job in begun.order_by("-pk"):
        if table_of(job) == found.table_id and job.created_with_id is None:
            return job
    return unload(found, actor=actor, now=now)


def table_of(job: Job) -> str:
    """The id of the table that a job of this module loads or unloads; "" for any other job, also of its components."""
    side, name = {LOAD: ("output", "destination"), UNLOAD: ("input", "source")}.get(job.component_id, ("", ""))
    try:
        (mapped,) = job.request["configData"]["storage"][side]["tables"]
        return str(mapped[name])
    except (KeyError, TypeError, ValueError):
        return ""


def unloaded_file(job: Job) -> Path | None:
    """What a job of ``unload`` wrote, for a day after it; None when it is not there (any more)."""
    if job.component_id != UNLOAD or job.status != JobStatus.SUCCESS:
        return None
    folder = folder_of(job.project_id, "downloads") / str(job.pk)
    found = [file for file in folder.glob("*.csv*") if not file.name.endswith(".part")] if folder.exists() else []
    return found[0] if found else None


def _table_id(project: Project, table_id: str, actor: Actor) -> str:
    """Raises Denied, Refused."""
    try:
        wanted = table_ids.table_id(table_id)
    except table_ids.InvalidName as error:
        raise Refused(f"table: {error}.") from error
    access.require_bucket(actor, project, str(wanted.bucket), writes=True)
    linked = Bucket.objects.in_project(project).filter(
        stage=wanted.bucket.stage, name=wanted.bucket.name, source__isnull=False
    )
    if linked.exists():
        raise Refused(f"table: {wanted.bucket} is linked from another project: its tables can only be read.")
    return str(wanted)


def _launch_load(project: Project, table_id: str, file: str | None, manifest: dict[str, Any], **given: Any) -> Job:
    name = f"{table_id.rpartition('.')[2]}.csv"
    content = {
        "parameters": {"file": file, "name": name, "manifest": manifest},
        "storage": {"output": {"tables": [{"source": name, "destination": table_id}]}},
    }
    try:
        mappings.delete_where("manifest: ", manifest)
    except mappings.InvalidMapping as error:
        raise Refused(f"{error}.") from error
    words = f"Upload to {table_id}" if file else f"Deletion of rows of {table_id}"
    return _launch(project, LOAD, content, name=words, **given)


def _launch(
    project: Project,
    component_id: str,
    content: dict[str, Any],
    *,
    name: str,
    actor: Actor,
    now: datetime,
    tag: str = "",
    idempotency_key: str | None = None,
) -> Job:
    data = {"configData": content, **({"tag": tag} if tag else {})}
    request = launching.Request(data=data, name=name, idempotency_key=idempotency_key)
    return launching.launch(project, component_id, None, request, actor=actor, now=now)


def _same_columns(table: Table) -> dict[str, Any]:
    if table.is_typed:
        return {"schema": [_as_schema(column) for column in table.columns]}
    return {"columns": [column["name"] for column in table.columns]}


def _as_schema(column: dict[str, Any]) -> dict[str, Any]:
    base = {"type": column["type"], **({"length": column["length"]} if column.get("length") else {})}
    return {"name": column["name"], "nullable": column.get("nullable", True), "data_type": {"base": base}}


def folder_of(project_id: int, name: str) -> Path:
    """Of "uploads" or "downloads"; what lies there longer than a day is tidied away."""
    return Path(settings.DATA_DIR) / "projects" / str(project_id) / name


def _take(source: Path, to: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(source, to)
    os.utime(to)
