"""A project with something on every page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from jobs import storing
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import buckets, editing, granting, invitations, subscribing, tables
from orchestrations.access import Actor
from orchestrations.granting import Grant
from orchestrations.models import Bucket, Configuration, EventType, Membership, Project, Role, Subscription, Token, User
from orchestrations.subscribing import Wanted
from scheduling import planning, setting_triggers
from scheduling.models import Schedule
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job, build_log


@dataclass(frozen=True)
class Named:
    """What an address names and no row is."""

    pk: str


@dataclass(frozen=True)
class World:
    project: Project
    orchestration: Configuration
    extractor: Configuration
    writer: Configuration
    failed_run: Job
    """Of two tasks the first succeeded, the second failed; a third was not executed."""
    waiting_run: Job
    child: Job
    member: Membership
    """Mia, who was invited and has not come yet."""
    trashed: Configuration
    subscription: Subscription
    token: Token
    schedule: Schedule
    shared: Bucket
    """Of the project Finance: open to this one, not linked."""
    unloading: Job
    """Has written the table as a file."""
    database: Configuration
    """Its component can test a connection."""
    first_version: int = 1
    component: Named = Named("command")
    bucket: Named = Named("in.c-shop")
    linked: Named = Named("in.c-rates")
    """Shows a bucket of Finance."""
    table: Named = Named("in.c-shop.orders")


def build_world(project: Project, alice: User) -> World:
    extractor = builders.build_configuration(project, name="Orders")
    broken = builders.build_configuration(project, name="Broken")
    writer = builders.build_configuration(project, name="Publish")
    orchestration = builders.build_orchestration(
        project,
        [task(extractor, key="orders")],
        [task(broken, key="broken")],
        [task(writer, key="publish"), task(extractor, key="again", enabled=False)],
        name="Daily Sales Refresh",
    )
    failed = build_job(
        orchestration, JobStatus.ERROR, created_by=alice, message="Task Broken ended in error: No such table."
    )
    child = build_child(failed, extractor, "orders", JobStatus.SUCCESS)
    build_log(child, "page 1", "E careful")
    bad = build_child(failed, broken, "broken", JobStatus.ERROR, message="No such table.")
    build_log(bad, "looking", "E No such table.", sequence=0)
    waiting = build_job(orchestration, JobStatus.WAITING, created_by=alice)
    invited = invitations.invite(project, "mia@example.org", Role.VIEWER, actor=Actor(user=alice), now=builders.NOW)
    trashed = builders.build_configuration(project, name="Thrown away")
    editing.trash(trashed, actor=builders.admin_of(project), now=builders.NOW)
    wanted = Wanted(event=EventType.FAILED, channel="email", address="team@example.org")
    subscription = subscribing.subscribe(
        project, orchestration, wanted, actor=builders.admin_of(project), now=builders.NOW
    )
    grant = Grant(description="Nightly load", component_access=["command"], bucket_permissions={})
    token, _ = granting.grant(project, grant, actor=builders.admin_of(project), now=builders.NOW)
    return World(
        project=project,
        orchestration=orchestration,
        extractor=extractor,
        writer=writer,
        failed_run=failed,
        waiting_run=waiting,
        child=child,
        member=invited.membership,
        trashed=trashed,
        subscription=subscription,
        token=token,
        shared=build_storage(project, alice, child),
        schedule=automate(orchestration),
        unloading=build_unloading(project, alice),
        database=build_database(project),
    )


def build_database(project: Project) -> Configuration:
    server = {"system": "postgresql", "host": "db.example.org", "database": "shop", "#password": "hunter2"}
    parameters = {**server, "tables": [{"table": "orders"}]}
    return builders.build_configuration(
        project, component_id="ex-database", name="Warehouse", document={"parameters": parameters}
    )


def automate(orchestration: Configuration) -> Schedule:
    """Every day at 06:30 in Prague, and when a table of ``build_storage`` is updated."""
    actor = builders.admin_of(orchestration.project)
    wanted = setting_triggers.Wanted(table_ids=["in.c-shop.orders"])
    setting_triggers.set_trigger(orchestration, wanted, actor=actor, now=builders.NOW)
    times = planning.Wanted(expression="30 6 * * *", zone="Europe/Prague")
    return planning.add(orchestration, times, actor=actor, now=builders.NOW)


def build_storage(project: Project, alice: User, job: Job) -> Bucket:
    """Tables, one of them written by the job; another project's bucket that is linked, and one that may be."""
    columns = ("id", "amount", "note")
    rows = [["1", "9.50", 'Jo\'s "first" <order>'], ["2", "12.00", None]]
    orders = builders.build_table(
        project, "in.c-shop.orders", columns=columns, primary_key=["id"], rows=2, size_bytes=4200, preview=rows
    )
    builders.build_import(orders, job=job, rows=2)
    builders.build_table(project, "out.c-reports.empty")
    finance = builders.build_project(builders.build_user("fiona@example.org"), "Finance")
    linked = builders.build_table(finance, "in.c-rates.daily", rows=91203, size_bytes=1_900_000, preview=[["1", "2"]])
    builders.build_import(linked)
    shared = builders.build_table(finance, "out.c-ledger.bookings").bucket
    for each in (linked.bucket, shared):
        buckets.share(each, projects=[project], actor=builders.admin_of(finance), now=timezone.now())
    buckets.link(project, linked.bucket, actor=Actor(user=alice), now=timezone.now())
    return shared


def build_unloading(project: Project, alice: User) -> Job:
    found = tables.find(project, "in.c-shop.orders")
    assert found is not None
    job = storing.unload(found, actor=Actor(user=alice), now=builders.NOW)
    Job.objects.filter(pk=job.pk).update(status=JobStatus.SUCCESS, started_at=builders.NOW, finished_at=builders.NOW)
    job.refresh_from_db()
    file = Path(settings.DATA_DIR) / "projects" / str(project.pk) / "downloads" / str(job.pk) / "orders.csv"
    file.parent.mkdir(parents=True)
    file.write_text("id,amount,note\n1,9.50,\n")
    return job
