from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from jobs.models.jobs import Job


class ImportMode(models.TextChoices):
    """What an import does with the rows that a table has."""

    FULL = "full", "Full load"
    APPEND = "append", "Append"
    UPSERT = "upsert", "Upsert by primary key"
    DELETE = "delete", "Delete rows"


class TableImport(models.Model):
    """The intent to bring a job's output into a table, and what came of it (DESIGN §6).

    Its files are written before the row is; from the row on the import is rolled forward, whoever is killed.
    ``plan`` is what the program of tables needs for the commit; emptied once it is done.
    """

    table = models.ForeignKey("orchestrations.Table", on_delete=models.CASCADE, related_name="imports")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="imports")
    position = models.PositiveIntegerField(default=0, help_text="Among the imports of its job.")
    mode = models.CharField(max_length=6, choices=ImportMode)
    plan = models.JSONField(default=dict)
    rows = models.BigIntegerField(default=0, help_text="That the job gave.")
    created_at = models.DateTimeField()
    committed_at = models.DateTimeField(null=True, help_text="Since when it is done, one way or the other.")
    error = models.TextField(blank=True, help_text="Why it could not be carried out: nothing of it is in the table.")
    revision = models.PositiveBigIntegerField(null=True, help_text="Of the table after it; unchanged data keeps it.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=ImportMode.values), name="table_import_mode_known"),
            models.UniqueConstraint(
                fields=["table"], condition=Q(committed_at__isnull=True), name="table_import_one_open"
            ),
            models.UniqueConstraint(
                fields=["job", "position"], condition=Q(job__isnull=False), name="table_import_once"
            ),
        ]
        indexes = [
            models.Index(fields=["table", "-id"], name="import_of_table"),
            models.Index(fields=["id"], condition=Q(committed_at__isnull=True), name="import_uncommitted"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} import into table {self.table_id} by job {self.job_id}"


class UpdateSource(models.TextChoices):
    IMPORT = "import", "import"
    PROGRAM = "program", "another program"
    API = "api", "announced by API"


class TableUpdate(models.Model):
    """One change of a table's data: what event triggers are evaluated for (R16)."""

    table = models.ForeignKey("orchestrations.Table", on_delete=models.CASCADE, related_name="updates")
    revision = models.PositiveBigIntegerField()
    source = models.CharField(max_length=7, choices=UpdateSource)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    rows = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    evaluated_at = models.DateTimeField(null=True, help_text="When the triggers that watch the table looked at it.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["table", "revision"], name="table_update_once"),
            models.CheckConstraint(condition=Q(source__in=UpdateSource.values), name="table_update_source_known"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(evaluated_at__isnull=True), name="table_update_pending")]

    def __str__(self) -> str:
        return f"revision {self.revision} of table {self.table_id}"
