"""The tasks of a run by phase, with their bars on one timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from jobs import waiting
from jobs.models import Job
from jobs.queries import opened, outlook, reasons
from jobs.queries.outlook import NOT_EXECUTED
from jobs.queries.rows import component_of, progress_notes, progress_words, url_of
from jobs.queries.selections import name_of
from jobs.states import ACTIVE, UNSETTLED, JobStatus
from orchestrations import plans, queries
from orchestrations.lib import timelines
from orchestrations.lib.durations import clock_words, duration_words
from orchestrations.lib.prepared import Param, Query
from orchestrations.lib.timelines import Bars, Timeline

MANY = 60
"""A run of more tasks shows those that tell something; the others when their phase is unfolded."""
USUAL_FATES = (JobStatus.SUCCESS, JobStatus.WAITING, NOT_EXECUTED)


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    number: int
    key: str
    name: str
    component: str
    kind: str
    status: str
    bars: Bars
    bars_words: str
    job_id: int | None = None
    job_url: str = ""
    is_active: bool = False
    started_at: datetime | None = None
    seconds: float | None = None
    waiting: str = ""
    is_open: bool = False
    toggle_url: str = ""
    message: str = ""
    continues_on_failure: bool = False
    note: str = ""
    details: opened.Opened | None = None


@dataclass(frozen=True, kw_only=True)
class PhaseRows:
    """``begun_at``: of one on its way. ``more``: what is folded away; ``fold_url``: the page with it, or without it."""

    key: str
    name: str
    note: str
    begun_at: datetime | None
    tasks: list[TaskRow]
    more: str = ""
    fold_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    done: int
    total: int
    words: str
    elapsed_seconds: float
    usual_seconds: float | None
    value: float
    max: float


@dataclass(frozen=True, kw_only=True)
class View:
    """How the page is looked at: which tasks are open and which phases unfolded, and the page with one more or less."""

    now: datetime
    zone: tzinfo
    opened: Collection[str] = ()
    unfolded: Collection[str] = ()
    toggle_url: Callable[[str], str] = lambda key: ""
    fold_url: Callable[[str], str] = lambda key: ""


def children_of(run: Job) -> list[Job]:
    """In the order of their creation, with what their rows show; the columns that may be large are left out."""
    if not run.is_run:
        return []
    children = _CHILDREN.instances(run=run.pk)
    for child in children:
        child.project, child.parent = run.project, run
    return children


def phases_of(run: Job, plan: plans.Plan, children: Sequence[Job], view: View) -> tuple[list[PhaseRows], Timeline]:
    by_key = {child.task_key: child for child in children}
    tasks = plan.tasks
    spans, starts = outlook.spans_of(run, plan, by_key, view.now)
    timeline = _timeline(run, [spans[task.key] for task in tasks], _phase_ends(plan, by_key), view)
    shown = _shown(run, plan, by_key, view)
    children = [child for child in children if child.task_key in shown]
    facts = _Facts(
        run=run,
        by_key=by_key,
        view=view,
        sentences=_sentences(children, view),
        details=opened.of_jobs(run.project, [by_key[key].pk for key in view.opened if key in by_key]),
        names=_names(run, [task for task in tasks if task.key in shown]),
        nested=progress_notes([child.pk for child in children if child.is_run and child.status in ACTIVE]),
        starts=starts,
    )
    rows = {
        task.key: _row(number, task, bars, facts)
        for number, (task, bars) in enumerate(zip(tasks, timeline.bars, strict=True), 1)
        if task.key in shown
    }
    return _phase_rows(plan, facts, rows), timeline


def _timeline(run: Job, spans: Sequence[timelines.Span], phase_ends: Sequence[datetime], view: View) -> Timeline:
    if run.started_at is None:
        return timelines.blank(spans)
    return timelines.draw(
        spans, begin=run.started_at, end=run.finished_at, now=view.now, zone=view.zone, phase_ends=phase_ends
    )


def _shown(run: Job, plan: plans.Plan, by_key: Mapping[str, Job], view: View) -> set[str]:
    """All tasks of a run of few; of many those that did not just succeed or wait, are open, or in an unfolded phase."""
    if len(plan.tasks) <= MANY:
        return {task.key for task in plan.tasks}
    return {
        task.key
        for phase in plan.phases
        for task in phase.tasks
        if phase.key in view.unfolded or task.key in view.opened or _fate(run, by_key.get(task.key)) not in USUAL_FATES
    }


def _fate(run: Job, job: Job | None) -> str:
    """The status of a task, also of one that has no job (yet)."""
    if job is not None:
        return job.status
    is_ahead = run.status in UNSETTLED and run.status != JobStatus.TERMINATING
    return JobStatus.WAITING if is_ahead else NOT_EXECUTED


def progress_of(run: Job, plan: plans.Plan, children: Sequence[Job], usual_seconds: float | None, now: datetime) -> Any:
    """None unless the run processes."""
    if run.status != JobStatus.PROCESSING or run.started_at is None:
        return None
    done = sum(child.status not in UNSETTLED for child in children)
    failed = sum(child.status == JobStatus.ERROR for child in children)
    running = [child.name for child in children if child.status == JobStatus.PROCESSING]
    total = len(plan.tasks)
    elapsed = (now - run.started_at) / timedelta(seconds=1)
    return Progress(
        done=done,
        total=total,
        words=", ".join(filter(None, [f"{failed} failed" if failed else "", progress_words(0, running)])),
        elapsed_seconds=elapsed,
        usual_seconds=usual_seconds,
        value=min(elapsed, usual_seconds) if usual_seconds else done,
        max=usual_seconds or max(1, total),
    )


@dataclass(frozen=True, kw_only=True)
class _Facts:
    run: Job
    by_key: Mapping[str, Job]
    view: View
    sentences: Mapping[int, str]
    details: Mapping[int, opened.Opened]
    names: Mapping[tuple[str, str], str]
    nested: Mapping[int, str]
    starts: Mapping[str, datetime | None]


def _phase_ends(plan: plans.Plan, by_key: Mapping[str, Job]) -> list[datetime]:
    """When each phase but the last one ended that did."""
    ends = []
    for phase in [phase for phase in plan.phases if phase.tasks][:-1]:
        finished = [by_key[task.key].finished_at for task in phase.tasks if task.key in by_key]
        moments = [moment for moment in finished if moment is not None]
        if moments and len(moments) == len(phase.tasks):
            ends.append(max(moments))
    return ends


def _sentences(children: Sequence[Job], view: View) -> dict[int, str]:
    return {
        pk: reasons.sentence(reason, project_id=children[0].project_id, now=view.now, zone=view.zone)
        for pk, reason in waiting.reasons(children, now=view.now).items()
        if reason is not waiting.STARTING
    }


def _names(run: Job, tasks: Sequence[plans.PlanTask]) -> dict[tuple[str, str], str]:
    unnamed = [task.configuration_key for task in tasks if task.configuration_key and not task.name]
    return queries.names_of(run.project, unnamed) if unnamed else {}


def _row(number: int, task: plans.PlanTask, bars: Bars, facts: _Facts) -> TaskRow:
    job = facts.by_key.get(task.key)
    component, kind = component_of(task.component_id)
    common: dict[str, Any] = {
        "number": number,
        "key": task.key,
        "component": component,
        "kind": kind,
        "bars": bars,
        "is_open": task.key in facts.view.opened,
        "toggle_url": facts.view.toggle_url(task.key),
        "continues_on_failure": task.continue_on_failure,
    }
    if job is None:
        status = _fate(facts.run, None)
        is_ahead = status == JobStatus.WAITING
        return TaskRow(**common, name=name_of(task, facts.names), status=status, bars_words="", is_active=is_ahead)
    return TaskRow(
        **common,
        name=job.name,
        status=job.status,
        bars_words=_bars_words(job),
        job_id=job.pk,
        job_url=url_of(job),
        is_active=job.status in UNSETTLED,
        started_at=job.started_at,
        seconds=job.duration_seconds,
        waiting=facts.sentences.get(job.pk, ""),
        note=facts.nested.get(job.pk, ""),
        message="" if job.status == JobStatus.SUCCESS else job.message,
        details=facts.details.get(job.pk),
    )


def _bars_words(job: Job) -> str:
    if job.started_at is None:
        return "has not started"
    waited = duration_words((job.started_at - job.created_at) / timedelta(seconds=1))
    then = "works" if job.finished_at is None else f"worked {duration_words(job.duration_seconds)}"
    return f"waited {waited}, then {then}"


def _phase_rows(plan: plans.Plan, facts: _Facts, rows: Mapping[str, TaskRow]) -> list[PhaseRows]:
    found: list[PhaseRows] = []
    for phase in plan.phases:
        if not phase.tasks:
            continue
        jobs = [facts.by_key[task.key] for task in phase.tasks if task.key in facts.by_key]
        before = found[-1].name if found else ""
        is_going = any(job.finished_at is None for job in jobs)
        found.append(
            PhaseRows(
                key=phase.key,
                name=phase.name,
                note=_note(facts, jobs, before, facts.starts.get(phase.key)),
                begun_at=min(job.created_at for job in jobs) if is_going else None,
                tasks=[rows[task.key] for task in phase.tasks if task.key in rows],
                more=_more(phase, facts, rows),
                fold_url=facts.view.fold_url(phase.key) if len(plan.tasks) > MANY else "",
            )
        )
    return found


def _more(phase: plans.PlanPhase, facts: _Facts, rows: Mapping[str, TaskRow]) -> str:
    """ "195 success, 3 waiting" """
    folded = Counter(_fate(facts.run, facts.by_key.get(task.key)) for task in phase.tasks if task.key not in rows)
    return ", ".join(f"{folded[fate]} {fate.replace('-', ' ')}" for fate in USUAL_FATES if fate in folded)


def _note(facts: _Facts, jobs: Sequence[Job], before: str, start: datetime | None) -> str:
    if not jobs:
        if facts.run.status not in UNSETTLED or facts.run.status == JobStatus.TERMINATING:
            return "not executed"
        if start is not None:
            return f"starts about {clock_words(start, facts.view.now, facts.view.zone)}"
        return f"starts after {before}" if before else ""
    ends = [job.finished_at for job in jobs if job.finished_at is not None]
    if len(ends) < len(jobs):
        return f"{len(ends)} of {len(jobs)} done"
    return duration_words((max(ends) - min(job.created_at for job in jobs)) / timedelta(seconds=1))


_CHILDREN = Query(
    lambda: Job.objects.filter(parent=Param("run")).defer("request", "result", "only_task_keys").order_by("pk")
)
