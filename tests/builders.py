"""Valid rows by few words, through the same verbs as the product where that is cheap (STYLE §3)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from jobs import claiming, launching, machine
from jobs.advancing import End, settle
from jobs.claiming import Claim, Claimant
from jobs.models import Cluster, ImportMode, Job, TableImport, TableUpdate, UpdateSource, WatchedTable
from jobs.states import JobStatus
from orchestrations import accounts, editing
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import Content
from orchestrations.models import Bucket, Configuration, Membership, Project, Table, User
from scheduling import cron, zone_data
from scheduling.models import EventTrigger, Schedule, Scheduler

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
_numbers = count(1)


def build_user(email: str, *, name: str = "", **fields: Any) -> User:
    """Their time zone is known: else their first page would be drawn anew in the browser's (``time_zone=None``)."""
    fields.setdefault("time_zone", ZoneInfo("UTC"))
    return User.objects.create_user(email, PASSWORD, name=name or email.split("@")[0].title(), **fields)


def build_project(creator: User, name: str = "Analytics", **fields: Any) -> Project:
    project = accounts.create_project(name, creator=creator, now=NOW)
    if fields:
        Project.objects.filter(pk=project.pk).update(**fields)
        project.refresh_from_db()
    return project


def build_member(project: Project, email: str, role: str) -> User:
    user = build_user(email)
    Membership.objects.create(project=project, user=user, role=role, created_at=NOW)
    return user


def admin_of(project: Project) -> Actor:
    return Actor(user=project.memberships.filter(role="admin").earliest("pk").user)


def build_configuration(
    project: Project,
    *,
    component_id: str = "command",
    name: str = "",
    command: list[str] | None = None,
    document: dict[str, Any] | None = None,
) -> Configuration:
    """A configuration of ``command`` that does nothing and succeeds, unless said otherwise."""
    if document is None:
        document = {"parameters": {"command": command or ["true"]}}
    return editing.create(
        project,
        component_id,
        Content(name=name or f"Configuration {next(_numbers)}", document=document),
        actor=admin_of(project),
        now=NOW,
    )


def task(configuration: Configuration, *, key: str = "", **fields: Any) -> dict[str, Any]:
    """A task of a document; ``request`` is merged into what it asks for, other fields into the task."""
    request = fields.pop("request", {})
    return {
        "id": key or f"task-{next(_numbers)}",
        "name": configuration.name,
        "task": {
            "componentId": configuration.component_id,
            "configId": configuration.key,
            "mode": "run",
            **request,
        },
        **fields,
    }


def document(*phases: list[dict[str, Any]]) -> dict[str, Any]:
    """An orchestration's document: each argument is the list of tasks of one phase, ``phase-1`` and so on."""
    return {
        "phases": [
            {"id": f"phase-{n}", "name": f"Phase {n}", "dependsOn": [f"phase-{n - 1}"] if n > 1 else []}
            for n in range(1, len(phases) + 1)
        ],
        "tasks": [{**each, "phase": f"phase-{n}"} for n, tasks in enumerate(phases, 1) for each in tasks],
    }


def build_orchestration(
    project: Project, *phases: list[dict[str, Any]], name: str = "", actor: Actor | None = None
) -> Configuration:
    return editing.create(
        project,
        ORCHESTRATOR,
        Content(name=name or f"Orchestration {next(_numbers)}", document=document(*phases)),
        actor=actor or admin_of(project),
        now=NOW,
    )


def launch(configuration: Configuration, *, actor: Actor | None = None, **request: Any) -> Job:
    return launching.launch(
        configuration.project,
        configuration.component_id,
        configuration,
        launching.Request(**request),
        actor=actor or admin_of(configuration.project),
        now=timezone.now(),
    )


