"""R4: a run works on what was saved when it was created; a child takes what is newest when it is created."""

from __future__ import annotations

import pytest

from jobs import snapshots
from jobs.launching import Refused
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project
from tests import builders
from tests.builders import NOW, document, task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def save(configuration: Configuration, **content: object) -> Configuration:
    return editing.update(configuration, Content(**content), actor=builders.admin_of(configuration.project), now=NOW)


@pytest.fixture
def parts(project: Project) -> list[Configuration]:
    return [builders.build_configuration(project, name=name) for name in ("First", "Second", "Third")]


def test_an_edit_changes_no_run_that_exists(project: Project, parts: list[Configuration]) -> None:
    first, second, third = parts
    orchestration = builders.build_orchestration(project, [task(first)], [task(second)])
    running = builders.launch(orchestration)
    waiting = builders.launch(orchestration)

    save(orchestration, document=document([task(third)]))
    ended = builders.drain(builders.build_cluster())

    assert ended == ["First", "Second", "First", "Second"]
    assert {running.configuration_version, waiting.configuration_version} == {1}
    assert save(orchestration, name="Kept").version == 3
    orchestration.refresh_from_db()
    assert [each["task"]["configId"] for each in orchestration.document["tasks"]] == [third.key]


def test_an_edit_counts_for_the_next_run(project: Project, parts: list[Configuration]) -> None:
    first, second, _ = parts
    orchestration = builders.build_orchestration(project, [task(first)])

    builders.launch(save(orchestration, document=document([task(second)])))

    assert builders.drain(builders.build_cluster()) == ["Second"]


def test_switching_a_task_off_while_the_run_goes_on_changes_nothing_for_it(
    project: Project, parts: list[Configuration]
) -> None:
    first, second, _ = parts
    orchestration = builders.build_orchestration(project, [task(first)], [task(second, key="two")])
    builders.launch(orchestration)

    save(orchestration, document=document([task(first)], [task(second, key="two", enabled=False)]))

    assert builders.drain(builders.build_cluster()) == ["First", "Second"]


def test_a_child_takes_the_newest_version_when_it_is_created(project: Project, parts: list[Configuration]) -> None:
    first, second, _ = parts
    run = builders.launch(builders.build_orchestration(project, [task(first)], [task(second)]))

    save(first, document={"parameters": {"command": ["new", "first"]}})
    save(second, document={"parameters": {"command": ["new", "second"]}})
    builders.drain(builders.build_cluster())

    commands = {job.name: snapshots.document_of(job)["parameters"]["command"] for job in run.children.all()}
    assert commands == {"First": ["true"], "Second": ["new", "second"]}


@pytest.mark.parametrize("change", ["disabled", "in the trash", "purged"])
def test_a_child_of_what_is_gone_by_then_ends_in_error_and_says_so(
    project: Project, parts: list[Configuration], change: str
) -> None:
    first, second, third = parts
    by = builders.admin_of(project)
    run = builders.launch(builders.build_orchestration(project, [task(first)], [task(second)], [task(third)]))

    if change == "disabled":
        editing.set_enabled(second, False, actor=by, now=NOW)
    else:
        editing.trash(second, actor=by, now=NOW)
    if change == "purged":
        editing.purge(second, actor=by)
    ended = builders.drain(builders.build_cluster())

    run.refresh_from_db()
    child = run.children.get(name="Second")
    assert ended == ["First"]
    assert child.status == JobStatus.ERROR
    assert child.attempt == 0
    expected = "does not exist any more" if change == "purged" else change
    assert expected in child.message
    assert run.status == JobStatus.ERROR
    assert expected in run.message


def test_a_job_that_exists_goes_on_when_its_configuration_is_switched_off_or_trashed(
    project: Project, parts: list[Configuration]
) -> None:
    first, second, _ = parts
    by = builders.admin_of(project)
    orchestration = builders.build_orchestration(project, [task(first), task(second)])
    run = builders.launch(orchestration)

    editing.set_enabled(first, False, actor=by, now=NOW)
    editing.trash(second, actor=by, now=NOW)
    editing.trash(orchestration, actor=by, now=NOW)

    assert sorted(builders.drain(builders.build_cluster())) == ["First", "Second"]
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS


@pytest.mark.parametrize("state", ["waiting", "processing"])
def test_purging_waits_for_unsettled_jobs(project: Project, parts: list[Configuration], state: str) -> None:
    first = parts[0]
    by = builders.admin_of(project)
    orchestration = builders.build_orchestration(project, [task(first)])
    run = builders.launch(orchestration)
    cluster = builders.build_cluster()
    claims = builders.claim(cluster) if state == "processing" else []
    for each in (first, orchestration):
        editing.trash(each, actor=by, now=NOW)

    for each in (first, orchestration):
        with pytest.raises(editing.StillInUse, match="not settled"):
            editing.purge(each, actor=by)
    for claim in claims or builders.claim(cluster):
        builders.end(claim)
    for each in (orchestration, first):
        editing.purge(each, actor=by)

    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS
    assert run.configuration is None
    assert Job.objects.count() == 2


def test_what_is_not_in_the_trash_is_not_purged(project: Project, parts: list[Configuration]) -> None:
    with pytest.raises(editing.StillInUse, match="not in the trash"):
        editing.purge(parts[0], actor=builders.admin_of(project))


def test_a_launch_and_a_purge_at_once_leave_a_job_or_nothing(project: Project) -> None:
    by = builders.admin_of(project)
    for _ in range(ROUNDS):
        configuration = builders.build_configuration(project)
        stale = Configuration.objects.select_related("project").get(pk=configuration.pk)
        editing.trash(configuration, actor=by, now=NOW)

        results = race(
            lambda stale=stale: builders.launch(stale, actor=by),
            lambda configuration=configuration: editing.purge(configuration, actor=by),
        )

        assert not unexpected(results, Refused, editing.StillInUse)
        exists = Configuration.objects.filter(pk=configuration.pk).exists()
        assert exists is isinstance(results[1], editing.StillInUse)
        assert not Job.objects.unsettled().filter(configuration__isnull=True).exists()
        Job.objects.all().delete()


def test_an_end_and_a_purge_of_the_next_tasks_configuration_at_once_keep_the_good_end(project: Project) -> None:
    by = builders.admin_of(project)
    first = builders.build_configuration(project, name="First")
    cluster = builders.build_cluster()
    for _ in range(ROUNDS):
        second = builders.build_configuration(project, name="Second")
        run = builders.launch(builders.build_orchestration(project, [task(first)], [task(second)]))
        (claim,) = builders.claim(cluster)
        editing.trash(second, actor=by, now=NOW)

        results = race(lambda claim=claim: builders.end(claim), lambda second=second: editing.purge(second, actor=by))

        assert not unexpected(results, editing.StillInUse)
        run.refresh_from_db()
        assert Job.objects.get(pk=claim.job_id).status == JobStatus.SUCCESS
        assert run.children.get(name="Second").status == JobStatus.ERROR
        assert run.status == JobStatus.ERROR
