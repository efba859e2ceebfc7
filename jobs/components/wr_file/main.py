"""The component `wr-file`: tables into files of a folder that the administrator allows.

All files are written beside their places first and put there at the end, so that nobody ever sees half of one, and an
error leaves everything as it was.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from jobs.components.shared import duck, programs
from jobs.components.shared.data_folder import DataFolder, InputTable
from jobs.components.shared.errors import UserError
from jobs.components.shared.folders import AllowedFolders
from jobs.components.shared.progress import Progress
from jobs.components.wr_file import names, writing


def main(folder: DataFolder) -> None:
    parameters = folder.parameters
    tables = list(folder.input_tables())
    if not tables:
        raise UserError("No table is mapped: choose the tables to write as input tables.")
    targets = _targets(parameters, tables)
    progress = Progress()
    with ExitStack() as stack, duck.connect(folder) as database:
        drafts = []
        for number, (table, target) in enumerate(zip(tables, targets, strict=True)):
            progress.finish(number, len(tables), f"Writing {target.name}")
            draft = _draft(target)
            stack.callback(draft.unlink, missing_ok=True)
            rows = writing.write(database, table, draft, parameters)
            drafts.append(draft)
            print(f"{table.name}: {rows} rows to {target}.")
        _put(drafts, targets)


def _targets(parameters: Mapping[str, Any], tables: list[InputTable]) -> list[Path]:
    """Where each table goes; nothing is made yet but folders. Raises UserError."""
    folders = AllowedFolders.of_this_job()
    now, ending = _now(parameters.get("time_zone") or "UTC"), writing.ending(parameters)
    place = parameters["folder"].rstrip("/") or "/"
    targets: list[Path] = []
    for table in tables:
        name = names.file_name(parameters.get("name") or "{table}", table.name, now, ending)
        target = folders.find(f"{place}/{name}", to_write=True)
        if target in targets:
            raise UserError(f"name: two tables would be written to {name}; put {{table}} into the name.")
        if target.is_dir():
            raise UserError(f"{target}: is a folder.")
        if parameters.get("if_exists") == "error" and target.exists():
            raise UserError(f"{target}: is there already, and is not to be replaced.")
        targets.append(target)
    return targets


def _now(zone: str) -> datetime:
    try:
        return datetime.now(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UserError(f"time_zone: {zone!r} is not a time zone such as Europe/Prague.") from error


def _draft(target: Path) -> Path:
    """In the same folder, since only there a file can take the place of another at once.

    The same for every job of a configuration, so that what a killed one left is written over.
    """
    owner = os.environ.get("KBC_CONFIGID") or os.environ.get("KBC_RUNID") or "tutti"
    draft = target.with_name(f".{target.name}.{hashlib.sha256(owner.encode()).hexdigest()[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.open("wb").close()
    except OSError as error:
        raise UserError(
            f"{target.parent}: no file can be written there: {(error.strerror or str(error)).lower()}."
        ) from error
    return draft


def _put(drafts: list[Path], targets: list[Path]) -> None:
    for draft in drafts:
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
    for draft, target in zip(drafts, targets, strict=True):
        draft.replace(target)


if __name__ == "__main__":
    programs.run(main)
