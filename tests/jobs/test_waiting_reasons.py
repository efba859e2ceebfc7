"""R7: every waiting job has exactly one reason, the first that holds."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import terminating, waiting
from jobs.models import Cluster, Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task

pytestmark = pytest.mark.django_db(transaction=True)


def reason(job: Job) -> waiting.WaitReason | None:
    return waiting.reason(Job.objects.select_related("project").get(pk=job.pk), now=timezone.now())


def code(job: Job) -> str | None:
    found = reason(job)
    return found.code if found else None


@pytest.fixture
def configuration(project: Project) -> Configuration:
    return builders.build_configuration(project)


def test_a_delay_tells_its_end(configuration: Configuration) -> None:
    job = builders.launch(configuration, delay_seconds=60)

    found = reason(job)

    assert found is not None
    assert (found.code, found.eta) == ("delayed", job.delayed_until)


def test_a_pause_tells_since_when(project: Project, configuration: Configuration) -> None:
    since = timezone.now()
    Project.objects.update(paused_at=since)
    job = builders.launch(configuration)
    run = builders.launch(builders.build_orchestration(project, [task(configuration)]))

    assert [(each.code, each.since) for each in (reason(job), reason(run)) if each] == [("paused", since)] * 2


@pytest.mark.parametrize("state", ["waiting", "processing", "terminating"])
def test_an_older_job_of_the_configuration_is_named(configuration: Configuration, state: str) -> None:
    older = builders.launch(configuration)
    job = builders.launch(configuration)
    cluster = builders.build_cluster()
    if state != "waiting":
        builders.claim(cluster)
    if state == "terminating":
        terminating.terminate(older, actor=builders.admin_of(configuration.project), now=timezone.now())

    found = reason(job)

    older.refresh_from_db()
    assert older.status == state
    assert found is not None
    assert (found.code, found.job_id) == ("configuration", older.pk)
    assert found.since == (older.started_at or older.created_at)
    assert str(older.pk) in found.text


def test_of_many_older_jobs_the_one_that_runs_is_named(configuration: Configuration) -> None:
    first = builders.launch(configuration)
    builders.launch(configuration)
    last = builders.launch(configuration)
    builders.claim(builders.build_cluster())

    found = reason(last)

    assert found is not None
    assert found.job_id == first.pk


def test_a_younger_job_that_runs_before_a_delayed_one_is_named(configuration: Configuration) -> None:
    delayed = builders.launch(configuration, delay_seconds=3600)
    prompt = builders.launch(configuration)
    builders.claim(builders.build_cluster())
    Job.objects.filter(pk=delayed.pk).update(delayed_until=timezone.now() - timedelta(seconds=1))

    found = reason(delayed)

    assert found is not None
    assert (found.code, found.job_id) == ("configuration", prompt.pk)


def test_a_delayed_older_job_holds_nobody_up(configuration: Configuration) -> None:
    builders.build_cluster()
    builders.launch(configuration, delay_seconds=3600)

    assert code(builders.launch(configuration)) == "starting"


def test_the_usual_duration_tells_until_about_when(configuration: Configuration) -> None:
    cluster = builders.build_cluster()
    moment = timezone.now() - timedelta(days=1)
    for _ in range(2):
        job = builders.launch(configuration)
        builders.drain(cluster)
        Job.objects.filter(pk=job.pk).update(started_at=moment, finished_at=moment + timedelta(seconds=600))
    older = builders.launch(configuration)
    builders.claim(cluster)
    older.refresh_from_db()

    found = reason(builders.launch(configuration))

    assert found is not None
    assert older.started_at is not None
    assert found.eta == older.started_at + timedelta(seconds=600)


def test_a_second_run_of_an_orchestration_names_the_first(project: Project, configuration: Configuration) -> None:
    orchestration = builders.build_orchestration(project, [task(configuration)])
    first = builders.launch(orchestration)
    second = builders.launch(orchestration)

    found = reason(second)

    assert found is not None
    assert (found.code, found.job_id) == ("configuration", first.pk)


def test_a_full_project_is_told_with_its_limit(project: Project) -> None:
    Project.objects.update(parallel_jobs=1)
    first, second = (builders.launch(builders.build_configuration(project)) for _ in range(2))
    builders.claim(builders.build_cluster())

    found = reason(second)

    assert found is not None
    assert (found.code, found.job_id) == ("project-limit", first.pk)
    assert "limit is 1" in found.text


def test_a_label_that_no_worker_has_is_told(configuration: Configuration) -> None:
    job = builders.launch(configuration)
    Job.objects.update(label="gpu")
    builders.build_cluster(labels=("cpu",))

    found = reason(job)

    assert found is not None
    assert found.code == "no-label"
    assert "gpu" in found.text


def never(project: Project) -> None:
    """No cluster has ever been there."""


def silent(project: Project) -> None:
    builders.build_cluster()
    Cluster.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))


def stopped(project: Project) -> None:
    builders.build_cluster()
    Cluster.objects.update(stopped_at=timezone.now())


@pytest.mark.parametrize("state", [never, silent, stopped])
def test_without_a_living_worker_this_is_told_with_since_when(
    project: Project, configuration: Configuration, state: Callable[[Project], None]
) -> None:
    state(project)
    job = builders.launch(configuration)

    found = reason(job)

    assert found is not None
    assert found.code == "no-worker"
    assert found.since == (Cluster.objects.get().heartbeat_at if Cluster.objects.exists() else job.created_at)


def test_busy_workers_are_told_with_the_jobs_ahead(project: Project) -> None:
    jobs = [builders.launch(builders.build_configuration(project)) for _ in range(4)]
    builders.claim(builders.build_cluster(workers=1))

    found = [reason(job) for job in jobs[1:]]

    assert [each.code for each in found if each] == ["busy"] * 3
    assert [each.text.split("; ")[1] for each in found if each] == [
        "no job is ahead.",
        "1 job is ahead.",
        "2 jobs are ahead.",
    ]


def test_more_jobs_can_wait_for_workers_than_a_database_has_columns(project: Project) -> None:
    first = builders.launch(builders.build_configuration(project))
    builders.claim(builders.build_cluster(workers=1))
    alike = Job.objects.get(pk=first.pk)
    alike.pk, alike.configuration, alike.configuration_id, alike.status = None, None, None, JobStatus.WAITING
    alike.owner, alike.fence, alike.started_at, alike.lease_until = "", "", None, None
    Job.objects.bulk_create([copy(alike) for _ in range(2_100)])
    jobs = list(Job.objects.waiting().select_related("project").order_by("pk"))

    found = waiting.reasons(jobs, now=timezone.now())

    assert [found[job.pk].code for job in jobs] == ["busy"] * 2_100
    assert found[jobs[-1].pk].text.endswith("; 2099 jobs are ahead.")


def test_the_jobs_ahead_are_those_that_will_be_taken_before(project: Project, alice: User) -> None:
    other = builders.build_project(alice, name="Another")
    mine = [builders.launch(builders.build_configuration(project)) for _ in range(4)]
    cluster = builders.build_cluster(workers=1)
    (claim,) = builders.claim(cluster)
    theirs = [builders.launch(builders.build_configuration(other)) for _ in range(3)]
    ahead = {job.pk: found.text.split("; ")[1] for job in mine[1:] + theirs if (found := reason(job))}

    taken = []
    for _ in range(6):
        builders.end(claim)
        (claim,) = builders.claim(cluster)
        taken.append(claim.job_id)

    # By turns, as if what is taken never ended.
    assert ahead == {
        theirs[0].pk: "no job is ahead.",
        mine[1].pk: "1 job is ahead.",
        theirs[1].pk: "2 jobs are ahead.",
        mine[2].pk: "3 jobs are ahead.",
        theirs[2].pk: "4 jobs are ahead.",
        mine[3].pk: "5 jobs are ahead.",
    }
    assert set(taken) == ahead.keys()


def test_the_first_reason_that_holds_is_told(project: Project) -> None:
    """All of them hold at first; they are taken away one after another."""
    Project.objects.update(parallel_jobs=1, paused_at=timezone.now())
    blocker, other = builders.build_configuration(project), builders.build_configuration(project)
    older = builders.launch(blocker)
    job = builders.launch(blocker, delay_seconds=60)
    Job.objects.filter(pk=job.pk).update(label="gpu")
    seen = [code(job)]

    Job.objects.filter(pk=job.pk).update(delayed_until=None)
    seen.append(code(job))
    Project.objects.update(paused_at=None)
    seen.append(code(job))
    terminating.terminate(older, actor=builders.admin_of(project), now=timezone.now())
    builders.launch(other)
    plain = builders.build_cluster(workers=1)
    (claim,) = builders.claim(plain)
    seen.append(code(job))
    Project.objects.update(parallel_jobs=5)
    seen.append(code(job))
    Job.objects.filter(pk=job.pk).update(label="")
    Cluster.objects.update(stopped_at=timezone.now())
    seen.append(code(job))
    Cluster.objects.update(stopped_at=None)
    seen.append(code(job))
    builders.end(claim)
    seen.append(code(job))
    builders.claim(plain)
    seen.append(code(job))

    assert seen == [
        "delayed",
        "paused",
        "configuration",
        "project-limit",
        "no-label",
        "no-worker",
        "busy",
        "starting",
        None,
    ]


def test_only_waiting_jobs_have_a_reason_and_every_waiting_one_has(project: Project) -> None:
    shared = builders.build_configuration(project)
    orchestration = builders.build_orchestration(project, [task(shared), task(builders.build_configuration(project))])
    for _ in range(3):
        builders.launch(orchestration)
        builders.launch(shared)
    builders.claim(builders.build_cluster(workers=2))

    jobs = list(Job.objects.select_related("project"))
    reasons = waiting.reasons(jobs, now=timezone.now())

    assert {job.pk for job in jobs if job.status == JobStatus.WAITING} == set(reasons)
    assert len(reasons) > 3
    assert all(each.text.endswith(".") for each in reasons.values())
    assert reasons == {pk: reason(Job.objects.get(pk=pk)) for pk in reasons}
