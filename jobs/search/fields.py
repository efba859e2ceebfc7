"""What can be asked for in a query of jobs: its fields, and the words that some of them take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.states import JobStatus


@dataclass(frozen=True)
class Field:
    name: str
    what: str
    example: str


FIELDS = {
    field.name: field
    for field in (
        Field("status", "How it stands or has ended", "status:error"),
        Field("component", "Its component, by a part of the name or by the id", 'component:"SQL transformation"'),
        Field("configuration", "Its configuration, by a part of the name or by the id", 'configuration:"Daily Sales"'),
        Field("created", "When it was created, in your time zone", "created:[2026-11-01 TO *]"),
        Field("duration", "How long it took or has been running, in seconds or with a unit", "duration:>2m"),
        Field("by", "Who started it, by a part of the name or the e-mail; me is you", "by:me"),
        Field("cause", "What started it", "cause:schedule"),
        Field("is", "A run of an orchestration, a task of one, or a run of selected tasks", "is:run"),
        Field("id", "Its number", "id:48212"),
        Field("run", "The run with this number and all that belongs to it", "run:48212"),
    )
}
ALIASES = {"config": "configuration", "job": "id", "user": "by", "took": "duration"}
CAUSES = {"person": "By hand", "api": "By API", "schedule": "By a schedule", "trigger": "By a trigger"}
KINDS = {
    "run": "The run of an orchestration",
    "task": "A task of such a run",
    "partial": "A run of selected tasks",
}
STATUSES = {status.value: status.label for status in JobStatus}
ME = "me"
WORDS = {"status": STATUSES, "cause": CAUSES, "is": KINDS}
"""The fields that take one of these words and nothing else; what the word says stands beside it."""
EXAMPLES = {
    "created": {"today": "", "yesterday": "", "-24h": "In the last 24 hours", "-7d": "In the last 7 days"},
    "duration": {">1m": "Longer than a minute", ">10m": "Longer than 10 minutes", ">1h": "Longer than an hour"},
}
