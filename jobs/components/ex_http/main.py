"""The component `ex-http`: files from the web or from an allowed folder into tables."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from jobs.components.ex_http.loading import Loader
from jobs.components.ex_http.options import Options, TableOptions
from jobs.components.shared import programs
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError


def main(folder: DataFolder) -> None:
    options = Options.read(folder.parameters)
    _check_names(options.tables)
    loader = Loader(folder, options)
    known = folder.state.get("tables", {})
    state = {}
    for number, table in enumerate(options.tables, 1):
        state[table.name] = loader.load(table, known.get(table.name) or {}, f"table {number} of {len(options.tables)}")
    folder.write_state({"tables": state})


def _check_names(tables: list[TableOptions]) -> None:
    names = [table.name for table in tables]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UserError(f"tables: {name} stands here twice; give all its addresses in one entry.")


if __name__ == "__main__":
    programs.run(main)
