"""R11: a job's end, its run's next phase and the run's end are one transaction, decided under the root's lock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from jobs import advancing, children, terminating
from jobs.advancing import End
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import plans
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


class PowerFailure(BaseException):
    """Nothing catches it."""


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    first = [builders.build_configuration(project, name=f"First {n}") for n in range(3)]
    second = [builders.build_configuration(project, name=f"Second {n}") for n in range(2)]
    return builders.build_orchestration(
        project, [task(each) for each in first], [task(each) for each in second], name="Run"
    )


def test_the_next_phase_exists_as_soon_as_the_last_task_has_settled(orchestration: Configuration) -> None:
    run = builders.launch(orchestration)
    cluster = builders.build_cluster()

    for claim in builders.claim(cluster):
        assert not run.children.filter(phase_key="phase-2").exists()
        builders.end(claim)

    assert run.children.filter(phase_key="phase-2", status=JobStatus.WAITING).count() == 2


def test_an_end_whose_consequences_cannot_be_written_is_not_written_either(
    orchestration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    builders.launch(orchestration)
    *others, last = builders.claim(builders.build_cluster())
    for claim in others:
        builders.end(claim)

    def fail(*args: Any) -> Any:
        raise PowerFailure

    with monkeypatch.context() as patched:
        patched.setattr(children, "create", fail)
        with pytest.raises(PowerFailure):
            builders.end(last)
    between = Job.objects.get(pk=last.job_id)
    events = between.events.filter(kind="job.settled").count()
    builders.end(last)

    assert (between.status, events) == (JobStatus.PROCESSING, 0)
    assert Job.objects.filter(phase_key="phase-2").count() == 2


def test_a_void_fence_writes_nothing(orchestration: Configuration) -> None:
    builders.launch(orchestration)
    claim, *_ = builders.claim(builders.build_cluster())

    settled = builders.end(builders.Claim(claim.job_id, "0" * 32))

    assert not settled
    assert Job.objects.get(pk=claim.job_id).status == JobStatus.PROCESSING


def test_a_second_end_writes_nothing(orchestration: Configuration) -> None:
    builders.launch(orchestration)
    claim, *_ = builders.claim(builders.build_cluster())

    assert builders.end(claim)
    assert not builders.end(claim, JobStatus.ERROR)

    job = Job.objects.get(pk=claim.job_id)
    assert job.status == JobStatus.SUCCESS
    assert job.events.filter(kind="job.settled").count() == 1


def test_the_state_of_a_good_end_is_kept_for_the_next_time(project: Project) -> None:
    configuration = builders.build_configuration(project)
    builders.launch(configuration)
    (claim,) = builders.claim(builders.build_cluster())

    advancing.settle(claim.job_id, claim.fence, End(status=JobStatus.SUCCESS, state={"last": 7}), now=timezone.now())

    configuration.refresh_from_db()
    assert configuration.state == {"component": {"last": 7}}


def test_settles_of_the_last_tasks_at_once_make_one_next_phase(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        run = builders.launch(orchestration)
        claims = builders.claim(cluster)
        assert len(claims) == 3

        results = race(*[lambda claim=claim: builders.end(claim) for claim in claims])

        assert results == [True] * 3
        assert run.children.filter(phase_key="phase-2").count() == 2
        claims = builders.claim(cluster)
        results = race(*[lambda claim=claim: builders.end(claim) for claim in claims])
        assert results == [True] * 2
        run.refresh_from_db()
        assert run.status == JobStatus.SUCCESS
        assert run.events.filter(kind="job.settled").count() == 1
        assert run.children.count() == 5


def test_settles_at_once_with_a_failure_among_them_make_no_next_phase(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        run = builders.launch(orchestration)
        first, *rest = builders.claim(cluster)

        results = race(
            lambda first=first: builders.end(first, JobStatus.ERROR),
            *[lambda claim=claim: builders.end(claim) for claim in rest],
        )

        assert results == [True] * 3
        run.refresh_from_db()
        assert run.status == JobStatus.ERROR
        assert run.children.count() == 3


def test_the_same_end_written_twice_at_once_is_written_once(orchestration: Configuration) -> None:
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        run = builders.launch(orchestration, only_task_keys=[orchestration.document["tasks"][0]["id"]])
        (claim,) = builders.claim(cluster)

        results = race(
            lambda claim=claim: builders.end(claim),
            lambda claim=claim: builders.end(claim, JobStatus.ERROR, "the other"),
        )

        assert sorted(results) == [False, True]
        run.refresh_from_db()
        assert run.status == (JobStatus.SUCCESS if results[0] else JobStatus.ERROR)
        assert Job.objects.get(pk=claim.job_id).events.filter(kind="job.settled").count() == 1


def test_settles_in_nested_runs_at_once_advance_the_outer_run_once(project: Project) -> None:
    inners = [
        builders.build_orchestration(project, [task(builders.build_configuration(project))], name=f"Inner {n}")
        for n in range(3)
    ]
    last = builders.build_configuration(project, name="Last")
    outer = builders.build_orchestration(project, [task(each) for each in inners], [task(last)], name="Outer")
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        run = builders.launch(outer)

        results = race(*[lambda claim=claim: builders.end(claim) for claim in builders.claim(cluster)])

        assert results == [True] * 3
        assert run.children.filter(name="Last").count() == 1
        builders.drain(cluster)
        run.refresh_from_db()
        assert run.status == JobStatus.SUCCESS


def test_runs_of_two_orchestrations_that_share_configurations_settle_side_by_side(project: Project) -> None:
    shared = [builders.build_configuration(project) for _ in range(3)]
    orchestrations = [builders.build_orchestration(project, [task(each) for each in shared]) for _ in range(2)]
    clusters = [builders.build_cluster(workers=2) for _ in range(2)]
    for _ in range(ROUNDS // 2):
        results = race(*[lambda each=each: builders.launch(each) for each in orchestrations])
        assert not unexpected(results)

        results = race(*[lambda each=each: builders.drain(each) for each in clusters])

        assert not unexpected(results)
        builders.drain(clusters[0])
        assert not Job.objects.unsettled().exists()
        assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.SUCCESS}


def test_a_phase_that_cannot_be_begun_ends_the_run_in_error_and_keeps_the_end_before_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = builders.build_configuration(project), builders.build_configuration(project)
    run = builders.launch(builders.build_orchestration(project, [task(first)], [task(second)]))
    (claim,) = builders.claim(builders.build_cluster())

    def fail(run: Job, now: datetime) -> None:
        Job.objects.filter(pk=run.pk).update(message="half done")
        raise RuntimeError("a defect")

    monkeypatch.setattr(children, "create", fail)
    builders.end(claim)

    run.refresh_from_db()
    assert (run.status, run.message) == (JobStatus.ERROR, advancing.CANNOT_GO_ON)
    assert Job.objects.get(pk=claim.job_id).status == JobStatus.SUCCESS


@pytest.mark.parametrize("what", ["decide", "message_of", "result_of"])
def test_a_run_that_cannot_be_advanced_ends_and_the_end_before_it_stands(
    what: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails at every try: the task's worker would insist on its end for ever."""
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    outer = builders.launch(builders.build_orchestration(project, [task(inner, continueOnFailure=True)]))
    (claim,) = builders.claim(builders.build_cluster())

    fail_for_inner_runs(monkeypatch, what)
    assert builders.end(claim, JobStatus.ERROR)

    run = Job.objects.get(parent=outer)
    outer.refresh_from_db()
    assert (run.status, run.message) == (JobStatus.ERROR, advancing.CANNOT_GO_ON)
    assert Job.objects.get(pk=claim.job_id).status == JobStatus.ERROR
    assert outer.status == JobStatus.WARNING


def test_a_terminating_run_that_cannot_be_summed_up_is_terminated(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = builders.launch(builders.build_orchestration(project, [task(builders.build_configuration(project))]))
    (claim,) = builders.claim(builders.build_cluster())
    terminating.terminate(run, actor=builders.admin_of(project), now=timezone.now())

    monkeypatch.setattr(children, "result_of", fail)
    assert builders.end(claim)

    run.refresh_from_db()
    assert run.status == Job.objects.get(pk=claim.job_id).status == JobStatus.TERMINATED


def fail_for_inner_runs(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    where: Any = plans if what == "decide" else children
    works = getattr(where, what)
    inner = [True]

    def work(*arguments: Any) -> Any:
        # The inner run is the first that is advanced.
        return fail() if inner and inner.pop() else works(*arguments)

    monkeypatch.setattr(where, what, work)


def fail(*_: object) -> None:
    raise RuntimeError("a defect")
