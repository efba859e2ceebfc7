"""Rows of one load with the same key: the last one counts."""

from __future__ import annotations

from jobs.tables import engine as sql
from jobs.tables.plans import FULL, UPSERT, Plan
from jobs.tables.scanning import FILE, ROW, read_files, row_bytes
from jobs.tables.session import Session
from jobs.tables.writing import write_rows

FOLDER = "once"


def drop_repeated(session: Session, plan: Plan) -> int:
    """Writes the files of the plan anew without rows whose key comes again later; the number of rows dropped."""
    if plan.mode not in {FULL, UPSERT} or not plan.primary_key or not plan.rows:
        return 0
    engine, place = session.engine, session.place
    paths = [str(place.local(plan.location, file.path)) for file in plan.files]
    key = ", ".join(sql.name(name) for name in plan.primary_key)
    if not _may_repeat(session, paths, key):
        return 0
    rows = read_files(engine, paths, plan.columns, places=True)
    order = f"list_position({sql.texts(paths)}, {FILE})"
    engine.rows(
        f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT {FILE}, {ROW} FROM {rows}"
        f" WHERE hash({key}) IN (FROM repeated_hashes)"
        f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order} DESC, {ROW} DESC) > 1"
    )
    dropped = int(engine.one("SELECT count(*) FROM repeated"))
    if dropped:
        names = ", ".join(sql.name(column.name) for column in plan.columns)
        query = f"SELECT {names} FROM {rows} ANTI JOIN repeated USING ({FILE}, {ROW})"
        old = [file.path for file in plan.files]
        folder = f"{plan.stage}/{FOLDER}"
        bytes_ = row_bytes(engine, paths)
        plan.files = write_rows(engine, place, plan.location, folder, query, len(plan.columns), bytes_)
        place.remove(plan.location, old)
    return dropped


def _may_repeat(session: Session, paths: list[str], key: str) -> bool:
    """Groups hashes, not keys: they are small whatever the keys are, and a chance equality is sorted out afterwards."""
    session.engine.rows(
        "CREATE OR REPLACE TEMP TABLE repeated_hashes AS SELECT h FROM"
        f" (SELECT hash({key}) AS h FROM read_parquet({sql.texts(paths)})) GROUP BY h HAVING count(*) > 1"
    )
    return bool(session.engine.one("SELECT count(*) FROM repeated_hashes"))
