from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models.configurations import Configuration, ConfigurationQuerySet


class OrchestrationManager(models.Manager.from_queryset(ConfigurationQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> ConfigurationQuerySet:
        queryset: ConfigurationQuerySet = super().get_queryset()
        return queryset.filter(component_id=ORCHESTRATOR)


class Orchestration(Configuration):
    """A configuration of the orchestrator: everything that holds for configurations holds for it."""

    objects: ClassVar = OrchestrationManager()

    class Meta:
        proxy = True


class Phase(models.Model):
    """A step of an orchestration, as its newest version has it. Rewritten as a whole by each save."""

    orchestration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="phases")
    key = models.CharField(max_length=100, help_text="The id inside the document.")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["orchestration", "key"], name="phase_key_unique"),
            models.UniqueConstraint(fields=["orchestration", "position"], name="phase_position_unique"),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """One configuration to run within a phase; ``request`` is merged over the run request (R3)."""

    orchestration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="tasks")
    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(max_length=100, help_text="The id inside the document.")
    name = models.CharField(max_length=255, blank=True)
    position = models.PositiveIntegerField()
    component_id = models.CharField(max_length=100)
    configuration = models.ForeignKey(
        Configuration, null=True, blank=True, on_delete=models.SET_NULL, related_name="used_by_tasks"
    )
    is_enabled = models.BooleanField(default=True)
    continue_on_failure = models.BooleanField(default=False)
    request = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["orchestration", "key"], name="task_key_unique"),
            models.CheckConstraint(condition=~Q(component_id=""), name="task_has_component"),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name or self.key
