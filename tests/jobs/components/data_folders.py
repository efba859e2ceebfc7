"""Runs a component as the process that a job would run, in a data folder, without the engine."""

import csv
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from jobs.components.shared.manifests import Column
from orchestrations.components import catalogue, parameters
from tests.jobs import warm

Ran = subprocess.CompletedProcess[str]


@dataclass
class JobFolder:
    """Like the folder of one attempt: `data` is what the component sees, `tmp` its TMPDIR, beside it."""

    root: Path
    given: dict[str, str] = field(default_factory=dict)
    """Variables of the environment besides those that every job has."""

    def __post_init__(self) -> None:
        for name in ("tmp", "data/in/tables", "data/in/files", "data/out/tables", "data/out/files"):
            (self.root / name).mkdir(parents=True)
        (self.data / "in/state.json").write_text("{}")
        self.environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.root / "tmp"),
            "TMPDIR": str(self.root / "tmp"),
            "KBC_DATADIR": str(self.data),
            "KBC_COMPONENT_RUN_MODE": "run",
            "KBC_DATA_TYPE_SUPPORT": "authoritative",
            "TUTTI_PROGRESS_FILE": str(self.root / "progress.json"),
            "TUTTI_TEST_PACE": "0",
            **self.given,
        }

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def out_tables(self) -> Path:
        return self.data / "out" / "tables"

    def give_csv(self, name: str, rows: Sequence[Sequence[str]], **manifest: Any) -> None:
        """An input table: the first row holds the names."""
        with (self.data / "in/tables" / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        described = {"id": f"in.c-test.{name}", "name": name, "columns": list(rows[0]), **manifest}
        (self.data / "in/tables" / f"{name}.manifest").write_text(json.dumps(described), encoding="utf-8")

    def give_parquet(self, name: str, query: str, columns: Sequence[Column], **manifest: Any) -> None:
        """An input table for a component that reads Parquet; ``query`` gives its rows, one with 0 rows no file."""
        folder = self.data / "in/tables" / f"{name}.parquet"
        folder.mkdir(exist_ok=True)
        file = folder / f"part-{len(list(folder.iterdir())):05}.parquet"
        if query:
            duckdb.connect().execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)").fetchall()
        described = {"name": name, "columns": [column.name for column in columns], **manifest}
        described["schema"] = [column.as_json() for column in columns]
        folder.with_name(f"{folder.name}.manifest").write_text(json.dumps(described), encoding="utf-8")

    def run(self, component_id: str, given: Mapping[str, Any], *, action: str = "run", **config: Any) -> Ran:
        """``given``: the parameters, checked against the component's schema and completed by its defaults."""
        component = catalogue.get(component_id)
        document = {"parameters": dict(given), **config}
        parameters.validate(component, document)
        document = {"storage": {}, "action": action, **parameters.with_defaults(component, document)}
        (self.data / "config.json").write_text(json.dumps(document), encoding="utf-8")
        assert component.command is not None
        return self.start(component.command)

    def start(self, words: Sequence[str], *, cold: bool = False) -> Ran:
        """``cold``: by a Python of its own, as jobs do (see tests/jobs/warm.py)."""
        if not cold and warm.can_run(words):
            return warm.run(words, self.data, self.environment)
        return subprocess.run(
            words, cwd=self.data, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def manifest(self, name: str) -> dict[str, Any]:
        return json.loads((self.out_tables / f"{name}.manifest").read_text(encoding="utf-8"))

    def next_state(self) -> dict[str, Any]:
        return json.loads((self.data / "out/state.json").read_text(encoding="utf-8"))

    def progress(self) -> dict[str, Any]:
        return json.loads((self.root / "progress.json").read_text(encoding="utf-8"))

    def following(self, name: str) -> "JobFolder":
        """The folder of the next job of the same configuration, which finds the state that this one left."""
        after = JobFolder(self.root.with_name(name), self.given)
        state = self.data / "out/state.json"
        if state.exists():
            (after.data / "in/state.json").write_bytes(state.read_bytes())
        return after


def told(ran: Ran) -> str:
    """The message of an error of the user: the one sentence on standard error."""
    assert ran.returncode == 1, (ran.returncode, ran.stdout, ran.stderr)
    assert ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr.strip()
