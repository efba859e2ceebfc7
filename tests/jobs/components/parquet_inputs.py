"""Input tables in Parquet, as the program of tables lays them down: a folder of parts and a manifest."""

import json
from typing import Any

import duckdb

from tests.jobs.components.data_folders import JobFolder


def give(job: JobFolder, name: str, query: str, **manifest: Any) -> None:
    """In two files: the first row, and the others."""
    folder = job.data / "in/tables" / f"{name}.parquet"
    folder.mkdir()
    for part, condition in enumerate(("<= 1", "> 1")):
        numbered = f"SELECT *, row_number() OVER () AS place FROM ({query})"
        rows = f"SELECT * EXCLUDE place FROM ({numbered}) WHERE place {condition}"
        # A connection of its own: the shared one is taken by whoever has not read a result to its end.
        duckdb.connect().execute(f"COPY ({rows}) TO '{folder}/part-{part:05}.parquet' (FORMAT parquet)").fetchall()
    described = {"id": f"in.c-test.{name}", "name": name, **manifest}
    folder.with_name(f"{folder.name}.manifest").write_text(json.dumps(described), encoding="utf-8")
