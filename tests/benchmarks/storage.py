"""Import, export and upsert of a large table by the program of tables, against DuckDB with the same files in this run.

Usage: ``python -m tests.benchmarks.storage [--rows 10000000] [--only import,export,upsert] [--typed] [--folder F]``.
``--folder`` keeps table and files between calls, so that each step can be one; else everything is removed at the end.
Every figure is of a process of its own: seconds by the clock from its start to its end, peak of its resident memory.
Goals: at most twice DuckDB's time, at most 1 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TABLE = "1/large-1"
STEPS = ("import", "export", "upsert")
COLUMNS = {
    "id": ("INTEGER", "i"),
    "day": ("DATE", "DATE '2020-01-01' + (i % 2000)::INTEGER"),
    "at": ("TIMESTAMP", "TIMESTAMP '2020-01-01 00:00:00' + to_seconds(i)"),
    "customer": ("STRING", "'customer ' || hash(i) % 1000000"),
    "country": ("STRING", "['Česko', 'Slovensko', 'Österreich', 'Italia'][1 + i % 4]"),
    "amount": ("NUMERIC", "((hash(i, 1) % 10000000) / 100)::DECIMAL(12, 2)"),
    "pieces": ("INTEGER", "hash(i, 2) % 100"),
    "share": ("FLOAT", "(hash(i, 3) % 1000000) / 1000000.0::DOUBLE"),
    "is_paid": ("BOOLEAN", "hash(i, 4) % 2 = 0"),
    "note": ("STRING", "md5(i::VARCHAR)"),
}


@dataclass(frozen=True)
class Figure:
    seconds: float
    megabytes: float
    processor: float
    """Seconds of processor time: steadier than those of the clock where other programs run."""

    def __add__(self, other: Figure) -> Figure:
        """One process after the other."""
        seconds, processor = self.seconds + other.seconds, self.processor + other.processor
        return Figure(seconds, max(self.megabytes, other.megabytes), processor)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--only", default=",".join(STEPS))
    parser.add_argument("--typed", action="store_true", help="columns with types; else all are text")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as temporary:
        bench = Bench(options.folder or Path(temporary), options.rows, is_typed=options.typed)
        for step in options.only.split(","):
            getattr(bench, f"measure_{step}")()
    return 0


class Bench:
    def __init__(self, folder: Path, rows: int, *, is_typed: bool) -> None:
        self.folder, self.rows, self.is_typed = folder, rows, is_typed
        self.folder.mkdir(parents=True, exist_ok=True)
        self.given = folder / "given.csv"
        self.changes = folder / "changes.csv"
        if not self.given.exists():
            self._make(self.given, f"range({rows})")
            # One row in a hundred: nine of ten change a row somewhere in the table, the others are new.
            share = rows // 100
            self._make(self.changes, f"(SELECT unnest(range({share})) * 110 AS range)", "note = 'changed'")

    def measure_import(self) -> None:
        target = self.folder / "duckdb.parquet"
        read = f"SELECT * FROM read_csv('{self.given}', header = true, {self._types()})"
        alone = self._duckdb(f"CREATE TABLE held AS {read}")
        whole = self._duckdb(f"COPY ({read}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
        stage, commit = self._load(self.given, "full")
        mine = stage + commit
        self._tell("import", mine, {"into its memory": alone, "into Parquet": whole})

    def measure_export(self) -> None:
        target, mine = self.folder / "exported.csv", self.folder / "mine.csv"
        files = f"{self.folder}/storage/{TABLE}/**/*.parquet"
        whole = self._duckdb(f"COPY (SELECT * FROM read_parquet('{files}')) TO '{target}' (FORMAT csv, HEADER)")
        read = f"SELECT * FROM read_csv('{self.given}', header = true, {self._types()})"
        again = self._duckdb(f"COPY ({read}) TO '{target}' (FORMAT csv, HEADER)")
        target.unlink()
        found, _ = self._ask("export", {"to": str(mine)})
        mine.unlink()
        self._tell("export", found, {"from Parquet": whole, "from the CSV": again})

    def measure_upsert(self) -> None:
        alone = self._duckdb(f"CREATE TABLE held AS SELECT * FROM read_csv('{self.given}', {self._types()})")
        stage, commit = self._load(self.changes, "upsert")
        mine = stage + commit
        self._tell("upsert of 1 %", mine, {"reading the whole CSV": alone})

    def _load(self, source: Path, mode: str) -> tuple[Figure, Figure]:
        entry: dict[str, Any] = {"source": str(source), "mode": mode, "primary_key": ["id"], "has_header": True}
        if self.is_typed:
            entry["columns"] = [
                {"name": name, "type": kind, "length": "12,2" if kind == "NUMERIC" else ""}
                for name, (kind, _) in COLUMNS.items()
            ]
        stage, answer = self._ask("stage", entry)
        commit, _ = self._ask("commit", {"plan": answer["plan"]})
        print(
            f"  stage {stage.seconds:.1f} s, {stage.megabytes:.0f} MB; commit {commit.seconds:.1f} s, "
            f"{commit.megabytes:.0f} MB"
        )
        return stage, commit

    def _ask(self, verb: str, entry: dict[str, Any]) -> tuple[Figure, dict[str, Any]]:
        request, answer = self.folder / "request.json", self.folder / "answer.json"
        tables = [{"name": "in.c-bench.large", "location": TABLE, **entry}]
        request.write_text(json.dumps({"verb": verb, "storage": {"url": f"{self.folder}/storage"}, "tables": tables}))
        figure = run([sys.executable, "-m", "jobs.tables", str(request), str(answer)])
        return figure, json.loads(answer.read_text())["tables"][0]

    def _duckdb(self, statement: str) -> Figure:
        quiet = "SET enable_progress_bar = false;"
        return run([sys.executable, "-c", f"import duckdb; duckdb.execute({quiet + statement!r})"])

    def _make(self, target: Path, numbers: str, replaced: str = "") -> None:
        name, _, value = replaced.partition(" = ")
        cells = [f"{value if column == name else made} AS {column}" for column, (_, made) in COLUMNS.items()]
        rows = f"SELECT {', '.join(cells)} FROM (SELECT range AS i FROM {numbers})"
        self._duckdb(f"COPY ({rows}) TO '{target}' (FORMAT csv, HEADER)")

    def _types(self) -> str:
        if not self.is_typed:
            return "all_varchar = true"
        own = {"STRING": "VARCHAR", "INTEGER": "BIGINT", "FLOAT": "DOUBLE", "NUMERIC": "DECIMAL(12, 2)"}
        types = ", ".join(f"'{name}': '{own.get(kind, kind)}'" for name, (kind, _) in COLUMNS.items())
        return f"columns = {{{types}}}"

    def _tell(self, step: str, mine: Figure, others: dict[str, Figure]) -> None:
        speed = self.rows / mine.seconds
        print(
            f"{step}: {mine.seconds:.1f} s ({mine.processor:.1f} s of processor), {speed:,.0f} rows/s, "
            f"peak {mine.megabytes:.0f} MB"
        )
        for name, other in others.items():
            print(
                f"  DuckDB {name}: {other.seconds:.1f} s, peak {other.megabytes:.0f} MB, "
                f"times its time {mine.seconds / other.seconds:.2f}, "
                f"of processor {mine.processor / other.processor:.2f}",
                flush=True,
            )


def run(command: list[str]) -> Figure:
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:3]} ended with {process.returncode}")
    return Figure(time.perf_counter() - started, used.ru_maxrss / 1000, used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    sys.exit(main())
