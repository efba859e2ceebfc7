from __future__ import annotations

from typing import ClassVar

from django.db import models


class WatchedTable(models.Model):
    """A table that a configuration waits for, and how far it was when the last run of that became processing (R16).

    The engine keeps ``baseline_revision`` and ``baseline_at``; who wants to know whether the table has been updated
    since then compares revisions, never clocks.
    """

    configuration = models.ForeignKey(
        "orchestrations.Configuration", on_delete=models.CASCADE, related_name="watched_tables"
    )
    # A table that is deleted stays awaited: its trigger says so, and does not fire without it.
    table = models.ForeignKey(
        "orchestrations.Table", null=True, on_delete=models.SET_NULL, related_name="watched_by", db_index=False
    )
    label = models.CharField(max_length=210, help_text="The table's id in the configuration's project, when chosen.")
    baseline_revision = models.PositiveBigIntegerField(default=0)
    baseline_at = models.DateTimeField(null=True, help_text="The start of the last run; None before the first.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["table", "configuration"], name="watched_table_once")]
        ordering = ["label", "pk"]

    def __str__(self) -> str:
        return self.label
