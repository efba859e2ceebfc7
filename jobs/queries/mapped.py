"""The tables that a configuration or a job reads and writes, with their pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs import snapshots
from jobs.models import ImportMode, Job, TableImport
from jobs.queries.rows import first_line
from jobs.queries.tables import url_of
from orchestrations import tables
from orchestrations.lib.amounts import count_words
from orchestrations.models import Project, Table

MOST_VALUES = 3


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """``id``: of the table in the project; ``url``: "" while there is no such table. ``file``: for the program."""

    id: str
    url: str
    file: str
    words: str
    """What is taken of it, or how it is written: "2 columns, at most 1 000 rows"."""


@dataclass(frozen=True)
class Sides:
    inputs: list[Mapped] = field(default_factory=list)
    outputs: list[Mapped] = field(default_factory=list)
    is_imported: bool = False
    """The outputs are what a job has imported, not what its version says."""


def of_document(project: Project, document: Mapping[str, Any]) -> Sides:
    """Whatever was saved as mapping; what is none is passed over."""
    return _of_documents(project, {0: document})[0]


def of_jobs(project: Project, ids: Collection[int]) -> dict[int, Sides]:
    """As ``of_job``, by the ids of component jobs: four queries however many, so without how many rows were read."""
    found = _of_documents(project, snapshots.documents_of(ids)) if ids else {}
    imported: dict[int, list[Mapped]] = defaultdict(list)
    for each in _imports_of(ids) if ids else ():
        imported[each.job_id or 0].append(_imported(each))
    return {pk: replace(sides, **_brought(imported[pk])) for pk, sides in found.items()}


def of_job(job: Job) -> Sides:
    """What its version says, and once it has imported, what it has."""
    try:
        found = of_document(job.project, snapshots.document_of(job))
    except snapshots.SnapshotLost:
        found = Sides()
    imported = [_imported(each) for each in _imports_of([job.pk])]
    return replace(found, inputs=_with_rows(found.inputs, job.result), **_brought(imported))


def _of_documents(project: Project, documents: Mapping[int, Mapping[str, Any]]) -> dict[int, Sides]:
    storages = {key: document.get("storage") for key, document in documents.items()}
    sides = {key: (list(_tables(each, "input")), list(_tables(each, "output"))) for key, each in storages.items()}
    ids = {_text(each, "source") for inputs, _ in sides.values() for each in inputs}
    ids |= {_text(each, "destination") for _, outputs in sides.values() for each in outputs}
    known = tables.find_all(project, sorted(ids - {""})) if ids - {""} else {}
    return {
        key: Sides(
            [_mapped(known, _text(each, "source"), _text(each, "destination"), _taken(each)) for each in inputs],
            [_mapped(known, _text(each, "destination"), _text(each, "source"), _written(each)) for each in outputs],
        )
        for key, (inputs, outputs) in sides.items()
    }


def _brought(imported: list[Mapped]) -> dict[str, Any]:
    return {"outputs": imported, "is_imported": True} if imported else {}


def _with_rows(inputs: list[Mapped], result: Mapping[str, Any]) -> list[Mapped]:
    """How many rows the program found in each, once the job has told."""
    told = result.get("input") or {}
    rows = [each.get("rows") for each in told.get("tables", ())] if isinstance(told, dict) else []
    if len(rows) != len(inputs):
        return inputs
    return [
        replace(each, words=_joined(_row_words(count), each.words)) for each, count in zip(inputs, rows, strict=True)
    ]


def _imports_of(job_ids: Collection[int]) -> list[TableImport]:
    wanted = ("mode", "rows", "committed_at", "error", "table__name", "table__bucket__stage", "table__bucket__name")
    found = TableImport.objects.filter(job__in=job_ids).select_related("table__bucket").order_by("position")
    return list(found.only("job_id", "table__bucket__project_id", *wanted))


def _imported(row: TableImport) -> Mapped:
    table: Table = row.table
    words = _joined(_row_words(row.rows), ImportMode(row.mode).label.lower())
    if row.error:
        words = f"not loaded: {first_line(row.error)}"
    url = url_of(table.bucket, table.name)
    return Mapped(id=table.table_id, url=url, file="", words=words if row.committed_at else f"{words}, being written")


def _row_words(count: Any) -> str:
    return f"{count_words(count)} row{'' if count == 1 else 's'}" if isinstance(count, int) else ""


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def _mapped(known: Mapping[str, tables.Found], table_id: str, file: str, words: str) -> Mapped:
    found = known.get(table_id)
    url = url_of(found.bucket, found.table.name) if found else ""
    return Mapped(id=table_id, url=url, file=file, words=words)


def _taken(given: Mapping[str, Any]) -> str:
    columns = given.get("columns")
    limit = given.get("limit")
    return _joined(
        f"{len(columns)} column{'' if len(columns) == 1 else 's'}" if isinstance(columns, list) and columns else "",
        _where(given, "where", "where"),
        f"changed since {_text(given, 'changed_since')}" if _text(given, "changed_since") else "",
        f"at most {count_words(limit)} rows" if isinstance(limit, int) and limit else "",
    )


def _written(given: Mapping[str, Any]) -> str:
    key = given.get("primary_key")
    return _joined(
        f"key {', '.join(map(str, key))}" if isinstance(key, list) and key else "",
        "incremental" if given.get("incremental") is True else "",
        _where(given, "delete_where", "first deletes where"),
    )


def _where(given: Mapping[str, Any], prefix: str, word: str) -> str:
    """ "where status is paid, open and 3 more" """
    column, values = _text(given, f"{prefix}_column"), given.get(f"{prefix}_values")
    if not column or not isinstance(values, list):
        return ""
    shown = ", ".join(str(each) or "empty" for each in values[:MOST_VALUES])
    more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
    return f"{word} {column} is {'not ' if given.get(f'{prefix}_operator') == 'ne' else ''}{shown}{more}"


def _tables(storage: Any, side: str) -> Iterator[Mapping[str, Any]]:
    part = storage.get(side) if isinstance(storage, dict) else None
    found = part.get("tables") if isinstance(part, dict) else None
    return (each for each in (found if isinstance(found, list) else ()) if isinstance(each, dict))


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return str(value) if value is not None else ""
