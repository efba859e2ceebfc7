from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from scheduling import expressions, wording
from scheduling.models.zones import UnknownZone, ZoneField
from scheduling.policies import CatchUp, FiringOutcome, Overlap


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def in_project(self, project: models.Model | int) -> ScheduleQuerySet:
        return self.filter(orchestration__project=project)


class Schedule(models.Model):
    """Starts an orchestration at the moments of a cron expression in a time zone of its own (R13, R14, R22).

    ``next_run_at`` is when there is something to do for it; None while it is off.
    """

    orchestration = models.ForeignKey(
        "orchestrations.Configuration", on_delete=models.CASCADE, related_name="schedules"
    )
    expression = models.CharField(max_length=255)
    zone = ZoneField(default="UTC")
    is_enabled = models.BooleanField(default=True)
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is due before; not made up for.")
    catch_up = models.CharField(max_length=4, choices=CatchUp, default=CatchUp.LAST)
    overlap = models.CharField(max_length=4, choices=Overlap, default=Overlap.WAIT)

    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    zone_version = models.CharField(max_length=20, help_text="Of the time zone data that next_run_at was made with.")
    last_due_at = models.DateTimeField(null=True, blank=True, help_text="The last moment that it was due at.")
    ignored_since = models.DateTimeField(
        null=True, blank=True, help_text="First due moment that was ignored while the orchestration was off (R15)."
    )
    last_error = models.TextField(blank=True, default="", help_text="Why it could not fire the last time.")

    declaration = models.OneToOneField(
        "orchestrations.Configuration",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="declared_schedule",
        help_text="The configuration of keboola.scheduler that it was made active from by the API.",
    )
    declaration_version = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(catch_up__in=CatchUp.values), name="schedule_catch_up_known"),
            models.CheckConstraint(condition=Q(overlap__in=Overlap.values), name="schedule_overlap_known"),
            models.CheckConstraint(
                condition=Q(is_enabled=True) | Q(next_run_at__isnull=True), name="schedule_off_is_never_due"
            ),
            models.CheckConstraint(condition=~Q(expression=""), name="schedule_has_expression"),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.words

    @property
    def problem(self) -> str:
        """Why its moments cannot be told any more; empty while they can."""
        if isinstance(self.zone, UnknownZone):
            return f"Time zone: {self.zone.name!r} is not known."
        try:
            expressions.parse(self.expression)
        except expressions.InvalidExpression as error:
            return str(error)
        return ""

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now

    @property
    def words(self) -> str:
        """ "Every day at 00:13, Europe/Prague" """
        return f"{wording.described(self.expression)}, {self.zone}"


class Firing(models.Model):
    """A due moment of a schedule, dealt with once and for all (R13)."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="firings", db_index=False)
    due_at = models.DateTimeField()
    at = models.DateTimeField(help_text="When a scheduler dealt with it.")
    outcome = models.CharField(max_length=7, choices=FiringOutcome)
    job = models.OneToOneField("jobs.Job", null=True, on_delete=models.SET_NULL, related_name="firing")
    note = models.TextField(blank=True, default="")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="firing_once"),
            models.CheckConstraint(condition=Q(outcome__in=FiringOutcome.values), name="firing_outcome_known"),
        ]
        indexes = [models.Index(fields=["at"], name="firing_by_time")]

    def __str__(self) -> str:
        return f"Firing of schedule {self.schedule_id} for {self.due_at:%Y-%m-%d %H:%M} UTC"
