"""All assertions, and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos import checks_of_jobs, checks_of_processes, checks_of_schedules
from tests.chaos.evidence import Evidence, was_interrupted

MOST_SHOWN = 8
CHECKS: dict[str, Callable[[Evidence], list[str]]] = {
    "the chaos itself worked": checks_of_processes.chaos_itself_worked,
    "every submission was accepted": checks_of_jobs.every_submission_was_accepted,
    "every accepted submission exists exactly once": checks_of_jobs.every_accepted_submission_exists_once,
    "everything is settled": checks_of_jobs.everything_is_settled,
    "no configuration ran twice at once": checks_of_processes.no_configuration_ran_twice_at_once,
    "the project limit held": checks_of_processes.the_project_limit_held,
    "every success has started and ended": checks_of_processes.every_success_has_started_and_ended,
    "no attempt ran twice": checks_of_processes.no_attempt_ran_twice,
    "jobs not safe to run again were started once at most": checks_of_processes.unsafe_jobs_started_once,
    "no job had more than three attempts": checks_of_jobs.attempts_are_limited,
    "phases came in order": checks_of_processes.phases_came_in_order,
    "every settled job has exactly one end": checks_of_jobs.every_settled_job_has_one_end,
    "events go along the graph": checks_of_jobs.events_go_along_the_graph,
    "what was terminated ended so": checks_of_jobs.what_was_terminated_ended_so,
    "runs end as their tasks do": checks_of_jobs.runs_end_as_their_tasks,
    "every error has its cause": checks_of_jobs.errors_have_their_cause,
    "logs are whole": checks_of_jobs.logs_are_whole,
    "every due moment has one run": checks_of_schedules.every_due_moment_has_one_run,
    "every update was evaluated": checks_of_schedules.every_update_was_evaluated,
    "no process is left": checks_of_processes.nothing_is_left,
    "no data folder is left for good": checks_of_processes.no_folder_is_left,
}


@dataclass(frozen=True)
class Verdict:
    database: str
    figures: dict[str, Any]
    broken: dict[str, list[str]]

    @property
    def failed(self) -> int:
        return sum(bool(found) for found in self.broken.values())

    @property
    def passed(self) -> int:
        return len(self.broken) - self.failed


def judge(database: str, found: Evidence) -> Verdict:
    return Verdict(database, _figures(found), {name: check(found) for name, check in CHECKS.items()})


def _figures(found: Evidence) -> dict[str, Any]:
    again = [job for job in found.component_jobs if any(e.kind == "job.interrupted" for e in found.events[job.pk])]
    given_back = [job for job in found.component_jobs if any(e.kind == "job.given-back" for e in found.events[job.pk])]
    interrupted = [job for job in found.component_jobs if was_interrupted(job)]
    hit = {mark.split(":")[1] for mark in found.killer.hit}
    adopted = [
        job
        for job in found.component_jobs
        if job.fence in hit and job.status in {"success", "error"} and job not in interrupted
    ]
    statuses = Counter(str(job.status) for job in found.jobs.values())
    return {
        "killed": dict(found.killer.kills.most_common()),
        "runs submitted": len(found.submissions),
        "terminations accepted": len(found.api.terminated),
        "requests without an answer": found.api.unanswered,
        "jobs": len(found.jobs),
        "by status": dict(statuses.most_common()),
        "processes started": len(found.records.of_kind("S")),
        "killed below a job": len(hit),
        "interrupted": len(interrupted),
        "interrupted before its process began": sum(job.pk not in found.starts for job in interrupted),
        "given back before they began": len(given_back),
        "run again": len(again),
        "adopted": len(adopted),
        "starts of machines": {each.name: each.starts for each in found.killer.machines},
        "most component jobs at once": found.sampler.most_active,
        "longest time to recover, s": round(max(found.recovery_seconds(), default=0), 1),
        "longest standstill, s": round(found.sampler.longest_standstill, 1),
        "seconds": {name: round(seconds) for name, seconds in found.seconds.items()},
    }


def show(verdict: Verdict) -> None:
    print(f"\n--- {verdict.database}")
    for name, value in verdict.figures.items():
        shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        print(f"{name:38} {shown}")
    print()
    for name, broken in verdict.broken.items():
        print(f"{'BROKEN' if broken else 'PASS':7} {name}{f' ({len(broken)})' if broken else ''}")
        for sentence in broken[:MOST_SHOWN]:
            print(f"        {sentence}")
    print(flush=True)
