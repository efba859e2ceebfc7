"""The verb ``commit``: plans become commits of the Delta log, each exactly once.

The log itself decides: a commit says which stage it carries out, and is written only as the version right after the one
that was looked at. So of two processes with the same plan one finds the other's commit, and whoever is overtaken looks
again and works the change out anew.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

from deltalake import Field, Schema
from deltalake._internal import RemoveAction, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, CommitProperties, create_table_with_add_actions

from jobs.tables import describing, faults, loads, log, snapshots
from jobs.tables.columns import Column
from jobs.tables.errors import StorageError, UserError
from jobs.tables.plans import DELETE, FULL, Plan
from jobs.tables.replacing import Change, work_out
from jobs.tables.session import Session
from jobs.tables.snapshots import Snapshot

ATTEMPTS = 100
LONGEST_WAIT_SECONDS = 0.5
CONFIGURATION = {
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    # How long a plan may wait for its commit, or be committed again, without being done twice.
    "delta.setTransactionRetentionDuration": "interval 365 days",
}


def commit(session: Session, entry: dict[str, Any]) -> dict[str, Any]:
    plan = Plan.from_json(entry["plan"])
    for attempt in range(ATTEMPTS):
        snapshot = snapshots.look(session.place, plan.location)
        if snapshot and snapshot.has_committed(plan.stage):
            return _answer(session, snapshot, plan, already=True)
        try:
            used = _try(session, snapshot, plan, entry)
        except Exception:
            # What a plan needs may be gone because somebody else has carried it out meanwhile.
            newer = snapshots.look(session.place, plan.location)
            if newer is None or not newer.has_committed(plan.stage):
                raise
            continue
        if used is not None:
            faults.reach("commit.after-log")
            _tidy(session, plan, used)
            faults.reach("commit.tidied")
            return _answer(session, snapshots.open_table(session.place, plan.location), plan, already=False)
        time.sleep(random.uniform(0, min(LONGEST_WAIT_SECONDS, 0.005 * 2**attempt)))  # noqa: S311
    raise StorageError(f"Other programs committed to it {ATTEMPTS} times in between; it will be tried again.")


def _try(session: Session, snapshot: Snapshot | None, plan: Plan, entry: dict[str, Any]) -> set[str] | None:
    """The data files that the commit added; None to try again: overtaken, or the table had to get new columns first."""
    if snapshot is None and plan.mode == DELETE:
        raise UserError("There is nothing to delete: the table does not exist in the storage.")
    if snapshot:
        _check_columns(snapshot, plan)
        if plan.mode != FULL and (new := _new_columns(snapshot, plan)):
            _add_columns(snapshot, new)
            faults.reach("commit.columns")
            return None
    change = work_out(session, snapshot, plan)
    faults.reach("commit.rewritten")
    if _write(session, snapshot, plan, change, entry):
        session.place.settle(plan.location, snapshot.version + 1 if snapshot else 0)
        return {file.path for file in change.added} | {file.path for file, _ in change.kept}
    session.place.remove(plan.location, change.written)
    return None


def _check_columns(snapshot: Snapshot, plan: Plan) -> None:
    """The table may have changed since the data files were written for it."""
    snapshot.check_writable()
    types = {column.key: column for column in snapshot.columns}
    for column in plan.columns:
        old = types.get(column.key, column)
        if old.duckdb_type != column.duckdb_type:
            raise UserError(f"Column {old.name} has become {old.type} meanwhile, but is {column.type} in the load.")


def _new_columns(snapshot: Snapshot, plan: Plan) -> list[Column]:
    there = {column.key for column in snapshot.columns}
    return [column for column in plan.columns if column.key not in there]


def _add_columns(snapshot: Snapshot, columns: list[Column]) -> None:
    fields = [Field.from_json(json.dumps(column.to_delta() | {"nullable": True})) for column in columns]
    try:
        snapshot.table.alter.add_columns(fields, commit_properties=CommitProperties(max_commit_retries=0))
    except CommitFailedError:
        return


def _write(session: Session, snapshot: Snapshot | None, plan: Plan, change: Change, entry: dict[str, Any]) -> bool:
    """False when another commit was there first."""
    now = int(time.time() * 1000)
    properties = CommitProperties(
        custom_metadata={log.OURS: _describe(plan, change, entry)},
        max_commit_retries=0,
        app_transactions=[Transaction(snapshots.application_of(plan.stage), 1, now)],
    )
    added: list[Any] = [_add(file, now) for file in change.added]
    added += [_add(file, stamp) for file, stamp in change.kept]
    faults.reach("commit.before-log")
    url, options = session.place.url(plan.location), session.place.options or None
    try:
        if snapshot is None:
            create_table_with_add_actions(
                url,
                _schema(plan.columns),
                added,
                storage_options=options,
                configuration=CONFIGURATION,
                commit_properties=properties,
            )
        elif plan.mode == FULL:
            columns = snapshot.schema["fields"] + [
                column.to_delta() | {"nullable": True} for column in _new_columns(snapshot, plan)
            ]
            schema = Schema.from_json(json.dumps({"type": "struct", "fields": columns}))
            snapshot.table.create_write_transaction(added, "overwrite", schema, commit_properties=properties)
        else:
            removed = [RemoveAction(file.path, True, now, file.size, {}) for file in change.removed]
            schema = snapshot.table.schema()
            snapshot.table.create_write_transaction(added + removed, "append", schema, commit_properties=properties)
    except DeltaError as error:
        if isinstance(error, CommitFailedError) or (snapshot is None and snapshots.look(session.place, plan.location)):
            return False
        raise
    return True


def _schema(columns: list[Column]) -> Schema:
    return Schema.from_json(json.dumps({"type": "struct", "fields": [column.to_delta() for column in columns]}))


def _add(file: Any, stamp: int) -> AddAction:
    return AddAction(file.path, file.size, {}, stamp, True, json.dumps({"numRecords": file.rows}))


def _describe(plan: Plan, change: Change, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "stage": plan.stage,
        "mode": plan.mode,
        "import": entry.get("import"),
        "job": entry.get("job"),
        "data_changed": change.changes_data,
        "rows_added": change.rows_added,
        "rows_removed": change.rows_removed,
    }


def _tidy(session: Session, plan: Plan, used: set[str]) -> None:
    """Removes what the stage wrote and its commit did not take; a kill before leaves that to ``clean``."""
    written = session.place.list_stage(plan.location, plan.stage)
    session.place.remove(plan.location, [path for path in written if path not in used])
    session.place.unmark(plan.stage)


def _answer(session: Session, snapshot: Snapshot, plan: Plan, *, already: bool) -> dict[str, Any]:
    found = log.find_stage(session.place, plan.location, plan.stage, snapshot.version)
    return {
        **describing.facts(session.engine, snapshot),
        "already": already,
        "data_changed": found.data_changed if found else True,
        "committed_version": found.version if found else None,
        "rows_added": found.rows_added if found else None,
        "rows_removed": found.rows_removed if found else None,
        "primary_key": plan.primary_key,
        "is_typed": loads.is_typed(snapshot.columns),
    }
