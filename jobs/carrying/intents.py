"""Imports as rows: the intent to load a job's output, and what came of it (R9, R12, R16, DESIGN §6).

From the intent on the import is decided. It is written in one transaction for all tables of a job, under the run's
root and the rows of the tables; a table has at most one intent that is not done, so its writers queue. A commit that
is repeated changes nothing, and its rows are written once: whoever finds the intent may carry it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import F

from jobs.ends import End
from jobs.locking import retried, under_root
from jobs.models import Job, TableImport, TableUpdate, UpdateSource
from jobs.moving import seconds_from_now
from jobs.states import JobStatus
from jobs.wakeups import Topic, wake
from orchestrations import tables
from orchestrations.models import Bucket, Table
from orchestrations.table_ids import BucketId, TableId

Facts = dict[str, Any]
TEXT_LIMIT = 4_000


@dataclass(frozen=True, kw_only=True)
class Staged:
    """One output whose files are written: what was known of its table then, and what is to become of it."""

    destination: TableId
    table_id: int | None
    location: str
    columns_before: Sequence[Mapping[str, Any]]
    key_before: Sequence[str]
    mode: str
    rows: int
    columns: Sequence[Mapping[str, Any]]
    primary_key: Sequence[str]
    is_typed: bool
    plan: Mapping[str, Any] = field(default_factory=dict)


class Verdict(Enum):
    WRITTEN = "written"
    """The import is decided."""
    STALE = "stale"
    """A table has changed since its files were written: write them again."""
    BUSY = "busy"
    """Another import of a table is decided and not done: carry it out, or wait for it."""
    VOID = "void"
    """The job is being terminated, or somebody else has taken it over: there is no import."""


class _NotNow(Exception):
    """Takes everything back that the transaction has done."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


# --- Deciding ----------------------------------------------------------------------------------


@retried
def write(job: Job, fence: str, staged: Sequence[Staged], end: End, *, now: datetime) -> Verdict:
    """Decide that these outputs are loaded and that the job ends so; all of them, or none."""
    try:
        with under_root(job.lock_id):
            current = Job.objects.active().filter(pk=job.pk, fence=fence).values_list("status", flat=True)
            if list(current) != [JobStatus.PROCESSING]:
                return Verdict.VOID
            _insert(job, staged, end, now)
    except _NotNow as error:
        return error.verdict
    except IntegrityError:
        # Somebody has made the same bucket, table or intent at this very moment.
        return Verdict.STALE
    return Verdict.WRITTEN


def _insert(job: Job, staged: Sequence[Staged], end: End, now: datetime) -> None:
    order = sorted(range(len(staged)), key=lambda place: staged[place].destination)  # two writers must not cross
    held = {place: _hold(job, staged[place], now) for place in order}
    if TableImport.objects.filter(table__in=list(held.values()), committed_at__isnull=True).exists():
        raise _NotNow(Verdict.BUSY)
    for place, each in enumerate(staged):
        plan = {
            "name": str(each.destination),
            "location": each.location,
            "plan": dict(each.plan),
            "is_typed": each.is_typed,
            "primary_key": list(each.primary_key),
        }
        if place == 0:
            plan["end"] = {**asdict(end), "committed": {}}
        TableImport.objects.create(
            table=held[place], job=job, position=place, mode=each.mode, plan=plan, rows=each.rows, created_at=now
        )


def _hold(job: Job, staged: Staged, now: datetime) -> Table:
    """The row of the table, locked; made when there is none."""
    bucket = _bucket(job.project_id, staged.destination.bucket, now)
    found = Table.objects.select_for_update(no_key=True).filter(bucket=bucket, name=staged.destination.name).first()
    if found is None and staged.table_id is None:
        return tables.insert(
            bucket,
            staged.destination.name,
            columns=staged.columns,
            primary_key=staged.primary_key,
            is_typed=staged.is_typed,
            location=staged.location,
            created_by=job.created_by,
            now=now,
        )
    if found is None or found.pk != staged.table_id:
        raise _NotNow(Verdict.STALE)
    if found.columns != list(staged.columns_before) or found.primary_key != list(staged.key_before):
        raise _NotNow(Verdict.STALE)
    return found


def _bucket(project_id: int, wanted: BucketId, now: datetime) -> Bucket:
    bucket, _ = Bucket.objects.get_or_create(
        project_id=project_id, stage=wanted.stage, name=wanted.name, defaults={"created_at": now}
    )
    if bucket.is_linked:
        raise _NotNow(Verdict.STALE)  # linked meanwhile: resolving the outputs again says so
    return bucket


