"""R10: a retry makes a new job from a settled one."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from jobs import launching, terminating
from jobs.launching import NotSettled, Refused
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor, Denied
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, document, task

pytestmark = pytest.mark.django_db(transaction=True)


def retry(job: Job, **choice: Any) -> Job:
    return launching.retry(
        Job.objects.get(pk=job.pk), actor=builders.admin_of(job.project), now=timezone.now(), **choice
    )


@pytest.fixture
def parts(project: Project) -> dict[str, Configuration]:
    return {name: builders.build_configuration(project, name=name) for name in ("Good", "Bad", "Later")}


@pytest.fixture
def orchestration(project: Project, parts: dict[str, Configuration]) -> Configuration:
    return builders.build_orchestration(
        project,
        [task(parts["Good"], key="good"), task(parts["Bad"], key="bad")],
        [task(parts["Later"], key="later")],
    )


def failed_run(orchestration: Configuration) -> Job:
    run = builders.launch(orchestration)
    builders.drain(builders.build_cluster(), {"Bad": JobStatus.ERROR})
    run.refresh_from_db()
    assert run.status == JobStatus.ERROR
    return run


def test_it_runs_what_failed_and_what_was_not_executed_in_a_new_job(orchestration: Configuration) -> None:
    run = failed_run(orchestration)
    before = list(Job.objects.order_by("pk").values_list("pk", "status"))

    again = retry(run)

    assert builders.drain(builders.build_cluster()) == ["Bad", "Later"]
    again.refresh_from_db()
    assert again.status == JobStatus.SUCCESS
    assert again.pk != run.pk
    assert again.previous_job == run
    assert again.only_task_keys == ["bad", "later"]
    assert (
        list(Job.objects.filter(pk__in=[pk for pk, _ in before]).order_by("pk").values_list("pk", "status")) == before
    )


def test_a_choice_is_taken_as_it_is(orchestration: Configuration) -> None:
    retry(failed_run(orchestration), only_task_keys=["good"])

    assert builders.drain(builders.build_cluster()) == ["Good"]


def test_it_runs_the_orchestration_as_it_is_now_or_as_it_was(
    orchestration: Configuration, parts: dict[str, Configuration]
) -> None:
    run = failed_run(orchestration)
    editing.update(
        orchestration,
        Content(document=document([task(parts["Good"], key="good"), task(parts["Bad"], key="bad")])),
        actor=builders.admin_of(orchestration.project),
        now=NOW,
    )

    now, then = retry(run), retry(run, as_it_was=True)

    assert now.only_task_keys == ["bad"]
    assert then.only_task_keys == ["bad", "later"]
    assert builders.drain(builders.build_cluster()) == ["Bad", "Bad", "Later"]


def test_a_cancelled_and_a_terminated_job_can_be_retried(project: Project, orchestration: Configuration) -> None:
    by = builders.admin_of(project)
    component = builders.launch(builders.build_configuration(project, name="Alone"))
    run = builders.launch(orchestration)
    for job in (component, run):
        terminating.terminate(job, actor=by, now=timezone.now())

    retry(component)
    again = retry(run)

    assert sorted(builders.drain(builders.build_cluster())) == ["Alone", "Bad", "Good", "Later"]
    assert again.only_task_keys == ["good", "bad", "later"]


@pytest.mark.parametrize("state", ["waiting", "processing"])
def test_a_job_that_has_not_ended_is_not_retried(project: Project, state: str) -> None:
    job = builders.launch(builders.build_configuration(project))
    if state == "processing":
        builders.claim(builders.build_cluster())

    with pytest.raises(NotSettled, match="has not ended"):
        retry(job)

    assert Job.objects.count() == 1


def test_a_run_that_was_all_good_needs_a_choice(orchestration: Configuration) -> None:
    run = builders.launch(orchestration)
    builders.drain(builders.build_cluster())

    with pytest.raises(Refused, match="no task to run"):
        retry(run)
    retry(run, only_task_keys=["later"])

    assert builders.drain(builders.build_cluster()) == ["Later"]


def test_what_has_been_purged_is_refused_with_a_sentence(project: Project, orchestration: Configuration) -> None:
    run = failed_run(orchestration)
    by = builders.admin_of(project)
    editing.trash(orchestration, actor=by, now=NOW)
    with pytest.raises(Refused, match="in the trash"):
        retry(run)
    editing.purge(orchestration, actor=by)

    with pytest.raises(Refused, match="purged"):
        retry(run)


def test_viewers_and_strangers_retry_nothing(orchestration: Configuration, bob: User, charlie: User) -> None:
    run = failed_run(orchestration)
    before = Job.objects.count()

    for person in (bob, charlie):
        with pytest.raises(Denied):
            launching.retry(run, actor=Actor(user=person), now=timezone.now())

    assert Job.objects.count() == before
