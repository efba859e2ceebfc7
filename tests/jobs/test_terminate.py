"""R9: terminate reaches everything below; what waits is cancelled, what runs is stopped, no end is rewritten."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs import advancing, terminating
from jobs.advancing import End
from jobs.claiming import Claim
from jobs.models import Job
from jobs.states import JobStatus
from jobs.terminating import AlreadySettled
from orchestrations.access import Actor, Denied
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def terminate(job: Job) -> Job:
    return terminating.terminate(Job.objects.get(pk=job.pk), actor=builders.admin_of(job.project), now=timezone.now())


def statuses() -> dict[str, str]:
    return dict(Job.objects.values_list("name", "status"))


def test_a_waiting_job_is_cancelled_and_never_started(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))

    terminate(job)

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert job.started_at is None
    assert job.terminated_by == "Alice"
    assert builders.claim(builders.build_cluster()) == []


def test_a_processing_job_is_terminating_until_its_process_has_ended(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))
    (claim,) = builders.claim(builders.build_cluster())

    between = terminate(job).status
    builders.end(claim)

    job.refresh_from_db()
    assert between == JobStatus.TERMINATING
    assert job.status == JobStatus.TERMINATED


@pytest.mark.parametrize("status", [JobStatus.SUCCESS, JobStatus.ERROR])
def test_terminating_always_ends_in_terminated_and_keeps_nothing_of_the_end(
    project: Project, status: JobStatus
) -> None:
    configuration = builders.build_configuration(project)
    job = builders.launch(configuration)
    (claim,) = builders.claim(builders.build_cluster())
    terminate(job)

    end = End(status=status, message="Ended by itself.", state={"seen": 1}, result={"message": "done"})
    settled = advancing.settle(claim.job_id, claim.fence, end, now=timezone.now())

    job.refresh_from_db()
    configuration.refresh_from_db()
    assert settled
    assert job.status == JobStatus.TERMINATED
    assert job.message != "Ended by itself."
    assert configuration.state == {}


def test_an_end_that_was_committed_first_stands(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))
    (claim,) = builders.claim(builders.build_cluster())
    builders.end(claim)

    with pytest.raises(AlreadySettled, match="success"):
        terminate(job)

    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS
    assert job.terminated_by == ""


def test_it_goes_down_to_the_children_of_nested_runs(project: Project) -> None:
    deep, beside, later = (builders.build_configuration(project, name=name) for name in ("Deep", "Beside", "Later"))
    inner = builders.build_orchestration(project, [task(deep)], name="Inner")
    outer = builders.build_orchestration(project, [task(inner), task(beside)], [task(later)], name="Outer")
    run = builders.launch(outer)
    (claim,) = builders.claim(builders.build_cluster(workers=1))
    active = Job.objects.get(pk=claim.job_id).name
    waiting = ({"Deep", "Beside"} - {active}).pop()

    terminate(run)
    between = statuses()
    builders.end(claim)

    assert between[active] == JobStatus.TERMINATING
    assert between[waiting] == JobStatus.CANCELLED
    assert between["Outer"] == JobStatus.TERMINATING
    assert statuses() == {
        "Outer": JobStatus.TERMINATED,
        "Inner": JobStatus.TERMINATED,
        active: JobStatus.TERMINATED,
        waiting: JobStatus.CANCELLED,
    }


def test_a_run_whose_jobs_all_wait_is_terminated_at_once(project: Project) -> None:
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project, name="A"))], name="Inner")
    run = builders.launch(builders.build_orchestration(project, [task(inner)], name="Outer"))

    terminate(run)

    assert statuses() == {"Outer": JobStatus.TERMINATED, "Inner": JobStatus.TERMINATED, "A": JobStatus.CANCELLED}


def test_a_terminated_task_stops_its_run_after_the_phase(project: Project) -> None:
    first, second, later = (builders.build_configuration(project, name=name) for name in "ABC")
    run = builders.launch(builders.build_orchestration(project, [task(first), task(second)], [task(later)], name="Run"))

    terminate(run.children.get(name="A"))
    ended = builders.drain(builders.build_cluster())

    assert ended == ["B"]
    assert statuses() == {"Run": JobStatus.ERROR, "A": JobStatus.CANCELLED, "B": JobStatus.SUCCESS}


def test_a_nested_run_can_be_terminated_alone(project: Project) -> None:
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project, name="A"))], name="Inner")
    after = builders.build_configuration(project, name="After")
    run = builders.launch(builders.build_orchestration(project, [task(inner)], [task(after)], name="Outer"))
    (claim,) = builders.claim(builders.build_cluster())

    terminate(run.children.get())
    builders.end(claim)

    assert statuses() == {"Outer": JobStatus.ERROR, "Inner": JobStatus.TERMINATED, "A": JobStatus.TERMINATED}


def test_the_next_run_starts_when_the_one_before_is_terminated(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    first, second, third = (builders.launch(orchestration) for _ in range(3))

    terminate(second)
    terminate(first)

    third.refresh_from_db()
    assert third.status == JobStatus.PROCESSING


def test_the_next_run_of_a_nested_orchestration_starts_too(project: Project) -> None:
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Inner")
    outer = builders.build_orchestration(project, [task(inner)], name="Outer")
    run = builders.launch(outer)
    waiting = builders.launch(inner)

    terminate(run)

    waiting.refresh_from_db()
    assert waiting.status == JobStatus.PROCESSING


def test_doing_it_twice_is_harmless(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))
    builders.claim(builders.build_cluster())

    terminate(job)
    terminate(job)

    assert job.events.filter(kind="job.terminating").count() == 1


def test_viewers_and_strangers_terminate_nothing(project: Project, bob: User, charlie: User) -> None:
    job = builders.launch(builders.build_configuration(project))

    for person in (bob, charlie):
        with pytest.raises(Denied):
            terminating.terminate(job, actor=Actor(user=person), now=timezone.now())

    job.refresh_from_db()
    assert job.status == JobStatus.WAITING


# --- Races -------------------------------------------------------------------------------------


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    parts = [builders.build_configuration(project, name=name) for name in "ABC"]
    return builders.build_orchestration(project, [task(parts[0]), task(parts[1])], [task(parts[2])], name="Run")


def check_that_nothing_is_left() -> None:
    assert not Job.objects.unsettled().exists()
    for job in Job.objects.all():
        assert job.events.filter(kind="job.settled").count() == 1, list(job.events.values_list("kind", "message"))


def test_two_terminations_at_once(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        run = builders.launch(orchestration)
        claims = builders.claim(cluster, most=1)

        results = race(*[lambda run=run: terminate(run)] * 3)

        assert not unexpected(results, AlreadySettled)
        assert run.events.filter(kind="job.terminating").count() == 1
        for claim in claims:
            builders.end(claim)
        assert Job.objects.get(pk=run.pk).status == JobStatus.TERMINATED
        check_that_nothing_is_left()


def test_terminate_against_settle(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    seen = set()
    for _ in range(ROUNDS):
        run = builders.launch(orchestration)
        claims = builders.claim(cluster)

        results = race(lambda run=run: terminate(run), *[lambda claim=claim: builders.end(claim) for claim in claims])

        assert not unexpected(results)
        assert results[1:] == [True, True]
        builders.drain(cluster)
        run.refresh_from_db()
        ends = {job.name: job.status for job in run.children.all()}
        assert run.status == JobStatus.TERMINATED
        assert set(ends.values()) <= {JobStatus.SUCCESS, JobStatus.TERMINATED, JobStatus.CANCELLED}
        # The next phase began only if both had ended well before the termination came.
        assert ("C" in ends) <= (ends["A"] == ends["B"] == JobStatus.SUCCESS)
        seen |= set(ends.values())
        check_that_nothing_is_left()
    assert JobStatus.SUCCESS in seen or JobStatus.TERMINATED in seen


def test_terminate_against_claim(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        run = builders.launch(orchestration)

        results = race(lambda run=run: terminate(run), lambda: builders.claim(cluster))

        assert not unexpected(results)
        claims: list[Claim] = results[1]
        claimed = {claim.job_id for claim in claims}
        for job in run.children.all():
            assert job.status == (JobStatus.TERMINATING if job.pk in claimed else JobStatus.CANCELLED)
        for claim in claims:
            assert builders.end(claim)
        assert Job.objects.get(pk=run.pk).status == JobStatus.TERMINATED
        check_that_nothing_is_left()


def test_terminate_against_the_start_of_the_next_run(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        first, second = builders.launch(orchestration), builders.launch(orchestration)
        for claim in builders.claim(cluster):
            builders.end(claim)
        (last,) = builders.claim(cluster)

        results = race(lambda last=last: builders.end(last), lambda second=second: terminate(second))

        assert not unexpected(results)
        builders.drain(cluster)
        assert Job.objects.get(pk=first.pk).status == JobStatus.SUCCESS
        assert Job.objects.get(pk=second.pk).status in {JobStatus.CANCELLED, JobStatus.TERMINATED}
        check_that_nothing_is_left()
