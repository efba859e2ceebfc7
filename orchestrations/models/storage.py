from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from orchestrations.models.projects import Project


class Stage(models.TextChoices):
    """What a bucket holds: data as it came in, or results for others."""

    IN = "in", "In"
    OUT = "out", "Out"


class BucketQuerySet(models.QuerySet["Bucket"]):
    def in_project(self, project: models.Model | int) -> BucketQuerySet:
        return self.filter(project=project)

    def own(self) -> BucketQuerySet:
        """Those that hold tables of the project's own, not a look into another project's."""
        return self.filter(source__isnull=True)

    def shared_with(self, project: Project | int) -> BucketQuerySet:
        """Other projects' buckets that this project may link."""
        named = Q(shares__project=project)
        return self.own().filter(Q(is_shared_with_all=True) | named).exclude(project=project).distinct()


class Bucket(models.Model):
    """A folder of tables in a project; its id in the API is ``in.c-sales``.

    A linked bucket (``source`` set) has no tables of its own: it shows those of another project's, to be read only.
    """

    project = models.ForeignKey("orchestrations.Project", on_delete=models.CASCADE, related_name="buckets")
    stage = models.CharField(max_length=3, choices=Stage)
    name = models.CharField(max_length=96, help_text="With its prefix: c-sales.")
    description = models.TextField(blank=True)
    source = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="links")
    is_shared_with_all = models.BooleanField(default=False, help_text="Every project of this site may link it.")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar = BucketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "stage", "name"], name="bucket_once"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="bucket_stage_known"),
            models.CheckConstraint(
                condition=Q(source__isnull=True) | Q(is_shared_with_all=False), name="bucket_linked_is_not_shared"
            ),
            models.UniqueConstraint(
                fields=["project", "source"], condition=Q(source__isnull=False), name="bucket_linked_once"
            ),
        ]

    def __str__(self) -> str:
        return self.bucket_id

    @property
    def bucket_id(self) -> str:
        return f"{self.stage}.{self.name}"

    @property
    def is_linked(self) -> bool:
        return self.source_id is not None


class BucketShare(models.Model):
    """A project that may link a bucket of another one."""

    bucket = models.ForeignKey(Bucket, on_delete=models.CASCADE, related_name="shares")
    project = models.ForeignKey("orchestrations.Project", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "project"], name="bucket_share_once")]

    def __str__(self) -> str:
        return f"{self.bucket} for {self.project}"


def no_columns() -> list[dict[str, Any]]:
    return []


class Table(models.Model):
    """What is known of a Delta Lake table without opening it; always in an own bucket.

    ``columns`` is a list of ``{"name", "type", "nullable"}`` in order; ``type`` is one of STRING, INTEGER, NUMERIC,
    FLOAT, BOOLEAN, DATE, TIMESTAMP. ``revision`` counts the commits that changed data (R16); ``delta_version`` is only
    how far the Delta log has been looked at. ``preview`` holds the first rows as lists of text, None for NULL.
    """

    bucket = models.ForeignKey(Bucket, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField(max_length=96)
    description = models.TextField(blank=True)
    location = models.CharField(
        max_length=300, unique=True, help_text="Folder below the root of the tables; never used twice."
    )
    columns = models.JSONField(default=no_columns)
    primary_key = models.JSONField(default=list, help_text="Names of columns.")
    is_typed = models.BooleanField(default=False, help_text="Columns have types of their own; else all is text.")
    rows = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    revision = models.PositiveBigIntegerField(default=0)
    delta_version = models.BigIntegerField(default=-1)
    preview = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    updated_at = models.DateTimeField(null=True, blank=True, help_text="When its data last changed.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "name"], name="table_once")]

    def __str__(self) -> str:
        return self.table_id

    @property
    def table_id(self) -> str:
        return f"{self.bucket.bucket_id}.{self.name}"


class TableFolder(models.Model):
    """A folder of files that no table leads to (any more): of a deleted table, or of one that was never finished.

    Written before the first file, or with the deletion of the row; housekeeping removes the files, then this.
    """

    location = models.CharField(max_length=300, unique=True)
    removable_at = models.DateTimeField(help_text="Until then a job may still read or write it.")

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return self.location
