"""A Delta table as it is at one version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from jobs.tables.columns import Column
from jobs.tables.errors import StorageError, UserError
from jobs.tables.places import Place

PLAIN_READER_FEATURES = {"timestampNtz"}
# None of these asks anything of somebody who adds and removes whole files and fills every column.
PLAIN_WRITER_FEATURES = {
    "timestampNtz",
    "appendOnly",
    "invariants",
    "domainMetadata",
    "v2Checkpoint",
    "vacuumProtocolCheck",
}


@dataclass(frozen=True)
class DataFile:
    """``stamp``: milliseconds since 1970 when its rows were last changed."""

    path: str
    size: int
    rows: int | None
    stamp: int

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Sorts ``part-2`` before ``part-10``."""
        folder, _, name = self.path.rpartition("/")
        return self.stamp, folder, len(name), name


class Snapshot:
    def __init__(self, place: Place, location: str, table: DeltaTable) -> None:
        self.place = place
        self.location = location
        self.table = table
        self.version = int(table.version())

    @cached_property
    def schema(self) -> dict[str, Any]:
        return dict(json.loads(self.table.schema().to_json()))

    @cached_property
    def columns(self) -> list[Column]:
        return [Column.from_delta(field) for field in self.schema["fields"]]

    @cached_property
    def files(self) -> list[DataFile]:
        """Those that came first are first: the rows keep the order in which they were written."""
        actions = self.table.get_add_actions(flatten=True)
        names = set(actions.schema.names)
        rows = actions["num_records"].to_pylist() if "num_records" in names else [None] * actions.num_rows
        files = map(
            DataFile,
            map(unquote, actions["path"].to_pylist()),
            actions["size_bytes"].to_pylist(),
            rows,
            actions["modification_time"].to_pylist(),
        )
        return sorted(files, key=lambda file: file.order)

    @cached_property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)

    @cached_property
    def is_plain(self) -> bool:
        """Every row of its data files is a row of the table, under the columns' own names."""
        features = set(self.table.protocol().reader_features or ())
        if "deletionVectors" in features and not self._has_deletion_vectors():
            features.discard("deletionVectors")
        absolute = any("://" in file.path or file.path.startswith("/") for file in self.files)
        return features <= PLAIN_READER_FEATURES and not self.table.metadata().partition_columns and not absolute

    def _has_deletion_vectors(self) -> bool:
        return any(batch.num_rows for batch in self.table.deletion_vectors())

    def check_writable(self) -> None:
        """Raises UserError when another program has given the table what we cannot keep up."""
        others = sorted(set(self.table.protocol().writer_features or ()) - PLAIN_WRITER_FEATURES)
        foreign = [column.name for column in self.columns if column.is_foreign]
        if not self.is_plain or others:
            what = ", ".join(others) or "partitions or shared files"
            raise UserError(f"It was changed by another program to use {what}; Tutti can read it, but not write it.")
        if foreign:
            raise UserError(f"Column {foreign[0]} has a type that only another program can write.")

    def has_committed(self, stage: str) -> bool:
        return self.table.transaction_version(application_of(stage)) is not None

    def local_files(self, files: Iterable[DataFile]) -> list[str]:
        return [str(self.place.local(self.location, file.path)) for file in files]


def application_of(stage: str) -> str:
    """The name under which the Delta log keeps that a stage was committed."""
    return f"tutti:{stage}"


def look(place: Place, location: str, version: int | None = None) -> Snapshot | None:
    """The table, or None when there is none (yet)."""
    try:
        table = DeltaTable(place.url(location), version=version, storage_options=place.options or None)
    except TableNotFoundError:
        return None
    except DeltaError as error:
        if version is not None and (newest := look(place, location)):
            raise StorageError(
                f"Version {version} of it cannot be read; the newest is {newest.version}.", str(error)
            ) from error
        raise
    return Snapshot(place, location, table)


def open_table(place: Place, location: str, version: int | None = None) -> Snapshot:
    """Raises UserError when there is no table."""
    if snapshot := look(place, location, version):
        return snapshot
    raise UserError("It has no data: the table does not exist in the storage.")
