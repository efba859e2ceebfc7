from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project
from tests import builders
from tests.api.conftest import Api, assert_queue_error

PLANS = "/queue/orchestration-rerun-plan"


@pytest.fixture
def configurations(project: Project) -> list[Configuration]:
    return [builders.build_configuration(project, name=name) for name in ("A", "B", "C")]


@pytest.fixture
def nightly(project: Project, configurations: list[Configuration]) -> Configuration:
    a, b, c = configurations
    return builders.build_orchestration(
        project, [builders.task(a, key="a"), builders.task(b, key="b")], [builders.task(c, key="c")]
    )


@pytest.fixture
def run(transactional_db: None, nightly: Configuration) -> Job:
    """Of three tasks one has failed, and one was not executed."""
    run = builders.launch(nightly)
    builders.drain(builders.build_cluster(), {"B": JobStatus.ERROR})
    return run


def test_a_plan_tells_what_a_retry_could_run(
    api: Api, run: Job, nightly: Configuration, configurations: list[Configuration]
) -> None:
    plan = api.get(f"{PLANS}/{run.pk}").json()

    jobs = {child.task_key: str(child.pk) for child in run.children.all()}
    a, b, c = configurations
    shared: dict[str, Any] = {"componentId": "command"}
    assert plan == {
        "jobId": str(run.pk),
        "configId": nightly.key,
        "matchedTasks": [
            {"taskId": "a", "matched": True, "jobId": jobs["a"], "configId": a.key, "status": "success"}
            | shared
            | {"isChosen": False},
            {"taskId": "b", "matched": True, "jobId": jobs["b"], "configId": b.key, "status": "error"}
            | shared
            | {"isChosen": True},
            {"taskId": "c", "matched": False, "jobId": None, "configId": c.key, "status": None}
            | shared
            | {"isChosen": True},
        ],
    }


def test_what_a_plan_chooses_can_be_run(api: Api, run: Job, nightly: Configuration) -> None:
    plan = api.get(f"{PLANS}/{run.pk}").json()
    chosen = [each["taskId"] for each in plan["matchedTasks"] if each["isChosen"]]

    retry = api.post(
        "/queue/jobs",
        {
            "component": nightly.component_id,
            "config": nightly.key,
            "previousJobId": plan["jobId"],
            "onlyOrchestrationTaskIds": chosen,
        },
    ).json()

    assert (retry["previousJobId"], retry["onlyOrchestrationTaskIds"]) == (str(run.pk), ["b", "c"])
    assert sorted(Job.objects.filter(parent=retry["id"]).values_list("task_key", flat=True)) == ["b"]


def test_a_plan_is_of_the_orchestration_as_it_is_now(
    api: Api, run: Job, nightly: Configuration, configurations: list[Configuration]
) -> None:
    document = builders.document(
        [builders.task(configurations[1], key="b"), builders.task(configurations[0], key="new")]
    )
    editing.update(nightly, Content(document=document), actor=builders.admin_of(nightly.project), now=builders.NOW)

    tasks = api.get(f"{PLANS}/{run.pk}").json()["matchedTasks"]

    assert [(each["taskId"], each["matched"]) for each in tasks] == [("b", True), ("new", False)]


def test_there_is_no_plan_of_a_component(api: Api, configurations: list[Configuration]) -> None:
    job = builders.launch(configurations[0])

    assert "not the run of an orchestration" in assert_queue_error(api.get(f"{PLANS}/{job.pk}"), 400)


def test_who_may(api: Api, viewer: Api, stranger: Api, nobody: Api, run: Job) -> None:
    assert viewer.get(f"{PLANS}/{run.pk}").status_code == 200
    assert_queue_error(stranger.get(f"{PLANS}/{run.pk}"), 404)
    assert_queue_error(nobody.get(f"{PLANS}/{run.pk}"), 401)
    assert_queue_error(api.get(f"{PLANS}/nothing"), 404)
    assert_queue_error(api.post(f"{PLANS}/{run.pk}"), 405)
