from __future__ import annotations

from typing import ClassVar

from django.db import models

from orchestrations.models.configurations import Configuration


class ConfigurationMetadata(models.Model):
    """One entry of what clients note about a configuration beside its versions: folders, marks, where it came from."""

    configuration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="metadata")
    key = models.CharField(max_length=255)
    value = models.TextField(blank=True)
    updated_at = models.DateTimeField()

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name_plural = "configuration metadata"
        constraints = [models.UniqueConstraint(fields=["configuration", "key"], name="metadata_key_once")]
        indexes = [models.Index(fields=["key"], name="metadata_of_key")]

    def __str__(self) -> str:
        return self.key
