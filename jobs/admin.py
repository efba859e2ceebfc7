"""Jobs, events, logs and clusters, shown only: a status changes through the verbs (R11)."""

from __future__ import annotations

from typing import cast

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from jobs import launching, terminating
from jobs.models import Cluster, Job, JobEvent, LogChunk
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.components import catalogue
from orchestrations.lib.admin import ReadOnlyAdmin, for_each
from orchestrations.models import User

# django-q2's own tables are not the queue here: their pages would show nothing, and take schedules that never run.
for model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "name",
        "component_id",
        "status",
        "project",
        "cause",
        "created_at",
        "started_at",
        "finished_at",
    )
    list_display_links = ("id", "name")
    list_filter = ("status", "cause", "is_run")
    list_select_related = ("project",)
    search_fields = ("=id", "name__startswith", "=component_id")
    # What a request carries may hold values that only the job's own page masks.
    exclude = ("request", "fence")
    actions = ("terminate", "retry")

    @admin.action(description="Terminate")
    def terminate(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        actor, now = Actor(user=cast("User", request.user)), timezone.now()
        for_each(
            self,
            request,
            rows.select_related("project"),
            lambda job: terminating.terminate(job, actor=actor, now=now),
            done="told to stop",
            refusals=(access.Denied, terminating.AlreadySettled),
        )

    @admin.action(description="Retry")
    def retry(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        actor, now = Actor(user=cast("User", request.user)), timezone.now()
        for_each(
            self,
            request,
            rows.select_related("project", "configuration"),
            lambda job: launching.retry(job, actor=actor, now=now),
            done="started again",
            refusals=(access.Denied, launching.Refused, catalogue.UnknownComponent),
        )


@admin.register(JobEvent)
class JobEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "job", "kind", "level", "message")
    list_filter = ("level",)
    list_select_related = ("job",)
    search_fields = ("=job__id", "=kind")


@admin.register(LogChunk)
class LogChunkAdmin(ReadOnlyAdmin):
    list_display = ("job", "sequence", "attempt", "lines")
    list_select_related = ("job",)
    search_fields = ("=job__id",)


@admin.register(Cluster)
class ClusterAdmin(ReadOnlyAdmin):
    list_display = ("owner", "host", "workers", "labels", "started_at", "heartbeat_at", "stopped_at")
    search_fields = ("owner", "host")
