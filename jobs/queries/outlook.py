"""How the rest of a run should go: when tasks that have not started should, by how long they usually take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from jobs import usual
from jobs.models import Job
from jobs.states import FAILED, JobStatus
from orchestrations import plans, queries
from orchestrations.lib import timelines
from orchestrations.lib.timelines import Span

NOT_EXECUTED = "not-executed"
"""Drawn like a status; no job ever has it."""


def spans_of(
    run: Job, plan: plans.Plan, by_key: Mapping[str, Job], now: datetime
) -> tuple[dict[str, Span], dict[str, datetime | None]]:
    """By task what its row draws, and by phase when it started or should start. At most two queries."""
    goes_on = run.status == JobStatus.PROCESSING and not any(_stops(child) for child in by_key.values())
    ahead = [task for task in plan.tasks if task.key not in by_key] if goes_on else []
    pks: dict[str, int | None] = {key: child.configuration_id for key, child in by_key.items()}
    if ahead:
        ids = queries.ids_of(run.project_id, [task.configuration_key for task in ahead if task.configuration_key])
        pks |= {task.key: ids.get((task.component_id, task.configuration_key or "")) for task in ahead}
    known = usual.seconds_of(pks.values())
    spans = {task.key: _span(by_key.get(task.key), known.get(pks.get(task.key) or 0)) for task in plan.tasks}
    if not goes_on:
        return spans, {}
    phases = [phase for phase in plan.phases if phase.tasks]
    moments = timelines.phase_starts([[spans[task.key] for task in phase.tasks] for phase in phases], now)
    starts = {phase.key: moment for phase, moment in zip(phases, moments, strict=True)}
    for phase in phases:
        for task in phase.tasks:
            if spans[task.key].started_at is None:
                spans[task.key] = replace(spans[task.key], expected_at=starts[phase.key])
    return spans, starts


def _stops(child: Job) -> bool:
    """Whether the run ends after this one's phase (R2)."""
    return child.status in FAILED and not child.continue_on_failure


def _span(job: Job | None, usual_seconds: float | None) -> Span:
    if job is None:
        return Span(status=NOT_EXECUTED, usual_seconds=usual_seconds)
    return Span(
        status=job.status,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.finished_at,
        usual_seconds=usual_seconds,
    )
