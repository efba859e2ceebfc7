"""R1, R2: phases in order, tasks of a phase together, and what stops a run."""

from __future__ import annotations

import pytest

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders
from tests.builders import task

pytestmark = pytest.mark.django_db(transaction=True)


def test_phases_run_one_after_another_and_tasks_of_a_phase_together(project: Project) -> None:
    first, second, third = (builders.build_configuration(project, name=name) for name in "ABC")
    orchestration = builders.build_orchestration(project, [task(first), task(second)], [task(third)])
    cluster = builders.build_cluster()

    run = builders.launch(orchestration)
    claims = builders.claim(cluster)

    assert sorted(Job.objects.get(pk=each.job_id).name for each in claims) == ["A", "B"]
    builders.end(claims[0])
    assert builders.claim(cluster) == []
    builders.end(claims[1])
    assert builders.drain(cluster) == ["C"]
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS


def test_phases_without_a_task_to_run_are_passed_over(project: Project) -> None:
    first, idle, last = (builders.build_configuration(project, name=name) for name in ("First", "Idle", "Last"))
    orchestration = builders.build_orchestration(
        project, [], [task(first)], [task(idle, enabled=False)], [], [task(last)], []
    )

    run = builders.launch(orchestration)
    ended = builders.drain(builders.build_cluster())

    run.refresh_from_db()
    assert ended == ["First", "Last"]
    assert run.status == JobStatus.SUCCESS


@pytest.mark.parametrize("status", [JobStatus.ERROR, JobStatus.WARNING])
def test_a_task_that_is_not_good_lets_its_phase_finish_and_stops_the_run(project: Project, status: JobStatus) -> None:
    bad, good, after = (builders.build_configuration(project, name=name) for name in ("Bad", "Good", "After"))
    orchestration = builders.build_orchestration(project, [task(bad), task(good)], [task(after)])
    cluster = builders.build_cluster()

    run = builders.launch(orchestration)
    claims = {Job.objects.get(pk=each.job_id).name: each for each in builders.claim(cluster)}
    builders.end(claims["Bad"], status, "It broke.")
    between = Job.objects.get(pk=run.pk).status
    builders.end(claims["Good"])

    run.refresh_from_db()
    assert between == JobStatus.PROCESSING
    assert run.status == JobStatus.ERROR
    assert "Bad" in run.message
    assert "It broke." in run.message
    assert builders.claim(cluster) == []
    assert not run.children.filter(name="After").exists()


def test_continue_on_failure_goes_on_and_ends_in_warning_at_best(project: Project) -> None:
    bad, after = (builders.build_configuration(project, name=name) for name in ("Bad", "After"))
    orchestration = builders.build_orchestration(project, [task(bad, continueOnFailure=True)], [task(after)])

    run = builders.launch(orchestration)
    ended = builders.drain(builders.build_cluster(), {"Bad": JobStatus.ERROR})

    run.refresh_from_db()
    assert ended == ["Bad", "After"]
    assert run.status == JobStatus.WARNING


def test_continue_on_failure_of_one_task_does_not_cover_another(project: Project) -> None:
    allowed, forbidden, after = (builders.build_configuration(project, name=name) for name in ("Allowed", "Bad", "Z"))
    orchestration = builders.build_orchestration(
        project, [task(allowed, continueOnFailure=True), task(forbidden)], [task(after)]
    )

    run = builders.launch(orchestration)
    ended = builders.drain(builders.build_cluster(), {"Allowed": JobStatus.ERROR, "Bad": JobStatus.ERROR})

    run.refresh_from_db()
    assert sorted(ended) == ["Allowed", "Bad"]
    assert run.status == JobStatus.ERROR


@pytest.mark.parametrize("on_failure", [False, True])
def test_a_nested_run_that_ends_in_warning_is_not_good(project: Project, on_failure: bool) -> None:
    bad, after = (builders.build_configuration(project, name=name) for name in ("Bad", "After"))
    inner = builders.build_orchestration(project, [task(bad, continueOnFailure=True)], name="Inner")
    outer = builders.build_orchestration(project, [task(inner, continueOnFailure=on_failure)], [task(after)])

    run = builders.launch(outer)
    ended = builders.drain(builders.build_cluster(), {"Bad": JobStatus.ERROR})

    run.refresh_from_db()
    assert run.children.get(name="Inner").status == JobStatus.WARNING
    assert ended == (["Bad", "After"] if on_failure else ["Bad"])
    assert run.status == (JobStatus.WARNING if on_failure else JobStatus.ERROR)


def test_an_orchestration_takes_no_worker_and_settles_without_one(project: Project) -> None:
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project, name="Only"))])
    outer = builders.build_orchestration(project, [task(inner)])

    run = builders.launch(outer)
    cluster = builders.build_cluster(workers=1)
    ended = builders.drain(cluster)

    run.refresh_from_db()
    assert ended == ["Only"]
    assert run.status == JobStatus.SUCCESS


def test_the_result_lists_tasks_that_were_not_executed_too(project: Project) -> None:
    first, second = (builders.build_configuration(project, name=name) for name in ("First", "Second"))
    orchestration = builders.build_orchestration(project, [task(first, key="a")], [task(second, key="b")])

    run = builders.launch(orchestration)
    builders.drain(builders.build_cluster(), {"First": JobStatus.ERROR})

    run.refresh_from_db()
    tasks = {each["id"]: each for each in run.result["tasks"]}
    assert tasks["a"]["status"] == JobStatus.ERROR
    assert tasks["b"]["status"] is None
    assert [phase["status"] for phase in run.result["phases"]] == ["error", None]


def test_every_change_has_its_event_in_order(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])

    run = builders.launch(orchestration)
    builders.drain(builders.build_cluster())

    kinds = [event.kind for event in run.events.order_by("pk")]
    assert kinds == ["job.created", "job.started", "job.settled"]
    assert [event.kind for event in run.children.get().events.order_by("pk")] == [
        "job.created",
        "job.claimed",
        "job.settled",
    ]
