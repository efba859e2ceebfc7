"""R12 as the database sees it: what becomes of jobs whose owner is gone. The killing itself is in test_killed.py."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import claiming, machine, rescuing, terminating
from jobs.claiming import Claim, Claimant
from jobs.models import Job
from jobs.preparing import Attempt
from jobs.processes.protocol import LOCK_NAME
from jobs.rescuing import Rescuer
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders
from tests.builders import task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dead() -> str:
    """The name of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    name = machine.process_name(process.pid)
    process.communicate(b"\n")
    return name


def take(project: Project, claimant: Claimant) -> Claim:
    builders.launch(builders.build_configuration(project))
    (claim,) = builders.claim(claimant)
    leave_launched(claim)
    return claim


def leave_launched(claim: Claim) -> None:
    """As a worker leaves the attempt that is killed while its process runs."""
    folder = Attempt(claim.job_id, claim.fence).folder
    folder.mkdir(parents=True)
    (folder / LOCK_NAME).touch()


def age_lease(claim: Claim, seconds: float) -> None:
    Job.objects.filter(pk=claim.job_id).update(lease_until=timezone.now() - timedelta(seconds=seconds))


def of_a_dead_worker(dead: str) -> Claimant:
    return replace(builders.build_cluster(), worker=dead)


def of_another_machine() -> Claimant:
    return replace(builders.build_cluster(name="elsewhere-1/7:7:7/1"), worker="7:7:7")


def test_a_living_worker_keeps_its_job(project: Project) -> None:
    claim = take(project, builders.build_cluster())

    assert Rescuer().rescue() == 0

    assert Job.objects.get(pk=claim.job_id).status == JobStatus.PROCESSING


def test_the_job_of_a_dead_worker_is_interrupted_whatever_its_lease(project: Project, dead: str) -> None:
    claim = take(project, of_a_dead_worker(dead))

    assert Rescuer().rescue() == 1

    job = Job.objects.get(pk=claim.job_id)
    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert "interrupted" in job.message


def test_a_worker_killed_before_it_launched_anything_leaves_a_job_that_waits_again(project: Project, dead: str) -> None:
    job = builders.launch(builders.build_configuration(project))

    for attempt in (1, 2):
        builders.claim(of_a_dead_worker(dead))
        assert Rescuer().rescue() == 1
        job.refresh_from_db()
        assert (job.status, job.attempt) == (JobStatus.WAITING, attempt)

    # Whatever kills its workers must not do so for ever.
    builders.claim(of_a_dead_worker(dead))
    assert Rescuer().rescue() == 1
    job.refresh_from_db()
    assert (job.status, job.attempt) == (JobStatus.ERROR, 3)


def test_after_a_restart_of_the_machine_a_missing_folder_does_not_mean_that_nothing_ran(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))
    builders.claim(of_a_dead_worker("7:7:before"))

    assert Rescuer().rescue() == 1

    job.refresh_from_db()
    assert job.status == JobStatus.ERROR


def test_the_run_of_an_interrupted_job_goes_on_with_what_follows(project: Project, dead: str) -> None:
    bad, after = builders.build_configuration(project, name="Bad"), builders.build_configuration(project, name="After")
    run = builders.launch(builders.build_orchestration(project, [task(bad, continueOnFailure=True)], [task(after)]))
    leave_launched(*builders.claim(of_a_dead_worker(dead)))

    Rescuer().rescue()

    assert builders.drain(builders.build_cluster()) == ["After"]
    run.refresh_from_db()
    assert run.status == JobStatus.WARNING


def test_a_claim_that_nobody_took_up_waits_again_and_counts_no_attempt(project: Project) -> None:
    claim = take(project, replace(builders.build_cluster(), worker=""))
    age_lease(claim, 1)

    assert Rescuer().rescue() == 1

    job = Job.objects.get(pk=claim.job_id)
    assert (job.status, job.attempt, job.owner, job.fence, job.started_at) == (JobStatus.WAITING, 0, "", "", None)
    assert not claiming.begin(claim, "worker", now=timezone.now())
    assert not builders.end(claim)
    assert len(builders.claim(builders.build_cluster())) == 1


