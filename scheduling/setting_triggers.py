"""Event triggers as people make them: set, switched, removed. Editors set; operators switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, Min, Q, Value, When

from jobs import watching
from jobs.models import Job, TableUpdate, WatchedTable
from jobs.wakeups import Topic, wake
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import lock_project
from orchestrations.models import Bucket, Configuration, Role, Table
from scheduling.models import EventTrigger, FiresWhen

MOST_TABLES = 100
LONGEST_COOL_DOWN_MINUTES = 366 * 24 * 60


class InvalidTrigger(ValueError):
    """Nothing was changed; the message is for the user, ``field`` names what is wrong, ``label`` as pages do."""

    def __init__(self, problem: str, field: str, label: str = "") -> None:
        super().__init__(f"{label}: {problem}" if label else problem)
        self.problem = problem
        self.field = field


class UnknownTable(InvalidTrigger):
    """There is no such table."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A trigger as it is asked for: the tables by their ids in the project ("in.c-sales.orders")."""

    table_ids: Sequence[str]
    cool_down_minutes: int = 5
    fires_when: str = FiresWhen.NEXT_UPDATE


def set_trigger(orchestration: Configuration, wanted: Wanted, *, actor: Actor, now: datetime) -> EventTrigger:
    """Make the orchestration's trigger, or change it. Raises Denied, InvalidTrigger.

    One that was to be looked at without an update, when a cool-down or a pause ends, is looked at anew.
    """
    access.require(actor, orchestration.project, Role.EDITOR)
    _check(orchestration, wanted)
    fields = {"cool_down_minutes": wanted.cool_down_minutes, "fires_when": wanted.fires_when, "updated_at": now}
    with transaction.atomic():
        lock_project(orchestration.project_id)
        tables = _tables(orchestration, wanted.table_ids)
        trigger, _ = EventTrigger.objects.select_for_update(of=("self",), no_key=True).update_or_create(
            orchestration=orchestration,
            defaults={**fields, "look_at": Case(When(look_at__isnull=False, then=Value(now)))},
            create_defaults={**fields, "created_at": now, "created_by": actor.user},
        )
        trigger.refresh_from_db(fields=["look_at"])
        _watch(orchestration, tables)
        wake(Topic.AUTOMATION)
    return trigger


def set_enabled(trigger: EventTrigger, enabled: bool, *, actor: Actor, now: datetime) -> EventTrigger:
    """Switched on again it waits for the next update: what came while it was off counts then. Raises Denied."""
    access.require(actor, trigger.orchestration.project, Role.OPERATOR)
    EventTrigger.objects.filter(pk=trigger.pk).update(is_enabled=enabled, look_at=None, updated_at=now)
    trigger.refresh_from_db(fields=["is_enabled", "look_at", "updated_at"])
    return trigger


def remove(trigger: EventTrigger, *, actor: Actor) -> None:
    """With its evaluations; their jobs stay. Raises Denied."""
    access.require(actor, trigger.orchestration.project, Role.EDITOR)
    with transaction.atomic():
        EventTrigger.objects.filter(pk=trigger.pk).delete()
        WatchedTable.objects.filter(configuration=trigger.orchestration_id).delete()


# --- Private -----------------------------------------------------------------------------------


def _check(orchestration: Configuration, wanted: Wanted) -> None:
    if orchestration.component_id != ORCHESTRATOR:
        raise InvalidTrigger(f"{orchestration.name} is no orchestration: automate it first.", "orchestration")
    if not 1 <= wanted.cool_down_minutes <= LONGEST_COOL_DOWN_MINUTES:
        raise InvalidTrigger("expected minutes, from 1 up to a year.", "cool_down_minutes", "Cool-down")
    if wanted.fires_when not in FiresWhen.values:
        raise InvalidTrigger(f"expected one of {', '.join(FiresWhen.values)}.", "fires_when", "Fires when")
    if not 1 <= len(set(wanted.table_ids)) <= MOST_TABLES:
        raise InvalidTrigger(f"choose at least one, at most {MOST_TABLES}.", "table_ids", "Tables")


def _tables(orchestration: Configuration, table_ids: Sequence[str]) -> dict[str, Table]:
    """By the ids that they have in the project, own ones and those of linked buckets. Raises InvalidTrigger."""
    if Configuration.objects.filter(pk=orchestration.pk, deleted_at__isnull=False).exists():
        raise InvalidTrigger(f"{orchestration.name} is in the trash: restore it first.", "orchestration")
    buckets = Bucket.objects.in_project(orchestration.project_id)
    homes = {bucket.bucket_id: bucket.source_id or bucket.pk for bucket in buckets}
    asked = {each: each.rpartition(".") for each in dict.fromkeys(table_ids)}
    wanted = Q()
    for home, name in {(homes.get(bucket), name) for bucket, _, name in asked.values()}:
        wanted |= Q(bucket=home, name=name)
    found = {(table.bucket_id, table.name): table for table in Table.objects.filter(wanted).only("bucket", "name")}
    tables = {each: found.get((homes.get(bucket, 0), name)) for each, (bucket, _, name) in asked.items()}
    unknown = [each for each, table in tables.items() if table is None]
    if unknown:
        raise UnknownTable(f"there is no table {unknown[0][:200]} in this project.", "table_ids", "Tables")
    return {each: table for each, table in tables.items() if table is not None}


def _watch(orchestration: Configuration, tables: dict[str, Table]) -> None:
    """Under the lock of the watched rows, so that a run that starts meanwhile is not missed."""
    watching.LOCK.rows(configuration=orchestration.pk)
    kept = {table.pk for table in tables.values()}
    rows = WatchedTable.objects.filter(configuration=orchestration)
    rows.exclude(table__in=kept).delete()
    rows.filter(table__isnull=True).delete()
    known = set(rows.values_list("table", flat=True))
    last = _last_start(orchestration)
    WatchedTable.objects.bulk_create(
        WatchedTable(
            configuration=orchestration,
            table=table,
            label=table_id,
            baseline_revision=_revision_at(table, last),
            baseline_at=last,
        )
        for table_id, table in tables.items()
        if table.pk not in known
    )


def _last_start(orchestration: Configuration) -> datetime | None:
    runs = Job.objects.filter(configuration=orchestration, started_at__isnull=False)
    found: datetime | None = runs.order_by("-pk").values_list("started_at", flat=True).first()
    return found


def _revision_at(table: Table, moment: datetime | None) -> int:
    """How far the table was at the last execution, as well as the clock can tell; later ones are noted by revision.

    Before the first execution everything counts as updated.
    """
    if moment is None:
        return 0
    first_after = TableUpdate.objects.filter(table=table, at__gt=moment).aggregate(first=Min("revision"))["first"]
    if first_after is not None:
        return int(first_after) - 1
    return int(Table.objects.values_list("revision", flat=True).get(pk=table.pk))
