"""Everything that is left after a run, and a few ways to look at it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from jobs.models import Job, JobEvent
from jobs.rescuing import INTERRUPTED
from jobs.states import JobStatus
from tests.chaos.killer import Killer
from tests.chaos.records import Line, Records
from tests.chaos.sampler import Sampler
from tests.chaos.users import Api, Submission, User

RECOVERED = {"job.settled", "job.interrupted", "job.given-back"}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """``survivors`` and the other texts are sentences about what should not be there."""

    jobs: dict[int, Job]
    events: dict[int, list[JobEvent]]
    records: Records
    users: list[User]
    api: Api
    sampler: Sampler
    killer: Killer
    overdue: list[str]
    stop_problems: list[str]
    survivors: list[str]
    folders: list[str]
    seconds: dict[str, float]
    """How long each part of the run took."""

    @cached_property
    def starts(self) -> dict[int, list[Line]]:
        return self.records.starts_by_job()

    @property
    def submissions(self) -> list[Submission]:
        return [each for user in self.users for each in user.submissions]

    @property
    def component_jobs(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.is_run]

    @property
    def runs(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.is_run]

    @cached_property
    def children(self) -> dict[int, list[Job]]:
        found: dict[int, list[Job]] = defaultdict(list)
        for job in self.jobs.values():
            if job.parent_id is not None:
                found[job.parent_id].append(job)
        return found

    def recovery_seconds(self) -> list[float]:
        """From each kill above an attempt until its job had settled or waited again."""
        found = []
        for mark, struck in self.killer.hit.items():
            events = self.events.get(int(mark.partition(":")[0]), [])
            ends = (event.at.timestamp() - struck for event in events if event.kind in RECOVERED)
            found += [next(seconds for seconds in [*ends, 0.0] if seconds >= 0)]
        return found

    def tell(self, job: Job, problem: str) -> str:
        """The problem with the job's story."""
        steps = "; ".join(f"{event.at:%H:%M:%S.%f} {event.kind} {event.message[:60]}" for event in self.events[job.pk])
        return (
            f"job {job.pk} ({job.component_id}, {job.name}, {job.status}, attempt {job.attempt}): {problem} [{steps}]"
        )


def load() -> tuple[dict[int, Job], dict[int, list[JobEvent]]]:
    jobs = {job.pk: job for job in Job.objects.select_related("configuration").order_by("pk")}
    events: dict[int, list[JobEvent]] = defaultdict(list)
    for event in JobEvent.objects.order_by("pk"):
        events[event.job_id].append(event)
    return jobs, events


def was_interrupted(job: Job) -> bool:
    return job.status == JobStatus.ERROR and job.message.startswith(INTERRUPTED)