def test_a_claim_of_a_dead_cluster_waits_again_at_once(project: Project, dead: str) -> None:
    claimant = replace(builders.build_cluster(name=f"{machine.name()}/{dead}/1"), worker="")
    claim = take(project, claimant)

    assert Rescuer().rescue() == 1

    assert Job.objects.get(pk=claim.job_id).status == JobStatus.WAITING


@pytest.mark.parametrize(("age", "rescued"), [(-10, 0), (1, 0), (44, 0), (46, 1)])
def test_another_machine_gets_two_leases_before_its_job_is_taken(project: Project, age: int, rescued: int) -> None:
    claim = take(project, of_another_machine())
    age_lease(claim, age)

    assert Rescuer().rescue() == rescued

    job = Job.objects.get(pk=claim.job_id)
    assert job.status == (JobStatus.ERROR if rescued else JobStatus.PROCESSING)


def test_interrupted_while_terminating_is_terminated(project: Project, dead: str) -> None:
    claim = take(project, of_a_dead_worker(dead))
    job = Job.objects.get(pk=claim.job_id)
    terminating.terminate(job, actor=builders.admin_of(project), now=timezone.now())

    Rescuer().rescue()

    job.refresh_from_db()
    assert job.status == JobStatus.TERMINATED


def test_a_job_that_cannot_be_rescued_hinders_no_other(
    project: Project, dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimant = of_a_dead_worker(dead)
    bad, good = take(project, claimant), take(project, claimant)
    interrupt = rescuing.interrupt

    def fail_for_one(job_id: int, fence: str, **given: Any) -> bool:
        if job_id == bad.job_id:
            raise RuntimeError("broken row")
        return interrupt(job_id, fence, **given)

    monkeypatch.setattr(rescuing, "interrupt", fail_for_one)

    assert Rescuer().rescue() == 1

    assert Job.objects.get(pk=good.job_id).is_settled


def test_rescue_against_settle_gives_one_end(project: Project, dead: str) -> None:
    claimant = of_a_dead_worker(dead)
    configuration = builders.build_configuration(project)
    for _ in range(ROUNDS):
        builders.launch(configuration)
        (claim,) = builders.claim(claimant)
        leave_launched(claim)

        results = race(lambda claim=claim: builders.end(claim), lambda: Rescuer().rescue())

        assert not unexpected(results)
        job = Job.objects.get(pk=claim.job_id)
        assert job.events.filter(kind="job.settled").count() == 1
        assert job.status == (JobStatus.SUCCESS if results[0] else JobStatus.ERROR)


def test_two_rescuers_at_once_rescue_once(project: Project, dead: str) -> None:
    claimant = of_a_dead_worker(dead)
    configuration = builders.build_configuration(project)
    for _ in range(ROUNDS):
        builders.launch(configuration)
        (claim,) = builders.claim(claimant)
        leave_launched(claim)

        results = race(lambda: Rescuer().rescue(), lambda: Rescuer().rescue())

        assert not unexpected(results)
        assert Job.objects.get(pk=claim.job_id).events.filter(kind="job.settled").count() == 1


def test_a_claim_taken_up_while_it_is_given_back_is_performed_by_one(project: Project) -> None:
    cluster = replace(builders.build_cluster(), worker="")
    configuration = builders.build_configuration(project)
    for _ in range(ROUNDS):
        builders.launch(configuration)
        (claim,) = builders.claim(cluster)
        age_lease(claim, 1)

        begun, rescued = race(
            lambda claim=claim: claiming.begin(claim, machine.process_name(), now=timezone.now()),
            lambda: Rescuer().rescue(),
        )

        assert (begun, rescued) in {(True, 0), (False, 1)}
        job = Job.objects.get(pk=claim.job_id)
        assert job.status == (JobStatus.PROCESSING if begun else JobStatus.WAITING)
        for each in [claim] if begun else builders.claim(cluster):
            builders.end(each)


def test_the_name_of_a_process_is_never_that_of_another(dead: str) -> None:
    assert machine.is_alive(machine.process_name())
    assert not machine.is_alive(dead)
    pid, _, boot = machine.process_name().split(":")
    assert not machine.is_alive(f"{pid}:1:{boot}")
    assert not machine.is_alive("")
    assert not machine.is_alive("no name")
