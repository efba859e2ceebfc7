"""R6: how much a project and a cluster run at once, and that nobody is held up for somebody else's sake."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import terminating
from jobs.models import Job
from orchestrations.models import Project, User
from tests import builders
from tests.builders import task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def fill(project: Project, jobs: int) -> list[Job]:
    return [builders.launch(builders.build_configuration(project)) for _ in range(jobs)]


def limit(project: Project, jobs: int) -> None:
    Project.objects.filter(pk=project.pk).update(parallel_jobs=jobs)


def test_a_project_runs_at_most_its_limit(project: Project) -> None:
    limit(project, 2)
    jobs = fill(project, 5)
    cluster = builders.build_cluster(workers=10)

    claims = builders.claim(cluster)

    assert [claim.job_id for claim in claims] == [job.pk for job in jobs[:2]]
    assert builders.claim(cluster) == []
    builders.end(claims[0])
    assert [claim.job_id for claim in builders.claim(cluster)] == [jobs[2].pk]


def test_terminating_jobs_count(project: Project) -> None:
    limit(project, 1)
    first, _ = fill(project, 2)
    cluster = builders.build_cluster()
    builders.claim(cluster)

    terminating.terminate(first, actor=builders.admin_of(project), now=timezone.now())

    assert builders.claim(cluster) == []


def test_orchestrations_take_no_slot(project: Project) -> None:
    limit(project, 1)
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    builders.launch(builders.build_orchestration(project, [task(inner)]))

    assert Job.objects.active().filter(is_run=True).count() == 2
    assert len(builders.claim(builders.build_cluster())) == 1


def test_a_full_project_holds_up_no_other(project: Project, alice: User) -> None:
    other = builders.build_project(alice, name="Another")
    limit(project, 1)
    fill(project, 30)
    theirs = fill(other, 1)
    cluster = builders.build_cluster(workers=3)

    claims = builders.claim(cluster)

    assert len(claims) == 2
    assert theirs[0].pk in {claim.job_id for claim in claims}


def test_a_long_queue_of_one_configuration_holds_up_no_other(project: Project) -> None:
    configuration = builders.build_configuration(project)
    for _ in range(30):
        builders.launch(configuration)
    (last,) = fill(project, 1)

    claims = builders.claim(builders.build_cluster(workers=2))

    assert [claim.job_id for claim in claims][1:] == [last.pk]


def test_jobs_for_a_label_hold_up_no_other(project: Project) -> None:
    for job in fill(project, 10):
        Job.objects.filter(pk=job.pk).update(label="gpu")
    (plain,) = fill(project, 1)

    assert [claim.job_id for claim in builders.claim(builders.build_cluster(workers=2))] == [plain.pk]
    assert len(builders.claim(builders.build_cluster(workers=2, labels=("gpu",)))) == 2


def test_a_paused_project_starts_nothing_and_holds_up_no_other(project: Project, alice: User) -> None:
    other = builders.build_project(alice, name="Another")
    fill(project, 10)
    (theirs,) = fill(other, 1)
    Project.objects.filter(pk=project.pk).update(paused_at=timezone.now())
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])

    run = builders.launch(orchestration)

    assert [claim.job_id for claim in builders.claim(builders.build_cluster())] == [theirs.pk]
    assert run.status == "waiting"


def test_a_cluster_takes_no_more_than_its_free_workers(project: Project) -> None:
    fill(project, 5)
    cluster = builders.build_cluster(workers=2)

    claims = builders.claim(cluster)

    assert len(claims) == 2
    assert builders.claim(cluster) == []
    builders.end(claims[0])
    assert len(builders.claim(cluster)) == 1


def test_a_cluster_that_is_not_registered_or_has_stopped_takes_nothing(project: Project) -> None:
    fill(project, 1)
    stopped = builders.build_cluster(name="gone/1/1")
    builders.Cluster.objects.update(stopped_at=timezone.now())

    assert builders.claim(stopped) == []
    assert builders.claim(builders.Claimant(owner="unknown/1/1", workers=4)) == []


def test_a_limit_that_was_lowered_lets_what_runs_go_on_and_starts_nothing_new(project: Project) -> None:
    limit(project, 3)
    fill(project, 6)
    cluster = builders.build_cluster(workers=10)
    claims = builders.claim(cluster)

    limit(project, 1)
    for claim in claims[:2]:
        builders.end(claim)

    assert builders.claim(cluster) == []
    builders.end(claims[2])
    assert len(builders.claim(cluster)) == 1


def test_clusters_that_claim_at_once_never_exceed_the_limit(project: Project, alice: User) -> None:
    other = builders.build_project(alice, name="Another")
    limit(project, 3)
    limit(other, 2)
    clusters = [builders.build_cluster(workers=4) for _ in range(3)]
    configurations = [builders.build_configuration(each) for each in (project, other) for _ in range(6)]
    for _ in range(ROUNDS):
        for configuration in configurations:
            builders.launch(configuration)

        results = race(*[lambda each=each: builders.claim(each) for each in clusters])

        assert not unexpected(results)
        busy = [Job.objects.active().filter(project=each).count() for each in (project, other)]
        assert busy == [3, 2]
        for claim in [claim for claims in results for claim in claims]:
            builders.end(claim)
        for cluster in clusters:
            builders.drain(cluster)


def test_a_project_with_a_long_queue_leaves_workers_to_the_others(project: Project, alice: User) -> None:
    other = builders.build_project(alice, name="Another")
    fill(project, 12)
    first_of_theirs, second_of_theirs = fill(other, 2)
    cluster = builders.build_cluster(workers=3)

    claims = builders.claim(cluster)
    (ended, *_) = [claim for claim in claims if claim.job_id == first_of_theirs.pk]
    builders.end(ended)

    assert len(claims) == 3
    assert [claim.job_id for claim in builders.claim(cluster)] == [second_of_theirs.pk]


def test_within_a_project_the_oldest_comes_first(project: Project) -> None:
    jobs = fill(project, 5)
    cluster = builders.build_cluster(workers=3)

    assert [claim.job_id for claim in builders.claim(cluster)] == [job.pk for job in jobs[:3]]


@pytest.mark.sqlite
@pytest.mark.skipif(connection.vendor != "sqlite", reason="tells of SQLite's plans")
def test_no_claim_looks_through_what_has_ended_or_through_all_that_waits(project: Project) -> None:
    fill(project, 3)
    cluster = builders.build_cluster(workers=2)
    with CaptureQueriesContext(connection) as captured:
        builders.claim(cluster)

    of_jobs = []
    with connection.cursor() as cursor:
        for query in captured:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                of_jobs += [row[3] for row in cursor.fetchall() if "job_" in row[3]]
    assert of_jobs
    assert [step for step in of_jobs if "job_unsettled_" not in step and "_one_active_" not in step] == []
