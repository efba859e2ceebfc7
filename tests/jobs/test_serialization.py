"""R5: jobs of one configuration never run at once, and follow in the order of creation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import advancing, terminating
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_job_of_a_configuration_waits_for_the_first_in_the_order_of_creation(project: Project) -> None:
    configuration = builders.build_configuration(project)
    jobs = [builders.launch(configuration) for _ in range(3)]
    cluster = builders.build_cluster()

    order = []
    for _ in jobs:
        (claim,) = builders.claim(cluster)
        assert builders.claim(cluster) == []
        order.append(claim.job_id)
        builders.end(claim)

    assert order == [job.pk for job in jobs]


def test_a_younger_job_does_not_overtake_one_that_no_worker_may_take(project: Project) -> None:
    configuration = builders.build_configuration(project)
    first, second = builders.launch(configuration), builders.launch(configuration)
    Job.objects.filter(pk=first.pk).update(label="gpu")
    cluster = builders.build_cluster()

    assert builders.claim(cluster) == []
    Job.objects.filter(pk=first.pk).update(label="")

    (claim,) = builders.claim(cluster)
    assert claim.job_id == first.pk
    builders.end(claim)
    assert [each.job_id for each in builders.claim(cluster)] == [second.pk]


def test_a_younger_run_does_not_overtake_one_that_has_not_started_yet(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    Project.objects.update(paused_at=timezone.now())
    first, second = builders.launch(orchestration), builders.launch(orchestration)
    Project.objects.update(paused_at=None)

    assert not advancing.start(second.pk, now=timezone.now())
    assert advancing.start(first.pk, now=timezone.now())


def test_a_task_and_a_job_by_hand_of_one_configuration_are_serialized(project: Project) -> None:
    configuration = builders.build_configuration(project)
    by_hand = builders.launch(configuration)
    run = builders.launch(builders.build_orchestration(project, [task(configuration)]))
    cluster = builders.build_cluster()

    (first,) = builders.claim(cluster)
    builders.end(first)
    (second,) = builders.claim(cluster)

    assert first.job_id == by_hand.pk
    assert second.job_id == run.children.get().pk


def test_two_tasks_of_one_phase_with_one_configuration_run_one_after_the_other(project: Project) -> None:
    configuration = builders.build_configuration(project)
    run = builders.launch(builders.build_orchestration(project, [task(configuration), task(configuration)]))
    cluster = builders.build_cluster()

    assert len(builders.claim(cluster)) == 1
    (active,) = Job.objects.active().filter(is_run=False)
    builders.end(builders.Claim(active.pk, active.fence))
    (second,) = builders.claim(cluster)
    builders.end(second)

    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS


def test_runs_of_one_orchestration_follow_each_other_without_the_sweep(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    runs = [builders.launch(orchestration) for _ in range(3)]
    cluster = builders.build_cluster()

    for place, run in enumerate(runs):
        statuses = [job.status for job in Job.objects.filter(parent=None).order_by("pk")]
        assert statuses == [JobStatus.SUCCESS] * place + [JobStatus.PROCESSING] + [JobStatus.WAITING] * (2 - place)
        (claim,) = builders.claim(cluster)
        assert Job.objects.get(pk=claim.job_id).parent == run
        builders.end(claim)

    assert Job.objects.settled().count() == 6


def test_a_terminating_job_still_holds_its_configuration(project: Project) -> None:
    configuration = builders.build_configuration(project)
    first = builders.launch(configuration)
    builders.launch(configuration)
    cluster = builders.build_cluster()
    (claim,) = builders.claim(cluster)

    terminating.terminate(first, actor=builders.admin_of(project), now=timezone.now())

    assert builders.claim(cluster) == []
    builders.end(claim)
    assert len(builders.claim(cluster)) == 1


def test_a_delayed_job_holds_up_no_younger_one(project: Project) -> None:
    configuration = builders.build_configuration(project)
    delayed = builders.launch(configuration, delay_seconds=3600)
    prompt = builders.launch(configuration)
    cluster = builders.build_cluster()

    (claim,) = builders.claim(cluster)
    Job.objects.filter(pk=delayed.pk).update(delayed_until=timezone.now() - timedelta(seconds=1))

    assert claim.job_id == prompt.pk
    assert builders.claim(cluster) == []
    builders.end(claim)
    assert [each.job_id for each in builders.claim(cluster)] == [delayed.pk]


def test_a_delayed_run_starts_when_its_time_has_come(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    delayed = builders.launch(orchestration, delay_seconds=3600)
    prompt = builders.launch(orchestration)

    assert [delayed.status, prompt.status] == [JobStatus.WAITING, JobStatus.PROCESSING]
    builders.drain(builders.build_cluster())
    assert advancing.start_waiting_runs(now=timezone.now()) == 0
    Job.objects.filter(pk=delayed.pk).update(delayed_until=timezone.now() - timedelta(seconds=1))

    assert advancing.start_waiting_runs(now=timezone.now()) == 1
    delayed.refresh_from_db()
    assert delayed.status == JobStatus.PROCESSING


# --- Races -------------------------------------------------------------------------------------


def test_clusters_that_claim_at_once_take_no_job_twice_and_no_configuration_twice(project: Project) -> None:
    configurations = [builders.build_configuration(project) for _ in range(3)]
    first, second = builders.build_cluster(workers=4), builders.build_cluster(workers=4)
    Project.objects.update(parallel_jobs=100)
    for _ in range(ROUNDS):
        for configuration in configurations * 2:
            builders.launch(configuration)

        results = race(lambda: builders.claim(first), lambda: builders.claim(second))

        assert not unexpected(results)
        ids = [claim.job_id for claims in results for claim in claims]
        assert len(ids) == len(set(ids)) == 3
        assert set(Job.objects.active().values_list("configuration", flat=True)) == {c.pk for c in configurations}
        for claim in [claim for claims in results for claim in claims]:
            assert builders.end(claim)
        builders.drain(first)


def test_claims_of_one_configuration_at_once_take_one_job(project: Project) -> None:
    configuration = builders.build_configuration(project)
    clusters = [builders.build_cluster() for _ in range(4)]
    for _ in range(ROUNDS):
        oldest = builders.launch(configuration)
        builders.launch(configuration)

        results = race(*[lambda each=each: builders.claim(each, most=1) for each in clusters])

        assert not unexpected(results)
        claims = [claim for claims in results for claim in claims]
        assert [claim.job_id for claim in claims] == [oldest.pk]
        builders.end(claims[0])
        builders.drain(clusters[0])


def test_claims_while_a_delayed_job_becomes_due_take_one_job(project: Project) -> None:
    """The older one enters the list of candidates while the younger is being taken: the index is the backstop."""
    configuration = builders.build_configuration(project)
    clusters = [builders.build_cluster() for _ in range(2)]
    for _ in range(ROUNDS):
        builders.launch(configuration, delay_seconds=0.01)
        builders.launch(configuration)

        results = race(*[lambda each=each: builders.claim(each) for each in clusters])

        assert not unexpected(results)
        assert Job.objects.active().count() == sum(map(len, results)) <= 1
        builders.drain(clusters[0])
        for claim in [claim for claims in results for claim in claims]:
            builders.end(claim)
        Job.objects.filter(status=JobStatus.WAITING).delete()


def test_the_pusher_and_workers_of_a_cluster_never_claim_more_than_its_workers(project: Project) -> None:
    configurations = [builders.build_configuration(project) for _ in range(6)]
    cluster = builders.build_cluster(workers=2)
    for _ in range(ROUNDS):
        for configuration in configurations:
            builders.launch(configuration)

        results = race(*[lambda most=most: builders.claim(cluster, most=most) for most in (None, 1, 1)])

        assert not unexpected(results)
        assert sum(map(len, results)) == 2
        assert Job.objects.active().count() == 2
        for claim in [claim for claims in results for claim in claims]:
            builders.end(claim)
        builders.drain(cluster)


def launch_many(orchestration: Configuration, times: int) -> list[Job]:
    return [builders.launch(orchestration) for _ in range(times)]


def test_runs_launched_from_several_threads_follow_each_other_and_none_is_stuck(project: Project) -> None:
    configuration = builders.build_configuration(project)
    orchestration = builders.build_orchestration(project, [task(configuration)])
    cluster = builders.build_cluster()

    results = race(*[lambda: launch_many(orchestration, 4)] * 3)

    assert not unexpected(results)
    order = []
    while claims := builders.claim(cluster):
        assert Job.objects.active().filter(is_run=True).count() == 1
        (claim,) = claims
        order.append(Job.objects.get(pk=claim.job_id).parent_id or 0)
        builders.end(claim)
    assert len(order) == 12
    assert order == sorted(order)
    assert not Job.objects.unsettled().exists()


def drain_until(cluster: builders.Claimant, settled: int) -> None:
    """Claims and ends, as a worker does, until so many jobs have settled."""
    deadline = timezone.now() + timedelta(seconds=30)
    while Job.objects.settled().count() < settled and timezone.now() < deadline:
        builders.drain(cluster)


def test_runs_launched_while_others_end_are_never_left_waiting(project: Project) -> None:
    """A run that is created just while the one before it settles is started by one of the two, not by a sweep."""
    configuration = builders.build_configuration(project)
    orchestration = builders.build_orchestration(project, [task(configuration)])
    cluster = builders.build_cluster()

    results = race(
        lambda: launch_many(orchestration, ROUNDS),
        lambda: launch_many(orchestration, ROUNDS),
        lambda: drain_until(cluster, 4 * ROUNDS),
    )

    assert not unexpected(results)
    assert Job.objects.settled().count() == 4 * ROUNDS


def test_a_key_of_idempotency_makes_one_run_however_often_it_is_launched_at_once(project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    for number in range(ROUNDS):
        results = race(*[lambda number=number: builders.launch(orchestration, idempotency_key=f"key-{number}")] * 3)

        assert not unexpected(results)
        assert len({job.pk for job in results}) == 1
    assert Job.objects.filter(parent=None).count() == ROUNDS
