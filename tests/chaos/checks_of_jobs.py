"""Assertions about what the tables say. Each returns what breaks it; nothing when it holds."""

from __future__ import annotations

from jobs import snapshots
from jobs.models import Job, JobEvent, LogChunk
from jobs.states import SETTLED, JobStatus
from tests.chaos.evidence import Evidence, was_interrupted

MOVES = {
    ("", "job.created"): JobStatus.WAITING,
    (JobStatus.WAITING, "job.claimed"): JobStatus.PROCESSING,
    (JobStatus.WAITING, "job.started"): JobStatus.PROCESSING,
    (JobStatus.WAITING, "job.settled"): JobStatus.CANCELLED,
    (JobStatus.WAITING, "job.refused"): JobStatus.ERROR,
    (JobStatus.PROCESSING, "job.given-back"): JobStatus.WAITING,
    (JobStatus.PROCESSING, "job.interrupted"): JobStatus.WAITING,
    (JobStatus.PROCESSING, "job.terminating"): JobStatus.TERMINATING,
    (JobStatus.TERMINATING, "job.settled"): JobStatus.TERMINATED,
}
MOST_ATTEMPTS = 3
FAILING = "plain 0.1 1"


def every_accepted_submission_exists_once(found: Evidence) -> list[str]:
    by_key = {job.idempotency_key: job for job in found.jobs.values() if job.idempotency_key}
    broken = [
        f"the key {each.key} was answered with the jobs {sorted(each.ids)}"
        for each in found.submissions
        if len(each.ids) > 1
    ]
    for each in found.submissions:
        job = by_key.get(each.key)
        if "refused" not in each.ids and each.ids != ({str(job.pk)} if job else set()):
            broken.append(f"the key {each.key} was answered with {sorted(each.ids)}, and the table has {job}")
    return broken


def every_submission_was_accepted(found: Evidence) -> list[str]:
    lost = [f"{each.key}: no answer in {each.attempts} attempts" for each in found.submissions if not each.ids]
    return lost + found.api.refusals


def everything_is_settled(found: Evidence) -> list[str]:
    open_jobs = [job for job in found.jobs.values() if job.status not in SETTLED]
    return found.overdue + [found.tell(job, f"not settled, owner {job.owner}") for job in open_jobs]


def attempts_are_limited(found: Evidence) -> list[str]:
    return [
        found.tell(job, f"{job.attempt} attempts, {len(found.starts.get(job.pk, []))} starts")
        for job in found.component_jobs
        if job.attempt > MOST_ATTEMPTS or len(found.starts.get(job.pk, [])) > job.attempt
    ]


def events_go_along_the_graph(found: Evidence) -> list[str]:
    stories = ((job, walk(job, found.events[job.pk])) for job in found.jobs.values())
    return [found.tell(job, problem) for job, problem in stories if problem]


def walk(job: Job, events: list[JobEvent]) -> str:
    status = ""
    for event in events:
        if (status, event.kind) == (JobStatus.PROCESSING, "job.settled"):
            status = event.data["status"]
        elif (status, event.kind) in MOVES:
            status = MOVES[status, event.kind]
        else:
            return f"{event.kind} while it was {status or 'not there'}"
    return "" if status == job.status else f"its events end in {status}"


def every_settled_job_has_one_end(found: Evidence) -> list[str]:
    ends = {
        job.pk: [each.kind for each in found.events[job.pk] if each.kind in {"job.settled", "job.refused"}]
        for job in found.jobs.values()
    }
    return [found.tell(job, f"{len(ends[job.pk])} ends") for job in found.jobs.values() if len(ends[job.pk]) != 1]


def what_was_terminated_ended_so(found: Evidence) -> list[str]:
    """R9: once the termination is accepted nothing else may become of the job."""
    jobs = [found.jobs[pk] for pk in found.api.terminated]
    return [
        found.tell(job, "its termination had been accepted")
        for job in jobs
        if job.status not in {JobStatus.TERMINATED, JobStatus.CANCELLED}
    ]


def errors_have_their_cause(found: Evidence) -> list[str]:
    failed = [job for job in found.component_jobs if job.status == JobStatus.ERROR]
    return [found.tell(job, job.message) for job in failed if not was_interrupted(job) and job.name != FAILING]


def runs_end_as_their_tasks(found: Evidence) -> list[str]:
    stories = ((run, _wrong_end(run, found.children.get(run.pk, []))) for run in found.runs)
    return [found.tell(run, problem) for run, problem in stories if problem]


def _wrong_end(run: Job, children: list[Job]) -> str:
    bad = [child for child in children if child.status != JobStatus.SUCCESS]
    stopping = [child.pk for child in bad if not child.continue_on_failure]
    if run.status in {JobStatus.SUCCESS, JobStatus.WARNING}:
        missing = {task.key for task in snapshots.plan_of(run).tasks} - {child.task_key for child in children}
        if missing:
            return f"the tasks {sorted(missing)} have no job"
        if stopping or bool(bad) != (run.status == JobStatus.WARNING):
            return f"ended in {run.status}, and its jobs {[child.pk for child in bad]} did not succeed"
    if run.status == JobStatus.ERROR and children and not stopping:
        return "ended in error, and no job of it stops it"
    return ""


def logs_are_whole(found: Evidence) -> list[str]:
    broken: list[str] = []
    chunks: dict[int, list[LogChunk]] = {}
    for chunk in LogChunk.objects.order_by("job_id", "sequence"):
        chunks.setdefault(chunk.job_id, []).append(chunk)
    for job in found.component_jobs:
        problem = _gap(chunks.get(job.pk, [])) or _missing_lines(job, chunks.get(job.pk, []))
        if problem:
            broken.append(found.tell(job, problem))
    return broken


def _gap(chunks: list[LogChunk]) -> str:
    ends: dict[int, int] = {}
    for place, chunk in enumerate(chunks):
        if chunk.sequence != place or (ends and chunk.attempt < max(ends)):
            return f"log chunk {chunk.sequence} of attempt {chunk.attempt} stands at place {place}"
        begin = ends.get(chunk.attempt, 0)
        if chunk.end_offset != begin + len(chunk.text.encode()):
            return f"log chunk {place} ends at {chunk.end_offset}, and the one before at {begin}"
        ends[chunk.attempt] = chunk.end_offset
    return ""


def _missing_lines(job: Job, chunks: list[LogChunk]) -> str:
    if job.status != JobStatus.SUCCESS:
        return ""
    rows = "".join(chunk.text for chunk in chunks if chunk.attempt == job.attempt).splitlines()
    said = [row.split("\t")[2] for row in rows]
    wanted = [f"{job.fence} line {number}" for number in range(1, 5)]
    return "" if said == wanted else f"its log is {said}"
