"""Updates of tables by others than jobs: announced by their owner, or found by looking at the table (R16)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from jobs.carrying import intents, program
from jobs.locking import retried
from jobs.models import TableImport, TableUpdate, UpdateSource
from jobs.storing import Refused
from jobs.wakeups import Topic, wake
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.models import Table
from orchestrations.tables import Found

ROWS_LIMIT = 2**62


@retried
def announce(
    found: Found, *, rows: int | None = None, at: datetime | None = None, actor: Actor, now: datetime
) -> TableUpdate:
    """Record that the data of a table has changed, as its owner says: it may lie elsewhere (R16).

    Raises Denied, Refused.
    """
    access.require_bucket(actor, found.bucket.project, found.bucket.bucket_id, writes=True)
    if found.is_linked:
        raise Refused(f"table: {found.table_id} is linked from another project: its owner announces updates.")
    if rows is not None and not 0 <= rows <= ROWS_LIMIT:
        raise Refused("rows: expected a whole number of rows.")
    if at is not None and at > now:
        raise Refused("at: lies in the future.")
    with transaction.atomic():
        table = _hold(found.table.pk)
        if table is None:
            raise Refused(f"table: {found.table_id} has been deleted meanwhile.")
        update = _record(table, UpdateSource.API, rows=rows, at=at or now)
        table.save(update_fields=["revision", "updated_at"])
    return update


def look(tables: Iterable[Table]) -> int:
    """Record what other programs have done to these tables since we last looked; how many updates that were.

    Tables that cannot be looked at are passed over until the next time.
    """
    count = 0
    for table in tables:
        entry = {"name": str(table), "location": table.location, "delta_version": table.delta_version}
        try:
            (answer,) = program.ask("inspect", [entry])["tables"]
        except program.Failed:
            continue
        if answer.get("exists") and answer["delta_version"] > table.delta_version:
            count += _note(table.pk, answer)
    return count


@retried
def _note(table_pk: int, answer: dict[str, Any]) -> int:
    with transaction.atomic():
        table = _hold(table_pk)
        if table is None or answer["delta_version"] <= table.delta_version:
            return 0
        changes = [each for each in answer["changes"] if each["version"] > table.delta_version and not _is_ours(each)]
        for each in changes:
            _record(table, UpdateSource.PROGRAM, rows=each["rows_added"], at=datetime.fromisoformat(each["at"]))
        table.delta_version = answer["delta_version"]
        intents.show(table, answer)
        table.save(update_fields=["revision", "updated_at", "delta_version", *intents.SHOWN])
    return len(changes)


def _is_ours(change: dict[str, Any]) -> bool:
    """Whether an import of ours did it: its own rows say so, or will."""
    if change.get("import") is None or not change.get("stage"):
        return False
    return bool(TableImport.objects.filter(pk=change["import"], error="").exists())


def _record(table: Table, source: UpdateSource, *, rows: int | None, at: datetime) -> TableUpdate:
    """The caller holds the table, and saves it."""
    table.revision += 1
    table.updated_at = at if table.updated_at is None else max(at, table.updated_at)
    update: TableUpdate = TableUpdate.objects.create(
        table=table, revision=table.revision, source=source, rows=rows, at=at
    )
    wake(Topic.AUTOMATION)
    return update


def _hold(table_pk: int) -> Table | None:
    found: Table | None = Table.objects.select_for_update(no_key=True).filter(pk=table_pk).first()
    return found
