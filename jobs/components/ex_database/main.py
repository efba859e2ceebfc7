"""The component `ex-database`: tables and results of queries of a database become tables of Storage.

Everything is read in one transaction that changes nothing, so all tables are of the same moment. Rows go through in
batches, whatever their number.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from jobs.components.ex_database import wishes
from jobs.components.ex_database.parts import Parts
from jobs.components.ex_database.reading import Source, rows_of
from jobs.components.ex_database.wishes import Wish
from jobs.components.shared import programs
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.databases import addresses, sessions
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import OutputManifest
from jobs.components.shared.progress import Progress


def main(folder: DataFolder) -> None:
    address = addresses.of(folder.parameters)
    if folder.action == "testConnection":
        print(sessions.test(address))
        return
    if folder.action != "run":
        raise UserError(f"action: there is no action {folder.action!r}.")
    wanted = wishes.read(folder.parameters)
    progress = Progress()
    read = 0
    marks: dict[str, dict[str, str]] = {}
    with sessions.connected(address) as connection:
        print(f"Connected to {address.title}.")
        for wish in wanted:
            with sessions.about(wish.title, address):
                source = Source.of(wish, connection, marks_of_last_time(folder).get(wish.output, {}))
                read += extract(source, folder, progress, read)
            if source.mark:
                marks[wish.output] = source.mark
    progress.finish(read, read, f"{read:,} rows of {len(wanted)} tables")
    # What is no longer wanted is forgotten: wanted again, it is read from its beginning.
    folder.write_state({"tables": marks} if marks else {})


def marks_of_last_time(folder: DataFolder) -> dict[str, dict[str, str]]:
    return folder.state.get("tables") or {}


def extract(source: Source, folder: DataFolder, progress: Progress, before: int) -> int:
    """How many rows there were. ``before``: those of the tables before it."""
    wish: Wish = source.wish
    started = time.monotonic()
    name = f"{wish.output}.parquet"
    with rows_of(source) as (readings, batches):
        columns = [reading.column for reading in readings]
        with Parts(folder, name, columns) as parts:
            for batch in batches:
                parts.add(batch)
                progress.report(before + parts.rows, None, f"{wish.title}: {parts.rows:,} rows")
    key = source.primary_key([column.name for column in columns])
    manifest = OutputManifest(primary_key=key, incremental=source.is_incremental, schema=columns)
    folder.write_manifest(name, manifest)
    since = f" since {source.since}" if source.is_incremental else ""
    print(f"{wish.title}: {parts.rows:,} rows{since} in {time.monotonic() - started:.1f} s.")
    return parts.rows


if __name__ == "__main__":
    programs.run(main)
