"""Whom an event of a job concerns (R20). Pure: every case of cause, outcome and place stands here and nowhere else."""

from __future__ import annotations

from enum import StrEnum

from jobs.models import Cause
from jobs.states import JobStatus
from orchestrations.models import EventType

EVENT_OF = {
    JobStatus.ERROR: EventType.FAILED,
    JobStatus.WARNING: EventType.WARNING,
    JobStatus.SUCCESS: EventType.SUCCEEDED,
}
"""Terminated and cancelled tell nobody."""
PERSONAL_OVERTIME_PERCENT = 20
"""How much longer than usual a run by hand takes before its person is told."""


class Audience(StrEnum):
    """Who is told."""

    PERSON = "person"
    """Whoever started it, by their own choice; the configured lists are ignored."""
    LISTS = "lists"
    """The subscriptions of the configuration and of the project."""
    NOBODY = "nobody"


def audience(cause: str, *, is_root: bool) -> Audience:
    """By what started the run; a nested one has its root's cause, and a person is told of the root alone."""
    if cause != Cause.PERSON:
        return Audience.LISTS
    return Audience.PERSON if is_root else Audience.NOBODY


def is_noticed(status: str, *, is_run: bool, is_root: bool) -> bool:
    """Whether a settled job is worth a notice: runs on every level, and whatever was started by itself."""
    return status in EVENT_OF and (is_run or is_root)
