"""A project with something on every page."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing, invitations
from orchestrations.access import Actor
from orchestrations.models import Configuration, Membership, Project, Role, User
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
    first_version: int = 1
    component: Named = Named("command")


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
    return World(project, orchestration, extractor, writer, failed, waiting, child, invited.membership, trashed)
