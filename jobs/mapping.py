"""From what a component left in ``out/tables`` to what is to be loaded into which table; pure (DESIGN §6).

The name of a file says the least, its manifest more, and the output mapping of the configuration has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrations import mappings, table_ids
from orchestrations.mappings import DeleteWhere, InvalidMapping, OutputTable
from orchestrations.table_ids import BucketId, TableId

ENDINGS = (".csv.gz", ".csv", ".parquet")
MODES = {(True, True): "upsert", (True, False): "append", (False, True): "full", (False, False): "full"}


class InvalidOutput(ValueError):
    """What the component left cannot be loaded; the sentence names the file, and is for the user."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """One file or folder of ``out/tables``, and where it goes."""

    source: str
    destination: TableId
    is_parquet: bool = False
    primary_key: tuple[str, ...] = ()
    incremental: bool = False
    delete_where: DeleteWhere | None = None
    columns: tuple[Any, ...] = ()
    """Names, or {name, type, nullable, length}; none: the file has a header."""
    has_header: bool | None = None
    """None: exactly if there are no columns."""
    delimiter: str = ","
    enclosure: str = '"'

    def mode(self, primary_key: Sequence[str]) -> str:
        """How it is loaded into a table with this key."""
        return MODES[self.incremental, bool(primary_key)]


def resolve(
    files: Iterable[str],
    manifests: Mapping[str, Mapping[str, Any]],
    declared: Sequence[OutputTable],
    *,
    bucket: BucketId | None,
    takes_parquet: bool = False,
) -> list[Output]:
    """What is to be loaded, in the order of the names of files.

    ``files``: names in ``out/tables``, without manifests; ``manifests``: contents by the name of their file.
    Raises InvalidOutput.
    """
    names = sorted(files)
    orphan = next((name for name in sorted(manifests) if name not in names), None)
    if orphan is not None:
        raise InvalidOutput(f"out/tables/{orphan}.manifest: there is no table {orphan} beside it.")
    by_source = _declared_for(names, declared)
    outputs = [
        _output(name, manifests.get(name, {}), by_source.get(name), bucket, takes_parquet=takes_parquet)
        for name in names
    ]
    seen: dict[TableId, str] = {}
    for output in outputs:
        if output.destination in seen:
            both = f"out/tables/{seen[output.destination]} and out/tables/{output.source}"
            raise InvalidOutput(f"{both} both go to {output.destination}: give it one file, or one folder of slices.")
        seen[output.destination] = output.source
    return outputs


def _declared_for(names: Sequence[str], declared: Sequence[OutputTable]) -> dict[str, OutputTable]:
    """By the name of its file; a declaration may leave out the file's ending."""
    found: dict[str, OutputTable] = {}
    for each in declared:
        fits = [name for name in names if each.source in (name, _without_ending(name))]
        if not fits:
            raise InvalidOutput(f"The declared output {each.source} was not written to out/tables ({each.field}).")
        found[each.source if each.source in fits else fits[0]] = each
    return found


def _output(
    name: str,
    manifest: Mapping[str, Any],
    declared: OutputTable | None,
    bucket: BucketId | None,
    *,
    takes_parquet: bool,
) -> Output:
    field = f"out/tables/{name}.manifest"
    try:
        output = _described(field, name, manifest)
        destination = declared.destination if declared is not None else _text(field, manifest, "destination")
        output = replace(
            output,
            destination=_destination(name, destination, bucket),
            is_parquet=takes_parquet and name.endswith(".parquet"),
        )
    except InvalidMapping as error:
        raise InvalidOutput(f"{error}.") from error
    if declared is None:
        return output
    return replace(
        output,
        primary_key=output.primary_key if declared.primary_key is None else declared.primary_key,
        incremental=output.incremental if declared.incremental is None else declared.incremental,
        delete_where=declared.delete_where or output.delete_where,
    )


