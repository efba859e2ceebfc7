from django.db import models


class Cluster(models.Model):
    """A cluster of workers on a machine, as it reported itself; for R7 and the health dot."""

    owner = models.CharField(max_length=150, unique=True)
    host = models.CharField(max_length=100)
    workers = models.PositiveIntegerField()
    labels = models.JSONField(default=list)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.owner
