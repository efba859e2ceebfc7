"""Jobs, events, logs and clusters, shown only: a status changes through the verbs (R11)."""

from __future__ import annotations

from typing import cast

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from jobs import launching, terminating
from jobs.models import (
    Cluster,
    Delivery,
    DeliveryAttempt,
    Job,
    JobEvent,
    LogChunk,
    Notice,
    TableImport,
    TableUpdate,
    WatchedTable,
)
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


@admin.register(TableImport)
class TableImportAdmin(ReadOnlyAdmin):
    list_display = ("table", "job", "mode", "rows", "created_at", "committed_at", "revision")
    list_filter = ("mode",)
    list_select_related = ("table__bucket", "job")
    search_fields = ("=job__id", "table__name")


@admin.register(TableUpdate)
class TableUpdateAdmin(ReadOnlyAdmin):
    list_display = ("table", "revision", "source", "job", "rows", "at", "evaluated_at")
    list_filter = ("source",)
    list_select_related = ("table__bucket", "job")
    search_fields = ("table__name",)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("job", "event", "overtime_percent", "at", "expanded_at")
    list_filter = ("event",)
    list_select_related = ("job",)
    search_fields = ("=job__id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("address", "channel", "subject", "status", "attempts", "created_at", "finished_at", "last_answer")
    list_filter = ("channel", "status", "is_test")
    list_select_related = ()
    search_fields = ("address", "=notice__job__id")
    # A mail about an account holds a link that opens it.
    exclude = ("text", "html", "payload", "encrypted_address")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = ("delivery", "at", "was_accepted", "answer")
    list_select_related = ("delivery",)
    search_fields = ("delivery__address",)


@admin.register(WatchedTable)
class WatchedTableAdmin(ReadOnlyAdmin):
    list_display = ("label", "configuration", "baseline_revision", "baseline_at")
    list_select_related = ("configuration",)
    search_fields = ("label",)
