"""The component `wr-database`: input tables become tables of a database.

Rows of each table go into a temporary table of the connection first; then one transaction makes them visible. A job
that ends in the middle of a table leaves it as it was.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from sqlalchemy.engine import Connection

from jobs.components.shared import duck, programs
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.databases import addresses, sessions
from jobs.components.shared.errors import UserError
from jobs.components.shared.progress import Progress
from jobs.components.wr_database import orders
from jobs.components.wr_database.loading import load
from jobs.components.wr_database.orders import Order
from jobs.components.wr_database.rows import Rows
from jobs.components.wr_database.targets import Target


def main(folder: DataFolder) -> None:
    address = addresses.of(folder.parameters)
    if folder.action == "testConnection":
        print(sessions.test(address))
        return
    if folder.action != "run":
        raise UserError(f"action: there is no action {folder.action!r}.")
    wanted = orders.read(folder.parameters, folder.input_tables())
    with duck.connect(folder) as database:
        given = [Rows(order, database) for order in wanted]
        total = sum(rows.count for rows in given)
        progress, done = Progress(), 0
        with sessions.connected(address, is_writing=True) as connection:
            print(f"Connected to {address.title}.")
            for order, rows in zip(wanted, given, strict=True):
                with sessions.about(order.table, address):
                    write(order, rows, connection, progress, done, total)
                done += rows.count
        progress.finish(done, total, f"{done:,} rows of {len(wanted)} tables")


def write(order: Order, rows: Rows, connection: Connection, progress: Progress, done: int, total: int) -> None:
    """``done``: the rows of the tables before this one, of ``total``."""
    started = time.monotonic()
    target = Target.of(order, rows, connection)
    load(target, rows, connection, lambda count: progress.report(done + count, total, order.table))
    made = "created, " if target.is_new else ""
    print(f"{order.table}: {made}{rows.count:,} rows ({order.mode}) in {time.monotonic() - started:.1f} s.")


if __name__ == "__main__":
    programs.run(main)
