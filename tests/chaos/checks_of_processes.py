"""Assertions about what the processes saw of themselves, and what is left of them."""

from __future__ import annotations

from jobs.models import Job
from jobs.states import JobStatus
from tests.chaos import records
from tests.chaos.evidence import Evidence
from tests.chaos.workload import AGAIN, PARALLEL_JOBS

Span = tuple[float, float]


def no_configuration_ran_twice_at_once(found: Evidence) -> list[str]:
    seen = [f"overlap seen by {line}" for line in found.records.of_kind("OVERLAP")]
    return seen + records.overlaps(found.records.stays())


def the_project_limit_held(found: Evidence) -> list[str]:
    most = records.most_at_once(found.records.stays())
    return found.sampler.too_many + ([f"{most} processes at once"] if most > PARALLEL_JOBS else [])


def every_success_has_started_and_ended(found: Evidence) -> list[str]:
    started = {line.fence for line in found.records.of_kind("S")}
    ended = {line.fence for line in found.records.of_kind("E")}
    return [
        found.tell(job, f"no record of its start or end with {job.fence}")
        for job in found.component_jobs
        if job.status == JobStatus.SUCCESS and job.fence not in started & ended
    ]


def no_attempt_ran_twice(found: Evidence) -> list[str]:
    fences = [line.fence for line in found.records.of_kind("S")]
    return [
        f"the attempt {fence} was started {fences.count(fence)} times"
        for fence in set(fences)
        if fences.count(fence) > 1
    ]


def unsafe_jobs_started_once(found: Evidence) -> list[str]:
    return [
        found.tell(job, f"started {len(found.starts[job.pk])} times")
        for job in found.component_jobs
        if job.component_id != AGAIN and len(found.starts.get(job.pk, [])) > 1
    ]


def phases_came_in_order(found: Evidence) -> list[str]:
    spans: dict[int, Span | None] = {}
    for line in found.records.lines:
        start, end = spans.get(line.job_id) or (line.at, line.at)
        spans[line.job_id] = (min(start, line.at), max(end, line.at))
    stories = ((run, _disorder(run, found, spans)) for run in found.runs)
    return [found.tell(run, problem) for run, problem in stories if problem]


def _disorder(run: Job, found: Evidence, spans: dict[int, Span | None]) -> str:
    latest: dict[int, float] = {}
    earliest: dict[int, float] = {}
    for child in found.children.get(run.pk, []):
        span = _span(child, found, spans)
        if span is not None:
            # Not phase_position: a nested run counts its own phases there.
            phase = int(child.phase_key.removeprefix("phase-"))
            earliest[phase] = min(earliest.get(phase, span[0]), span[0])
            latest[phase] = max(latest.get(phase, span[1]), span[1])
    for phase, start in earliest.items():
        before = [end for other, end in latest.items() if other < phase]
        if before and max(before) > start:
            return f"phase {phase} began at {start:.6f}, before {max(before):.6f}"
    return ""


def _span(job: Job, found: Evidence, spans: dict[int, Span | None]) -> Span | None:
    """From the first to the last record of a job, or of everything below a run."""
    if not job.is_run:
        return spans.get(job.pk)
    below = [span for child in found.children.get(job.pk, []) if (span := _span(child, found, spans)) is not None]
    return (min(start for start, _ in below), max(end for _, end in below)) if below else None


def nothing_is_left(found: Evidence) -> list[str]:
    return found.stop_problems + [f"still alive: {each}" for each in found.survivors]


def no_folder_is_left(found: Evidence) -> list[str]:
    return found.folders


def chaos_itself_worked(found: Evidence) -> list[str]:
    """A run that killed nothing or asked for nothing proves nothing."""
    broken = found.killer.failures + [failure for user in found.users for failure in user.failures]
    if not found.killer.kills or not found.submissions or not found.starts or not found.sampler.samples:
        broken.append("nothing was killed, submitted, started or sampled")
    return broken