def _destination(name: str, given: str, bucket: BucketId | None) -> TableId:
    """A whole id as it is; a bare name, or that of the file, in the default bucket. Raises InvalidOutput."""
    text = given or _without_ending(name)
    try:
        return table_ids.table_id(text)
    except table_ids.InvalidName:
        cleaned = "" if given and "." in given else table_ids.cleaned(text)
    if bucket is None or not cleaned:
        what = f'its destination "{given[:120]}" is not the id of a table' if given else "it has no destination"
        raise InvalidOutput(
            f"out/tables/{name}: {what}. Add it to storage.output.tables, or name a destination such as "
            "out.c-results.orders in its manifest."
        )
    return TableId(bucket, cleaned)


def _without_ending(name: str) -> str:
    return next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)


# --- Manifests ---------------------------------------------------------------------------------


def _described(field: str, name: str, manifest: Mapping[str, Any]) -> Output:
    """What the manifest says; raises InvalidMapping."""
    schema = manifest.get("schema") or []
    columns, key = _of_schema(f"{field}: schema", schema)
    if not columns and manifest.get("columns"):
        columns = list(mappings.names(f"{field}: columns", manifest["columns"]))
    primary_key = manifest.get("primary_key") or []
    return Output(
        source=name,
        destination=TableId(BucketId("", ""), ""),
        primary_key=mappings.names(f"{field}: primary_key", primary_key) or tuple(key),
        incremental=mappings.flag(f"{field}: incremental", manifest.get("incremental")) or False,
        delete_where=mappings.delete_where(f"{field}: ", manifest),
        columns=tuple(columns),
        has_header=mappings.flag(f"{field}: has_header", manifest.get("has_header")),
        delimiter=_character(field, manifest, "delimiter", ","),
        enclosure=_character(field, manifest, "enclosure", '"'),
    )


def _of_schema(field: str, schema: Any) -> tuple[list[Any], list[str]]:
    """Columns and key of a manifest's schema; a column without a type of its own is text."""
    if not isinstance(schema, list) or not all(isinstance(column, Mapping) for column in schema):
        raise InvalidMapping(field, "expected a list of objects")
    columns, key = [], []
    for place, column in enumerate(schema):
        name = _text(f"{field}[{place}]", column, "name")
        if not name:
            raise InvalidMapping(f"{field}[{place}].name", "is required")
        base = _base_type(f"{field}[{place}]", column)
        nullable = mappings.flag(f"{field}[{place}].nullable", column.get("nullable"))
        columns.append({"name": name, **base, "nullable": True if nullable is None else nullable})
        if mappings.flag(f"{field}[{place}].primary_key", column.get("primary_key")):
            key.append(name)
    if not any("type" in column for column in columns):
        return [column["name"] for column in columns], key
    return [{"type": "STRING", **column} for column in columns], key


def _base_type(field: str, column: Mapping[str, Any]) -> dict[str, str]:
    data_type = column.get("data_type") or {}
    base = data_type.get("base") or {} if isinstance(data_type, Mapping) else None
    if not isinstance(base, Mapping):
        raise InvalidMapping(f"{field}.data_type", "expected an object with base")
    given = _text(f"{field}.data_type.base", base, "type").upper()
    if not given:
        return {}
    if given not in TYPES:
        raise InvalidMapping(f"{field}.data_type.base.type", f"expected one of {', '.join(TYPES)}")
    length = str(base.get("length") or "")
    return {"type": given, "length": length} if given == "NUMERIC" and length else {"type": given}


TYPES = ("STRING", "INTEGER", "NUMERIC", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP")


def _text(field: str, given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\x00" in value:
        raise InvalidMapping(f"{field}: {name}", "expected a text")
    return value.strip()


def _character(field: str, given: Mapping[str, Any], name: str, default: str) -> str:
    value = given.get(name)
    if value in (None, ""):
        return default
    if not isinstance(value, str) or len(value) != 1:
        raise InvalidMapping(f"{field}: {name}", "expected one character")
    return value
