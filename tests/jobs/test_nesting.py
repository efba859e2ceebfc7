"""R8: runs that would wait for each other for ever are found when they are created, and by the sweep."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import advancing, circles
from jobs.models import Job
from jobs.states import JobStatus
from jobs.sweeping import open_circle
from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import NOW, document, task
from tests.jobs.racing import ROUNDS, race

pytestmark = pytest.mark.django_db(transaction=True)


def save(orchestration: Configuration, *phases: list[dict[str, object]]) -> None:
    editing.update(
        orchestration,
        Content(document=document(*phases)),
        actor=builders.admin_of(orchestration.project),
        now=NOW,
    )


@pytest.fixture
def step(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Step")


def build_pair(project: Project, step: Configuration) -> tuple[Configuration, Configuration]:
    """A whose second phase runs B, and B, which until it is edited runs only the step."""
    second = builders.build_orchestration(project, [task(builders.build_configuration(project))], name="B")
    first = builders.build_orchestration(project, [task(step)], [task(second)], name="A")
    return first, second


def test_two_levels_run(project: Project, step: Configuration) -> None:
    third = builders.build_orchestration(project, [task(step)], name="C")
    second = builders.build_orchestration(project, [task(third)], name="B")
    first = builders.build_orchestration(project, [task(second)], name="A")

    run = builders.launch(first)
    builders.drain(builders.build_cluster())

    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS
    assert Job.objects.get(name="Step").run_id.count(".") == 3


def test_a_run_inside_itself_by_an_edit_in_between_ends_in_error_with_the_path(
    project: Project, step: Configuration
) -> None:
    first, second = build_pair(project, step)
    run = builders.launch(first)
    save(first, [task(step)])
    save(second, [task(first)])

    builders.drain(builders.build_cluster())

    run.refresh_from_db()
    refused = Job.objects.get(name="A", parent__name="B")
    assert refused.status == JobStatus.ERROR
    assert "A > B > A" in refused.message
    assert run.status == JobStatus.ERROR
    assert not Job.objects.unsettled().exists()


def test_a_chain_too_deep_by_an_edit_in_between_ends_in_error_with_the_path(
    project: Project, step: Configuration
) -> None:
    deepest = builders.build_orchestration(project, [task(step)], name="D")
    third = builders.build_orchestration(project, [task(step)], name="C")
    second = builders.build_orchestration(project, [task(third)], name="B")
    first = builders.build_orchestration(
        project, [task(builders.build_configuration(project))], [task(second)], name="A"
    )
    builders.launch(first)
    save(first, [task(step)])
    save(third, [task(deepest)])

    builders.drain(builders.build_cluster())

    refused = Job.objects.get(name="D")
    assert refused.status == JobStatus.ERROR
    assert "A > B > C > D" in refused.message
    assert not Job.objects.unsettled().exists()


def cross(project: Project, step: Configuration) -> tuple[Job, Job, list[builders.Claim]]:
    """Runs of A and B that each will come to run the other: A was saved with B, then B was saved with A."""
    other = builders.build_configuration(project, name="Other")
    second = builders.build_orchestration(project, [task(other)], name="B")
    first = builders.build_orchestration(project, [task(step)], [task(second)], name="A")
    run_of_first = builders.launch(first)
    save(first, [task(step)])
    save(second, [task(other)], [task(first)])
    second.refresh_from_db()
    run_of_second = builders.launch(second)
    claims = builders.claim(builders.build_cluster())
    assert len(claims) == 2
    return run_of_first, run_of_second, claims


def refused_in_a_circle() -> list[Job]:
    return list(Job.objects.filter(events__kind="job.refused", events__message__contains="wait for each other"))


def test_two_roots_that_would_wait_for_each_other_do_not(project: Project, step: Configuration) -> None:
    first, second, claims = cross(project, step)

    for claim in claims:
        builders.end(claim)
    builders.drain(builders.build_cluster())

    (refused,) = refused_in_a_circle()
    assert refused.status == JobStatus.ERROR
    assert f"job {refused.pk}" in refused.message
    assert not Job.objects.unsettled().exists()
    # What waited for it went on, and came to run A inside A.
    assert [Job.objects.get(pk=each.pk).status for each in (first, second)] == [JobStatus.ERROR] * 2
    assert Job.objects.filter(events__kind="job.refused", message__contains="A > B > A").count() == 1


def test_two_roots_that_come_to_each_other_at_once_do_not_wait_for_ever(project: Project) -> None:
    for number in range(ROUNDS):
        step = builders.build_configuration(project, name=f"Step {number}")
        _, _, claims = cross(project, step)

        results = race(*[lambda claim=claim: builders.end(claim) for claim in claims])

        assert results == [True, True]
        assert circles.youngest_in_a_circle(timezone.now()) is None
        builders.drain(builders.build_cluster())
        assert not Job.objects.unsettled().exists()
        assert len(refused_in_a_circle()) == 1
        Job.objects.all().delete()
        Configuration.objects.all().delete()


def test_the_sweep_opens_a_circle_that_creation_has_missed(
    project: Project, step: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, claims = cross(project, step)
    with monkeypatch.context() as patched:
        patched.setattr(circles, "problem_of", lambda child: None)
        for claim in claims:
            builders.end(claim)
    stuck = dict(Job.objects.filter(parent__isnull=False, is_run=True).values_list("pk", "status"))
    assert list(stuck.values()) == [JobStatus.WAITING] * 2

    found = circles.youngest_in_a_circle(timezone.now())
    assert found is not None
    open_circle(*found)
    builders.drain(builders.build_cluster())

    assert [found[0].pk] == [max(stuck)] == [job.pk for job in refused_in_a_circle()]
    assert circles.youngest_in_a_circle(timezone.now()) is None
    assert not Job.objects.unsettled().exists()


def test_runs_that_merely_queue_are_no_circle(project: Project, step: Configuration) -> None:
    inner = builders.build_orchestration(project, [task(step)], name="Inner")
    outers = [builders.build_orchestration(project, [task(inner)]) for _ in range(3)]
    runs = [builders.launch(each) for each in [*outers, inner, *outers]]

    assert circles.youngest_in_a_circle(timezone.now()) is None
    builders.drain(builders.build_cluster())

    assert {Job.objects.get(pk=run.pk).status for run in runs} == {JobStatus.SUCCESS}


def test_a_delayed_run_closes_no_circle(project: Project, step: Configuration) -> None:
    first, second = build_pair(project, step)
    delayed = builders.launch(second, delay_seconds=3600)
    run = builders.launch(first)

    builders.drain(builders.build_cluster())

    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS
    Job.objects.filter(pk=delayed.pk).update(delayed_until=timezone.now() - timedelta(seconds=1))
    assert advancing.start_waiting_runs(now=timezone.now()) == 1


def test_a_long_queue_of_runs_that_end_at_once_is_no_deep_stack(project: Project) -> None:
    """Each run is refused when it starts, and its end starts the next: in a row, not inside each other."""
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    first = builders.launch(orchestration)
    runs = [builders.launch(orchestration) for _ in range(60)]
    orchestration.own_tokens.all().delete()
    (claim,) = builders.claim(builders.build_cluster())

    (result,) = race(lambda: builders.end(claim))

    assert result is True
    assert Job.objects.get(pk=first.pk).status == JobStatus.SUCCESS
    assert set(Job.objects.filter(pk__in=[run.pk for run in runs]).values_list("status", flat=True)) == {
        JobStatus.ERROR
    }


def of_a_queue(count: int) -> list[Job]:
    return [Job(pk=pk, name=f"Q {pk}", status=JobStatus.WAITING, configuration_id=1) for pk in range(1, count + 1)]


def test_a_circle_through_a_queue_of_thousands_is_found_by_its_shortest_path() -> None:
    queue = of_a_queue(5000)
    queue[0].status = JobStatus.PROCESSING
    nested = Job(pk=9001, name="Nested", status=JobStatus.WAITING, configuration_id=2, parent_id=queue[0].pk)
    other = Job(pk=9000, name="Other", status=JobStatus.PROCESSING, configuration_id=2)
    child = Job(pk=9002, name="Child", status=JobStatus.WAITING, configuration_id=1, parent_id=other.pk)

    circle = circles.circle_through(child.pk, [*queue, nested, other, child])

    assert circle is not None
    assert [job.pk for job in circle] == [9002, 1, 9001, 9000, 9002]
    assert circles.circle_through(nested.pk, [*queue, nested, child]) is None
