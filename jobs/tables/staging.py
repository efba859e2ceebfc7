"""The verb ``stage``: data files in the table's place, which nobody sees yet.

1. mark the stage, so that ``clean`` finds what a kill leaves, 2. write the rows in the types that the table has,
3. drop rows whose key comes again later.
"""

from __future__ import annotations

from typing import Any

import duckdb

from jobs.tables import columns as columns_of
from jobs.tables import conditions, faultfinding, faults, loads, plans, snapshots
from jobs.tables.columns import Column
from jobs.tables.errors import UserError
from jobs.tables.loads import Load
from jobs.tables.places import check_location
from jobs.tables.plans import DELETE, UPSERT, Plan
from jobs.tables.repeating import drop_repeated
from jobs.tables.session import Session
from jobs.tables.snapshots import Snapshot
from jobs.tables.writing import Written, write_rows

FOLDER = "given"  # below the stage's own; the attempts of a commit have folders beside it


def stage(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    location = check_location(entry["location"])
    plan = Plan(plans.check_stage(entry.get("key") or plans.new_stage()), location, plans.check_mode(entry.get("mode")))
    snapshot = snapshots.look(session.place, location)
    if snapshot:
        snapshot.check_writable()
    plan.delete_where = conditions.resolve(entry.get("delete_where"), session.now)
    if plan.mode == DELETE:
        _check_deletion(session, snapshot, plan)
        return _answer(plan, snapshot, {}, 0)
    session.place.mark(plan.stage, {"location": location, "at": session.now.isoformat()})
    faults.reach("stage.marked")
    try:
        return _stage_rows(session, entry, snapshot, plan)
    except BaseException:
        forget(session, plan)
        raise


def forget(session: Session, plan: Plan) -> None:
    """Removes what a stage wrote that will not be committed."""
    paths = session.place.list_stage(plan.location, plan.stage) or [file.path for file in plan.files]
    session.place.remove(plan.location, paths)
    session.place.unmark(plan.stage)


def _stage_rows(session: Session, entry: dict[str, Any], snapshot: Snapshot | None, plan: Plan) -> dict[str, Any]:
    load = _open(session, entry, snapshot)
    plan.columns = load.columns
    plan.primary_key = _find_key(entry, load, snapshot)
    if plan.mode == UPSERT and not plan.primary_key:
        raise UserError("An upsert needs a primary key.")
    if plan.delete_where:
        _check_condition(session, plan, snapshot.columns if snapshot else load.columns)
    plan.files, plan.columns = _write(session, load, snapshot, plan)
    repeated = drop_repeated(session, plan)
    faults.reach("stage.written")
    return _answer(plan, snapshot, load.renamed, repeated)


def _open(session: Session, entry: dict[str, Any], snapshot: Snapshot | None) -> Load:
    try:
        return loads.open_load(session.engine, entry, snapshot.columns if snapshot else None)
    except duckdb.Error as error:  # a Parquet file that is none
        raise faultfinding.explain(error, [], None) from error


def _write(session: Session, load: Load, snapshot: Snapshot | None, plan: Plan) -> tuple[list[Written], list[Column]]:
    if not load.query:
        return [], load.columns
    try:
        return _write_rows(session, load, plan), load.columns
    except duckdb.OutOfMemoryException:
        raise  # it is done again, carefully
    except duckdb.Error as error:
        if load.files is None or load.files.newline == "\n" or faultfinding.is_about_a_value(error):
            raise faultfinding.explain(error, load.columns, load.files) from error
        first = error
    session.place.remove(plan.location, session.place.list_stage(plan.location, plan.stage))
    again = load.files.normalized(session.engine.scratch / "normalized")
    try:
        plain = loads.from_csv(session.engine, again, snapshot.columns if snapshot else None)
        return _write_rows(session, plain, plan), load.columns
    except duckdb.Error as error:
        is_value = faultfinding.is_about_a_value(error)
        raise faultfinding.explain(error if is_value else first, load.columns, load.files) from error


def _write_rows(session: Session, load: Load, plan: Plan) -> list[Written]:
    folder = f"{plan.stage}/{FOLDER}"
    return write_rows(
        session.engine, session.place, plan.location, folder, load.query, len(load.columns), load.row_bytes
    )


def _find_key(entry: dict[str, Any], load: Load, snapshot: Snapshot | None) -> list[str]:
    key = []
    for wanted in entry.get("primary_key") or ():
        known = snapshot.columns if snapshot else load.columns
        try:
            column = columns_of.find(load.columns, wanted)
        except UserError:
            is_lost = any(column.key == wanted.casefold() for column in known)
            what = "is missing in the load" if is_lost else "does not exist"
            raise UserError(f"Column {wanted} of the primary key {what}.") from None
        key.append(column.name)
    return key


def _check_deletion(session: Session, snapshot: Snapshot | None, plan: Plan) -> None:
    if snapshot is None:
        raise UserError("There is nothing to delete: the table does not exist in the storage.")
    plan.columns = []
    if plan.delete_where:
        _check_condition(session, plan, snapshot.columns)


def _check_condition(session: Session, plan: Plan, columns: list[Column]) -> None:
    assert plan.delete_where is not None
    if not conditions.is_by_file(plan.delete_where):
        conditions.selects(session.engine, plan.delete_where, columns)


def _answer(plan: Plan, snapshot: Snapshot | None, renamed: dict[str, str], repeated: int) -> dict[str, Any]:
    columns = list(snapshot.columns) if snapshot else []
    there = {column.key for column in columns}
    added = [column for column in plan.columns if column.key not in there]
    columns += added
    return {
        "rows": plan.rows,
        "size_bytes": plan.size_bytes,
        "columns": [column.describe() for column in columns],
        "primary_key": plan.primary_key,
        "is_typed": loads.is_typed(columns),
        "added_columns": [column.name for column in added] if snapshot else [],
        "renamed_columns": renamed,
        "duplicates": repeated,
        "plan": plan.to_json(),
    }
