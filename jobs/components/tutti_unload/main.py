"""The component `tutti.unload`: puts its input tables, as CSV files, where they can be downloaded.

A program of its own with nothing but the standard library. Exit codes as in the Common Interface.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys


def main() -> int:
    data = os.environ["KBC_DATADIR"]
    with open(os.path.join(data, "config.json"), encoding="utf-8") as file:
        parameters = json.load(file)["parameters"]
    job_id = os.environ["KBC_RUNID"].rpartition(".")[2]
    folder = os.path.join(os.path.dirname(os.environ["TUTTI_PROJECT_FILES"]), "downloads", job_id)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    tables = os.path.join(data, "in", "tables")
    for name in sorted(os.listdir(tables)):
        if not name.endswith(".manifest"):
            source = os.path.join(tables, name)
            if not parameters.get("has_header", True):
                source = behead(source)
            give(source, os.path.join(folder, name), parameters["is_gzipped"])
    return 0


def behead(source: str) -> str:
    """A copy without the first record, whose names may hold line breaks in quotes."""
    to = f"{source}.rows"
    with open(source, "rb") as whole, open(to, "wb") as rows:
        quotes = 0
        for line in iter(whole.readline, b""):
            quotes += line.count(b'"')
            if quotes % 2 == 0:
                break
        shutil.copyfileobj(whole, rows, 1 << 20)
    return to


def give(source: str, to: str, is_gzipped: bool) -> None:
    """Whole under its name, or not there."""
    if is_gzipped:
        draft, to = f"{to}.gz.part", f"{to}.gz"
        with open(source, "rb") as plain, gzip.open(draft, "wb", compresslevel=5) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)
        os.replace(draft, to)
    else:
        shutil.move(source, f"{to}.part")
        os.replace(f"{to}.part", to)
    print(f"{os.path.basename(to)}: {os.path.getsize(to):,} bytes.")


if __name__ == "__main__":
    sys.exit(main())