def build_cluster(*, workers: int = 4, labels: tuple[str, ...] = (), name: str = "") -> Claimant:
    """A cluster that is alive on this machine as far as the database knows."""
    owner = name or f"{machine.name()}/{machine.process_name()}/{next(_numbers)}"
    Cluster.objects.create(
        owner=owner,
        host=machine.name(),
        workers=workers,
        labels=list(labels),
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )
    return Claimant(owner=owner, workers=workers, labels=labels, worker=machine.process_name())


def claim(claimant: Claimant, most: int | None = None) -> list[Claim]:
    return claiming.claim(claimant, now=timezone.now(), most=most)


def end(claim: Claim, status: JobStatus = JobStatus.SUCCESS, message: str = "") -> bool:
    """Settle a claimed job as its worker would."""
    return settle(claim.job_id, claim.fence, End(status=status, message=message), now=timezone.now())


def drain(claimant: Claimant, outcomes: dict[str, JobStatus] | None = None) -> list[str]:
    """Claim and settle until nothing is claimable; the names of the jobs in the order of their ends.

    ``outcomes`` says by name how a job ends; the others succeed. Needs committed transactions (``transaction=True``).
    """
    ended = []
    while claims := claim(claimant):
        for each in claims:
            name = Job.objects.get(pk=each.job_id).name
            end(each, (outcomes or {}).get(name, JobStatus.SUCCESS), message=f"{name} has ended.")
            ended.append(name)
    return ended


def build_table(
    project: Project, table_id: str = "in.c-sales.orders", *, columns: tuple[str, ...] = ("id", "amount"), **fields: Any
) -> Table:
    """A table as the catalogue knows it, with its bucket; no file lies behind it."""
    stage, name, table = table_id.split(".")
    bucket, _ = Bucket.objects.get_or_create(project=project, stage=stage, name=name, defaults={"created_at": NOW})
    return Table.objects.create(
        bucket=bucket,
        name=table,
        location=f"{project.pk}/{table_id}/{next(_numbers)}",
        columns=[{"name": column, "type": "STRING", "nullable": True} for column in columns],
        created_at=NOW,
        **fields,
    )


def build_import(table: Table, *, job: Job | None = None, **fields: Any) -> TableImport:
    """A committed import of one row, with the update that it recorded."""
    table.revision += 1
    table.updated_at = timezone.now()
    table.save(update_fields=["revision", "updated_at"])
    given = {"mode": ImportMode.FULL, "rows": 1, "created_at": NOW, "committed_at": NOW, **fields}
    TableUpdate.objects.create(
        table=table, revision=table.revision, source=UpdateSource.IMPORT, job=job, at=table.updated_at
    )
    return TableImport.objects.create(table=table, job=job, revision=table.revision, **given)


def build_scheduler(*, heartbeat_at: datetime | None = None) -> Scheduler:
    """One that is alive as far as the database knows."""
    at = heartbeat_at or timezone.now()
    return Scheduler.objects.create(
        owner=f"scheduler {next(_numbers)}", host=machine.name(), started_at=at, heartbeat_at=at
    )


def build_schedule(
    orchestration: Configuration, expression: str = "0 6 * * *", *, zone: str = "UTC", **fields: Any
) -> Schedule:
    """One that is next due after ``NOW``, unless said otherwise (``next_run_at=``)."""
    place = ZoneInfo(zone)
    fields.setdefault("zone_version", zone_data.VERSION)
    if fields.get("is_enabled", True):
        fields.setdefault("next_run_at", cron.next_after(expression, place, NOW))
    return Schedule.objects.create(
        orchestration=orchestration, expression=expression, zone=place, created_at=NOW, updated_at=NOW, **fields
    )


def build_trigger(orchestration: Configuration, *tables: Table, **fields: Any) -> EventTrigger:
    """One that awaits an update of each of the tables, as they are now."""
    for table in tables:
        WatchedTable.objects.create(
            configuration=orchestration, table=table, label=table.table_id, baseline_revision=table.revision
        )
    return EventTrigger.objects.create(orchestration=orchestration, created_at=NOW, updated_at=NOW, **fields)
