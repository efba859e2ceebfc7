"""Schedules, triggers and what they did, shown only: they change through their verbs (scheduling.planning)."""

from __future__ import annotations

from django.contrib import admin

from orchestrations.lib.admin import ReadOnlyAdmin
from scheduling.models import Chore, Evaluation, EventTrigger, Firing, Schedule, Scheduler


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    list_display = ("orchestration", "expression", "zone", "is_enabled", "next_run_at", "last_due_at", "last_error")
    list_filter = ("is_enabled", "catch_up", "overlap")
    list_select_related = ("orchestration",)
    search_fields = ("=orchestration__id", "orchestration__name__startswith")


@admin.register(Firing)
class FiringAdmin(ReadOnlyAdmin):
    list_display = ("schedule", "due_at", "at", "outcome", "job", "note")
    list_filter = ("outcome",)
    list_select_related = ("schedule", "job")
    search_fields = ("=schedule__id", "=job__id")


@admin.register(EventTrigger)
class EventTriggerAdmin(ReadOnlyAdmin):
    list_display = ("orchestration", "is_enabled", "cool_down_minutes", "fires_when", "look_at")
    list_filter = ("is_enabled", "fires_when")
    list_select_related = ("orchestration",)
    search_fields = ("=orchestration__id", "orchestration__name__startswith")


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ("at", "trigger", "verdict", "sentence", "job")
    list_filter = ("verdict",)
    list_select_related = ("trigger__orchestration", "job")
    search_fields = ("=trigger__id", "=job__id")


@admin.register(Scheduler)
class SchedulerAdmin(ReadOnlyAdmin):
    list_display = ("owner", "host", "started_at", "heartbeat_at", "stopped_at")
    search_fields = ("owner", "host")


@admin.register(Chore)
class ChoreAdmin(ReadOnlyAdmin):
    list_display = ("name", "due_at", "owner", "last_ended_at", "last_error")
    search_fields = ("name",)
