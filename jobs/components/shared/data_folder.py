"""The data folder of a job, by the Common Interface."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jobs.components.shared.errors import ApplicationError
from jobs.components.shared.manifests import Column, OutputManifest

MANIFEST = ".manifest"
PARQUET = ".parquet"


@dataclass(frozen=True)
class InputTable:
    """A table of the input mapping. ``path``: a CSV file, a folder of slices, or a folder of Parquet files."""

    name: str
    path: Path
    manifest: dict[str, Any]

    @property
    def is_parquet(self) -> bool:
        return self.path.name.endswith(PARQUET)

    @property
    def parts(self) -> list[Path]:
        """The files that hold the rows. Those of Parquet may be links to the table itself: only to be read."""
        return sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]

    @property
    def columns(self) -> list[Column]:
        schema = self.manifest.get("schema") or []
        return [Column.from_json(each) for each in schema] or [
            Column(name) for name in self.manifest.get("columns") or []
        ]

    @property
    def primary_key(self) -> list[str]:
        return list(self.manifest.get("primary_key") or [])


@dataclass(frozen=True)
class DataFolder:
    path: Path

    @classmethod
    def of_this_job(cls) -> DataFolder:
        """Raises ApplicationError."""
        given = os.environ.get("KBC_DATADIR")
        if not given:
            raise ApplicationError("KBC_DATADIR is not set: this program runs as a job.")
        return cls(Path(given))

    @cached_property
    def config(self) -> dict[str, Any]:
        config = read_json(self.path / "config.json")
        if not isinstance(config.get("parameters", {}), dict):
            raise ApplicationError('config.json: "parameters" is not an object.')
        return config

    @property
    def parameters(self) -> dict[str, Any]:
        """As the configuration has them, secrets readable under their names with the leading #."""
        return self.config.get("parameters", {})

    @property
    def action(self) -> str:
        """ "run", or the name of an action such as a test of the connection."""
        return self.config.get("action") or "run"

    @cached_property
    def state(self) -> dict[str, Any]:
        """What the last successful job left with `write_state`; empty the first time."""
        file = self.path / "in" / "state.json"
        return read_json(file) if file.exists() else {}

    def write_state(self, state: dict[str, Any]) -> None:
        write_json(self.path / "out" / "state.json", state)

    @property
    def in_tables(self) -> Path:
        return self.path / "in" / "tables"

    @property
    def out_tables(self) -> Path:
        return self.path / "out" / "tables"

    @property
    def temporary(self) -> Path:
        """For files of this job alone, on the same disk as the data folder where the job's TMPDIR is set."""
        return Path(os.environ.get("TMPDIR") or self.path)

    def input_tables(self) -> Iterator[InputTable]:
        """In the order of their names."""
        for file in sorted(self.in_tables.glob(f"*{MANIFEST}")):
            path = file.with_name(file.name.removesuffix(MANIFEST))
            name = path.name.removesuffix(PARQUET)
            yield InputTable(name, path, read_json(file))

    def write_manifest(self, name: str, manifest: OutputManifest) -> None:
        """``name``: of the file or folder in `out_tables` that holds the rows."""
        write_json(self.out_tables / f"{name}{MANIFEST}", manifest.as_json())


def read_json(file: Path) -> dict[str, Any]:
    """Raises ApplicationError."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ApplicationError(f"{file.name} of the data folder cannot be read: {error}") from error
    # Clients written in PHP send an empty object as an empty list.
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise ApplicationError(f"{file.name} of the data folder is not an object.")
    return value


def write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
