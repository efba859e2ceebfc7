from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class ConfigurationQuerySet(models.QuerySet["Configuration"]):
    def in_project(self, project: models.Model | models.Expression | int) -> ConfigurationQuerySet:
        return self.filter(project=project)

    def live(self) -> ConfigurationQuerySet:
        """Not in the trash."""
        return self.filter(deleted_at__isnull=True)


class Configuration(models.Model):
    """A component with its parameters: what a task runs. ``document`` is always that of the newest version."""

    project = models.ForeignKey("orchestrations.Project", on_delete=models.CASCADE, related_name="configurations")
    component_id = models.CharField(max_length=100)
    key = models.CharField(max_length=100, help_text="The id in the API; unique for a component in a project.")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    document = models.JSONField(default=dict)
    state = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    is_disabled = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar = ConfigurationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "component_id", "key"], name="configuration_key_unique"),
            models.CheckConstraint(condition=Q(version__gte=1), name="configuration_version_positive"),
        ]
        indexes = [models.Index(fields=["project", "component_id", "name"])]

    def __str__(self) -> str:
        return self.name


class ConfigurationVersion(models.Model):
    """One save, append-only: the whole content as it was after it, in the API's format."""

    configuration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    document = models.JSONField()
    is_disabled = models.BooleanField(default=False)
    change_description = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_with = models.CharField(max_length=255, blank=True, help_text="The token's description, if by a token.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["configuration", "version"], name="version_once")]
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"{self.name} #{self.version}"
