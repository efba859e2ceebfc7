"""What a component left in ``out/tables``, as tables of its project."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs import concluding
from jobs import mapping as outputs_mapping
from jobs.carrying.intents import Staged
from jobs.carrying.program import Entry
from jobs.mapping import InvalidOutput, Output
from jobs.models import Job
from jobs.preparing import Attempt
from orchestrations import mappings, tables
from orchestrations.components.catalogue import Component
from orchestrations.components.declarations import ComponentKind, TableFormat
from orchestrations.mappings import DeleteWhere
from orchestrations.models import Bucket, Project, Stage
from orchestrations.table_ids import BucketId, default_bucket
from orchestrations.tables import Found

MANIFEST = ".manifest"
FILES_LIMIT = 1_000


def are_there(attempt: Attempt) -> bool:
    """Whether the component left anything; a look into the folder, for every job that succeeds."""
    try:
        with os.scandir(f"{attempt.data}/out/tables") as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def bucket_of(job: Job, component: Component) -> BucketId | None:
    """Where output without a destination goes; None: it is refused."""
    if not component.has_default_bucket or job.configuration is None:
        return None
    stage = Stage.IN if component.kind is ComponentKind.EXTRACTOR else Stage.OUT
    return default_bucket(component.id, job.configuration.key, stage=stage.value)


def resolve(job: Job, attempt: Attempt, component: Component, mapping: mappings.Mapping) -> list[Output]:
    """What is to be loaded where. Raises InvalidOutput, MalformedOutput."""
    names, manifests = _listed(attempt)
    return outputs_mapping.resolve(
        names,
        manifests,
        mapping.outputs,
        bucket=bucket_of(job, component),
        takes_parquet=component.table_format is TableFormat.PARQUET,
    )


def _listed(attempt: Attempt) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The names of files and folders, and the manifests by the names of what they describe."""
    folder = attempt.data / "out" / "tables"
    names = sorted(os.listdir(folder))
    if len(names) > 2 * FILES_LIMIT:
        raise InvalidOutput(f"out/tables has {len(names):,} files; the limit is {FILES_LIMIT:,} tables.")
    manifests = {
        name.removesuffix(MANIFEST): concluding.read_object(f"out/tables/{name}", attempt)
        for name in names
        if name.endswith(MANIFEST)
    }
    files = [name for name in names if not name.endswith(MANIFEST)]
    for name in files:
        _require_inside(folder / name, attempt)
    return files, manifests


def _require_inside(file: Path, attempt: Attempt) -> None:
    """A link may lead to a file that the component itself could not show to others. Raises InvalidOutput."""
    problem = mappings.file_name_problem(file.name)
    if problem:
        raise InvalidOutput(f"out/tables/{file.name!r} {problem}.")
    if not _is_inside(file, attempt) or not (file.is_file() or file.is_dir()):
        raise InvalidOutput(f"out/tables/{file.name}: expected a file or a folder of files, not a link out of the job.")
    if file.is_dir():
        _require_slices_inside(file, attempt)


def _require_slices_inside(folder: Path, attempt: Attempt) -> None:
    """Raises InvalidOutput."""
    with os.scandir(folder) as entries:
        for each in entries:
            if each.is_symlink() and not _is_inside(Path(each.path), attempt):
                what = f"out/tables/{folder.name}/{each.name}"
                raise InvalidOutput(f"{what}: expected a file, not a link out of the job.")


def _is_inside(file: Path, attempt: Attempt) -> bool:
    try:
        return file.resolve(strict=True).is_relative_to(attempt.folder.resolve())
    except (OSError, RuntimeError):  # leads nowhere, or in a circle
        return False


def known_tables(project: Project | int, outputs: Iterable[Output]) -> dict[str, Found]:
    """The destinations that exist. Raises InvalidOutput for one in a linked bucket: those can only be read."""
    ids = {str(output.destination): output for output in outputs}
    linked = {
        bucket.bucket_id
        for bucket in Bucket.objects.in_project(project).filter(
            source__isnull=False, name__in={output.destination.bucket.name for output in ids.values()}
        )
    }
    for table_id, output in ids.items():
        if str(output.destination.bucket) in linked:
            raise InvalidOutput(
                f"out/tables/{output.source}: {table_id} is in a bucket linked from another project, "
                "which can only be read."
            )
    return tables.find_all(project, list(ids))


def entry(output: Output, found: Found | None, location: str, attempt: Attempt) -> Entry:
    """What the program of tables is asked to stage; without a key of its own, output has that of its table."""
    key = output.primary_key or (found.table.primary_key if found is not None else ())
    mode = output.mode(key)
    return {
        "name": str(output.destination),
        "location": location,
        "source": str(attempt.data / "out" / "tables" / output.source),
        "format": "parquet" if output.is_parquet else "csv",
        "mode": mode,
        "columns": list(output.columns),
        "has_header": output.has_header,
        "delimiter": output.delimiter,
        "enclosure": output.enclosure,
        "primary_key": list(key),
        "delete_where": _delete_where(output.delete_where) if output.delete_where and mode != "full" else None,
    }


def _delete_where(given: DeleteWhere) -> dict[str, Any]:
    if given.older_than:
        return (
            {"column": given.column, "older_than": given.older_than}
            if given.column
            else {"older_than": given.older_than}
        )
    return {"column": given.column, "operator": given.operator, "values": list(given.values)}


def staged(output: Output, found: Found | None, asked: Entry, answer: Mapping[str, Any]) -> Staged:
    """Raises InvalidOutput when rows would be added by another key than the table's own; a full load may change it."""
    key = answer.get("primary_key") or []
    own = found.table.primary_key if found is not None else []
    if found is not None and found.table.rows and asked["mode"] != "full" and set(own) != set(key):
        has = f"its primary key is {', '.join(own)}" if own else "it has no primary key"
        raise InvalidOutput(
            f"out/tables/{output.source}: the primary key {', '.join(key)} does not fit {output.destination}: {has}. "
            "Load it in full once, or leave the key out."
        )
    return Staged(
        destination=output.destination,
        table_id=found.table.pk if found is not None else None,
        location=asked["location"],
        columns_before=found.table.columns if found is not None else [],
        key_before=found.table.primary_key if found is not None else [],
        mode=asked["mode"],
        rows=int(answer.get("rows") or 0),
        columns=answer["columns"],
        primary_key=key,
        is_typed=bool(answer.get("is_typed")),
        plan=answer["plan"],
    )


def told(every: Iterable[Staged]) -> list[dict[str, Any]]:
    """The output part of a job's result."""
    return [
        {
            "id": str(each.destination),
            "name": each.destination.name,
            "columns": [{"name": column["name"]} for column in each.columns],
            "rows": each.rows,
        }
        for each in every
    ]
