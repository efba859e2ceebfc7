"""Holding a whole project: nothing new is started while it is paused, what runs goes on (R7, R15)."""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet

from jobs.wakeups import Topic, wake
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.models import Project, Role

PAUSED, RESUMED = "Project paused.", "Project resumed."


def pause(project: Project, *, actor: Actor, now: datetime) -> None:
    """Doing it twice keeps the first moment. Raises Denied."""
    access.require(actor, project, Role.OPERATOR)
    with transaction.atomic():
        if Project.objects.filter(pk=project.pk, paused_at__isnull=True).update(paused_at=now):
            _record(project, PAUSED, actor)
    project.refresh_from_db(fields=["paused_at"])


def resume(project: Project, *, actor: Actor) -> None:
    """What waited starts; schedules that were due meanwhile make up for it as each is set to (R15). Raises Denied."""
    access.require(actor, project, Role.OPERATOR)
    with transaction.atomic():
        if Project.objects.filter(pk=project.pk, paused_at__isnull=False).update(paused_at=None):
            _record(project, RESUMED, actor)
        wake(Topic.WORK)
        wake(Topic.AUTOMATION)
    project.paused_at = None


def paused_by(project: Project) -> str:
    """Who paused it last, "" when that is not known."""
    found = _records(project).filter(change_message=PAUSED).select_related("user").order_by("-pk").first()
    return str(found.user) if found is not None else ""


def _record(project: Project, what: str, actor: Actor) -> None:
    """Into the history that the admin shows of the project, in the transaction of the change."""
    assert actor.user is not None, "a role has only a person"
    LogEntry.objects.create(
        user=actor.user,
        content_type=ContentType.objects.get_for_model(Project),
        object_id=str(project.pk),
        object_repr=str(project)[:200],
        action_flag=CHANGE,
        change_message=what,
    )


def _records(project: Project) -> QuerySet[LogEntry]:
    of_projects = ContentType.objects.get_for_model(Project)
    return LogEntry.objects.filter(content_type=of_projects, object_id=str(project.pk))
