from __future__ import annotations

from typing import ClassVar

from django.db import models

from orchestrations.models.configurations import Configuration


class UseKind(models.TextChoices):
    """What a configuration does with a table."""

    READS = "reads", "Reads"
    WRITES = "writes", "Writes"
    UNMAPPED = "unmapped", "Names in SQL without a mapping"


class TableUse(models.Model):
    """A table that a configuration reads or writes, as its newest version has it. Rewritten by each save (see lineage).

    ``table_id`` ends in ``.*`` for a whole bucket; with UNMAPPED it is the name that stands in the SQL.
    """

    configuration = models.ForeignKey(Configuration, on_delete=models.CASCADE, related_name="table_uses")
    kind = models.CharField(max_length=8, choices=UseKind)
    table_id = models.CharField(max_length=200)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["configuration", "kind", "table_id"], name="table_use_once"),
            models.CheckConstraint(condition=models.Q(kind__in=UseKind.values), name="table_use_kind_known"),
        ]
        indexes = [models.Index(fields=["table_id", "kind"])]

    def __str__(self) -> str:
        return f"{self.configuration} {self.kind} {self.table_id}"
