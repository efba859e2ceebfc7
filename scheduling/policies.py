"""What a schedule does when it could not fire in time, or when its orchestration still runs (R15, R17). Pure."""

from __future__ import annotations

from django.db import models


class CatchUp(models.TextChoices):
    """What becomes of the moments at which no scheduler ran, or the project was paused (R15)."""

    NONE = "none", "Leave them out"
    LAST = "last", "Run the last one"
    ALL = "all", "Run all of them"


class Overlap(models.TextChoices):
    """What becomes of a due run while another run of the orchestration has not ended (R17)."""

    WAIT = "wait", "Wait for it"
    SKIP = "skip", "Skip it when one already waits"


class FiringOutcome(models.TextChoices):
    """What a scheduler did when a schedule was due."""

    STARTED = "started", "Started"
    """Its job was created."""
    SKIPPED = "skipped", "Skipped"
    """A run of the orchestration waited already (R17)."""
    MISSED = "missed", "Missed"
    """No scheduler ran then, and the schedule does not make up for it (R15)."""
    FAILED = "failed", "Failed"
    """The job could not be created; ``note`` says why."""
