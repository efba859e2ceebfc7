from __future__ import annotations

from django.db import models

from jobs.models.jobs import Job


class JobEvent(models.Model):
    """Something that happened to a job, written in the transaction that did it (R11)."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        SUCCESS = "success", "Success"
        WARN = "warn", "Warning"
        ERROR = "error", "Error"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40, help_text="Past participle: job.created, job.settled …")
    level = models.CharField(max_length=7, choices=Level, default=Level.INFO)
    message = models.TextField()
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["job", "id"])]

    def __str__(self) -> str:
        return f"{self.kind} of job {self.job_id}"


class LogChunk(models.Model):
    """A batch of lines of a job's process, in the order they came.

    ``text`` holds one line a row: unix seconds, tab, I (stdout) or E (stderr), tab, the text.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_chunks")
    sequence = models.PositiveIntegerField()
    attempt = models.PositiveSmallIntegerField(default=1)
    end_offset = models.BigIntegerField(help_text="Bytes of this attempt's log file that are stored up to here.")
    lines = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "sequence"], name="log_chunk_once")]
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"log {self.sequence} of job {self.job_id}"
