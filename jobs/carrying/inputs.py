"""The tables that a component finds in ``in/tables``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.carrying import program
from jobs.carrying.program import Entry
from jobs.models import Job
from jobs.preparing import Attempt, CannotStart
from jobs.states import JobStatus
from orchestrations import mappings, tables
from orchestrations.components.catalogue import Component
from orchestrations.components.declarations import TableFormat
from orchestrations.mappings import InputTable
from orchestrations.table_ids import table_id
from orchestrations.tables import Found

ADAPTIVE = "adaptive"


def entries(job: Job, attempt: Attempt, component: Component, mapping: mappings.Mapping) -> list[Entry]:
    """What the program of tables is asked to export. Raises CannotStart for a table that does not exist."""
    found = tables.find_all(job.project_id, [each.source for each in mapping.inputs])
    result = []
    for each in mapping.inputs:
        if each.source not in found:
            raise CannotStart(f"{each.field}.source: there is no table {each.source} in this project.")
        table = found[each.source].table
        if table.delta_version < 0 and table.revision == 0:
            raise CannotStart(f"{each.field}.source: nothing has been loaded into {each.source} yet.")
        result.append(_entry(each, found[each.source], job, attempt, component))
    return result


def _entry(wanted: InputTable, found: Found, job: Job, attempt: Attempt, component: Component) -> Entry:
    is_parquet = component.table_format is TableFormat.PARQUET
    name = wanted.destination
    if is_parquet:
        name = f"{name.removesuffix('.csv').removesuffix('.parquet')}.parquet"
    return {
        "name": wanted.source,
        "location": found.table.location,
        "to": str(attempt.data / "in" / "tables" / name),
        "format": component.table_format.value,
        "version": None,
        "columns": list(wanted.columns),
        "where_column": wanted.where_column or None,
        "where_operator": wanted.where_operator,
        "where_values": list(wanted.where_values),
        "changed_since": _changed_since(wanted, job),
        "limit": wanted.limit,
        "manifest": _manifest(found),
    }


def _changed_since(wanted: InputTable, job: Job) -> str | None:
    """``adaptive``: since the last job of the configuration that succeeded began; everything when there was none."""
    if wanted.changed_since != ADAPTIVE:
        return wanted.changed_since or None
    earlier = Job.objects.filter(configuration=job.configuration_id, status=JobStatus.SUCCESS, pk__lt=job.pk)
    began = earlier.order_by("-pk").values_list("started_at", flat=True).first() if job.configuration_id else None
    return began.isoformat() if began is not None else None


def _manifest(found: Found) -> dict[str, Any]:
    """What the Common Interface says of a table; the program adds its columns."""
    table = found.table
    return {
        "id": found.table_id,
        "name": table.name,
        "primary_key": table.primary_key,
        "created": table.created_at.isoformat(timespec="seconds"),
        "last_change_date": table.updated_at.isoformat(timespec="seconds") if table.updated_at else None,
        "last_import_date": table.updated_at.isoformat(timespec="seconds") if table.updated_at else None,
        "rows_count": table.rows,
        "data_size_bytes": table.size_bytes,
        "is_alias": found.is_linked,
        "metadata": [],
        "column_metadata": {},
    }


def in_result(result: Mapping[str, Any], attempt: Attempt, mapping: mappings.Mapping) -> dict[str, Any]:
    """The result of a job with the tables that its component found."""
    exported = program.stored_answer(attempt, program.EXPORT) if mapping.inputs else []
    return {**result, "input": {"tables": told(exported, mapping)}}


def told(answers: Sequence[Mapping[str, Any]], mapping: mappings.Mapping) -> list[dict[str, Any]]:
    """The input part of a job's result."""
    return [_told(each.source, answer) for each, answer in zip(mapping.inputs, answers, strict=False)]


def _told(source: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": source,
        "name": table_id(source).name,
        "columns": [{"name": column["name"]} for column in answer.get("columns", [])],
        "rows": answer.get("rows"),
    }
