from __future__ import annotations

from django.db import models


class Scheduler(models.Model):
    """A scheduler process, as it reported itself; for the health dot."""

    owner = models.CharField(max_length=150, unique=True)
    host = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.owner


class Chore(models.Model):
    """An item of housekeeping: of many schedulers, the one that holds its lease does it (scheduling.housekeeping).

    Times are of the database's clock.
    """

    name = models.CharField(max_length=50, unique=True)
    due_at = models.DateTimeField()
    owner = models.CharField(max_length=150, blank=True, default="")
    last_ended_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.name