# --- What has been decided ---------------------------------------------------------------------


def is_decided(job_id: int) -> bool:
    """Whether an unsettled job has its import decided: it can only end by itself then (R9)."""
    return bool(TableImport.objects.filter(job=job_id).exists())


def of(job_id: int) -> list[TableImport]:
    """The imports of a job, in order."""
    return list(TableImport.objects.filter(job=job_id).order_by("position"))


def in_the_way_of(job: Job, staged: Iterable[Staged]) -> list[TableImport]:
    """What other jobs have decided for these tables and not done yet."""
    ids = [each.table_id for each in staged if each.table_id is not None]
    return list(TableImport.objects.filter(table__in=ids, committed_at__isnull=True).exclude(job=job).order_by("pk"))


def end_of(imports: Sequence[TableImport]) -> End:
    """How their job ends once they are carried out."""
    stored = imports[0].plan["end"]
    return End(**{**stored, "status": JobStatus(stored["status"])})


def entry_of(each: TableImport) -> dict[str, Any]:
    """What the program of tables is asked to commit."""
    return {
        "name": each.plan["name"],
        "location": each.plan["location"],
        "plan": each.plan["plan"],
        "import": each.pk,
        "job": each.job_id,
    }


def release(job_id: int, fence: str, *, seconds: float = 0) -> bool:
    """Leave a job whose import is decided to whichever cluster has a worker free, in so many seconds; fences us off."""
    return bool(
        Job.objects.filter(pk=job_id, fence=fence, status=JobStatus.PROCESSING).update(
            owner="",
            worker="",
            fence=uuid4().hex,
            attempt=F("attempt") + 1,
            lease_until=seconds_from_now(seconds),
        )
    )


# --- What came of it ---------------------------------------------------------------------------


@retried
def keep(committed: Mapping[int, Facts], *, now: datetime) -> None:
    """As ``keep_with_the_end``, for imports of a job that somebody else will settle."""
    with transaction.atomic():
        _keep(committed, now)


def keep_with_the_end(job_id: int, end: End, now: datetime) -> None:
    """Write what the commits of a job did, by the ids of its imports, in the transaction that settles it."""
    if not end.committed:
        return
    _keep(end.committed, now)
    imports = TableImport.objects.filter(job=job_id)
    imports.exclude(plan={}).update(plan={})
    # Nothing has ever come into them: they were made for an import that could not be carried out.
    Table.objects.filter(imports__in=imports.exclude(error=""), delta_version__lt=0, revision=0).delete()


def _keep(committed: Mapping[int, Facts], now: datetime) -> None:
    """``committed`` has an answer of the program for each import, or {"error": …}; once, however often it is called."""
    table_of = dict(TableImport.objects.filter(pk__in=list(committed)).values_list("pk", "table_id"))
    for import_id in sorted(table_of, key=lambda pk: table_of[pk]):
        table = Table.objects.select_for_update(no_key=True).get(pk=table_of[import_id])
        each = TableImport.objects.filter(pk=import_id, committed_at__isnull=True).first()
        if each is None:
            continue
        facts = committed[import_id]
        if "error" in facts:
            each.committed_at, each.error = now, str(facts["error"])[:TEXT_LIMIT]
            each.save(update_fields=["committed_at", "error"])
        else:
            _carry_out(each, table, facts, now)


def _carry_out(each: TableImport, table: Table, facts: Facts, now: datetime) -> None:
    if facts["data_changed"]:
        table.revision += 1
        table.updated_at = now
        TableUpdate.objects.create(
            table=table,
            revision=table.revision,
            source=UpdateSource.IMPORT,
            job_id=each.job_id,
            rows=facts.get("rows_added"),
            at=now,
        )
        wake(Topic.AUTOMATION)
    if facts["committed_version"] <= table.delta_version + 1:
        # Only if nothing of another program lies between: that is still to be looked at.
        table.delta_version = max(table.delta_version, facts["committed_version"])
    table.primary_key = facts.get("primary_key", each.plan["primary_key"])
    table.is_typed = each.plan["is_typed"]
    show(table, facts)
    table.save(
        update_fields=["revision", "updated_at", "delta_version", "primary_key", "is_typed", *SHOWN],
    )
    each.committed_at, each.revision = now, table.revision
    each.save(update_fields=["committed_at", "revision"])


SHOWN = ("rows", "size_bytes", "columns", "preview")


def show(table: Table, facts: Facts) -> None:
    """Take over what the program found in the table; not saved."""
    for name in SHOWN:
        if name in facts:
            setattr(table, name, facts[name])
