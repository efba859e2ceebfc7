"""The component `sql-transformation`: SQL on the tables of the input mapping, in a DuckDB of the job's own.

Statements see the input tables and what they make of them: no file besides, no network, and no setting that would
change that. Tables and views that the output mapping names are written down at the end.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import duckdb

from jobs.components.shared import duck, programs
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.progress import Progress
from jobs.components.sql_transformation import outputs
from jobs.components.sql_transformation.statements import Script, Statement


def main(folder: DataFolder) -> None:
    if folder.action != "run":
        raise UserError(f"action: there is no action {folder.action!r}.")
    script = Script(folder.parameters["code"])
    wanted = outputs.wanted(folder.config)
    with duck.connect(folder) as database:
        give_inputs(folder, database)
        lock(folder, database)
        statements = script.statements(database)
        progress = Progress()
        for statement in statements:
            progress.report(statement.number - 1, len(statements), statement.title)
            execute(statement, script, database)
        outputs.write(wanted, folder, database)
        progress.finish(len(statements), len(statements), f"{len(statements)} statements")


def give_inputs(folder: DataFolder, database: duckdb.DuckDBPyConnection) -> None:
    for table in folder.input_tables():
        database.execute(f"CREATE VIEW {duck.name(table.name)} AS {duck.select(database, table)}")
        print(f"Input table {table.name}.")


def lock(folder: DataFolder, database: duckdb.DuckDBPyConnection) -> None:
    """From here on only the job's own tables can be reached, and nobody can change that.

    Statements that write files are refused before (see `statements`): parts of input tables may be the very files of
    the tables themselves.
    """
    given = [part for table in folder.input_tables() for part in table.parts]
    allowed = ", ".join(duck.literal(part.resolve()) for part in given)
    database.execute(f"SET allowed_paths = [{allowed}]")
    database.execute(f"SET allowed_directories = [{duck.literal(folder.out_tables.resolve())}]")
    database.execute("SET errors_as_json = true")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def execute(statement: Statement, script: Script, database: duckdb.DuckDBPyConnection) -> None:
    started = time.monotonic()
    try:
        done = database.execute(statement.text)
        is_count = bool(done.description) and done.description[0][0] == "Count"
        rows = 0
        while batch := done.fetchmany(10_000):
            rows += batch[0][0] if is_count else len(batch)
    except duckdb.Error as error:
        raise UserError(script.explain(error, statement)) from error
    counted = f"{rows:,} row{'' if rows == 1 else 's'} in " if rows or not is_count else ""
    seconds = time.monotonic() - started
    print(f"Statement {statement.number} (line {statement.line}): {statement.title}: {counted}{seconds:.2f} s.")


if __name__ == "__main__":
    programs.run(main)
