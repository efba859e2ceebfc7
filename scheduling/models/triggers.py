from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class FiresWhen(models.TextChoices):
    """When a trigger fires whose tables were all updated during its cool-down (R16)."""

    NEXT_UPDATE = "next_update", "With the next update after the cool-down"
    COOL_DOWN_END = "cool_down_end", "When the cool-down ends"


class EventTrigger(models.Model):
    """Starts an orchestration when all of its tables were updated since its last execution (R16).

    The tables are ``orchestration.watched_tables``, each with the revision of the last execution as its baseline.
    ``look_at``: when a scheduler is to evaluate it without an update (the cool-down ends, the project goes on).
    """

    orchestration = models.OneToOneField(
        "orchestrations.Configuration", on_delete=models.CASCADE, related_name="event_trigger"
    )
    is_enabled = models.BooleanField(default=True)
    cool_down_minutes = models.PositiveIntegerField(default=5, help_text="Runs at most once in so many minutes.")
    fires_when = models.CharField(max_length=13, choices=FiresWhen, default=FiresWhen.NEXT_UPDATE)
    run_with = models.ForeignKey(
        "orchestrations.Token",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="As a client of the API asked for; runs have the orchestration's own token all the same (R18).",
    )
    look_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cool_down_minutes__gte=1), name="trigger_cool_down_positive"),
            models.CheckConstraint(condition=Q(fires_when__in=FiresWhen.values), name="trigger_fires_when_known"),
        ]

    def __str__(self) -> str:
        return f"Trigger of {self.orchestration}"


class Verdict(models.TextChoices):
    """What a trigger made of the updates that it looked at."""

    FIRED = "fired", "Fired"
    AWAITING = "awaiting", "Awaits tables"
    COOLING_DOWN = "cooling_down", "Cools down"
    RUN_WAITS = "run_waits", "A run waits already"
    OFF = "off", "Switched off"
    PAUSED = "paused", "Project paused"
    BROKEN = "broken", "Broken"


class Evaluation(models.Model):
    """One look of a trigger at its tables, and what came of it."""

    trigger = models.ForeignKey(EventTrigger, on_delete=models.CASCADE, related_name="evaluations", db_index=False)
    at = models.DateTimeField()
    verdict = models.CharField(max_length=12, choices=Verdict)
    sentence = models.TextField(help_text='"Not fired: in.c-a.b still awaited."')
    update_count = models.PositiveIntegerField(default=0, help_text="Updates that it was for; 0: the cool-down ended.")
    job = models.OneToOneField("jobs.Job", null=True, on_delete=models.SET_NULL, related_name="evaluation")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="evaluation_verdict_known"),
        ]
        indexes = [
            models.Index(fields=["trigger", "-id"], name="evaluation_of_trigger"),
            models.Index(fields=["at"], name="evaluation_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} at {self.at:%Y-%m-%d %H:%M:%S} UTC"
