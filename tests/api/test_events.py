from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Job, JobEvent
from orchestrations.models import Configuration, Project
from tests import builders
from tests.api.conftest import Api, assert_storage_error, limited_api

EVENTS = "/v2/storage/events"
KEYS = {
    "uuid",
    "id",
    "event",
    "message",
    "description",
    "type",
    "created",
    "runId",
    "component",
    "configurationId",
    "params",
    "results",
}


@pytest.fixture
def load(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load orders")


@pytest.fixture
def job(load: Configuration) -> Job:
    return builders.launch(load)


def test_events_are_listed_newest_first(api: Api, job: Job, load: Configuration) -> None:
    api.post(f"/queue/jobs/{job.pk}/kill")

    events = api.get(EVENTS).json()

    assert [each["event"] for each in events] == ["job.settled", "job.created"]
    assert set(events[0]) == KEYS
    assert (events[0]["type"], events[0]["runId"]) == ("warn", str(job.pk))
    assert (events[0]["component"], events[0]["configurationId"]) == ("command", load.key)
    assert events[0]["created"].endswith("+00:00")
    assert events[0]["uuid"] != events[1]["uuid"]
    assert api.get(EVENTS).json()[0]["uuid"] == events[0]["uuid"]
    assert api.get(f"{EVENTS}?limit=1&offset=1").json() == [events[1]]


@pytest.mark.django_db(transaction=True)
def test_the_events_of_a_run_are_those_of_everything_below_it(api: Api, project: Project, load: Configuration) -> None:
    inner = builders.build_orchestration(project, [builders.task(load)], name="Inner")
    outer = builders.build_orchestration(project, [builders.task(inner)], name="Outer")
    run = builders.launch(outer)
    builders.launch(builders.build_configuration(project))
    nested = run.children.get()
    leaf = nested.children.get()

    def runs_of(run_id: str) -> set[str]:
        return {each["runId"] for each in api.get(f"{EVENTS}?runId={run_id}").json()}

    assert runs_of(run.run_id) == {run.run_id, nested.run_id, leaf.run_id}
    assert runs_of(nested.run_id) == {nested.run_id, leaf.run_id}
    assert runs_of(leaf.run_id) == {leaf.run_id}
    assert runs_of("77777777") == runs_of("x") == runs_of(str(leaf.pk)) == set()


def test_an_event_is_posted(api: Api, job: Job) -> None:
    body = {"message": "Half way", "type": "success", "runId": job.run_id, "params": {"rows": 5}, "results": []}

    response = api.post(EVENTS, body)

    assert response.status_code == 201
    assert (response.json()["message"], response.json()["type"]) == ("Half way", "success")
    assert response.json()["params"] == {"rows": 5}
    assert api.get(EVENTS).json()[0] == response.json()


def test_a_component_posts_with_the_header_of_its_run(project: Project, job: Job) -> None:
    component = limited_api(project, component_access=["command"])

    response = component.post(EVENTS, form="message=Half+way&component=mine&params[rows]=5", X_KBC_RunId=job.run_id)

    assert response.status_code == 201
    assert (response.json()["component"], response.json()["type"]) == ("mine", "info")
    assert response.json()["params"] == {"rows": "5"}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "message: is missing"),
        ({"message": "x"}, 400, "runId: is missing"),
        ({"message": "x", "runId": "77.88"}, 404, "runId"),
        ({"message": "x", "runId": "no"}, 404, "runId"),
        ({"message": "x" * 10_001}, 400, "message: is longer"),
        ({"message": ["x"]}, 400, "message: expected a text"),
        ({"message": "x\x00"}, 400, "NUL"),
        ({"message": "x", "runId": "RUN", "type": "loud"}, 400, "type: expected one of info, success, warn, error"),
        ({"message": "x", "runId": "RUN", "params": "y"}, 400, "params: expected an object"),
    ],
)
def test_what_is_no_event_is_refused(api: Api, job: Job, body: dict[str, Any], status: int, words: str) -> None:
    if body.get("runId") == "RUN":
        body = {**body, "runId": job.run_id}

    assert words in assert_storage_error(api.post(EVENTS, body), status)
    assert JobEvent.objects.count() == 1


def test_who_may(api: Api, stranger: Api, viewer: Api, nobody: Api, project: Project, job: Job) -> None:
    body = {"message": "x", "runId": job.run_id}

    assert len(viewer.get(EVENTS).json()) == 1
    assert "role" in assert_storage_error(viewer.post(EVENTS, body), 403)
    assert stranger.get(EVENTS).json() == stranger.get(f"{EVENTS}?runId={job.run_id}").json() == []
    assert_storage_error(stranger.post(EVENTS, body), 404)
    assert_storage_error(nobody.get(EVENTS), 401)
    assert_storage_error(nobody.post(EVENTS, body), 401)
    assert limited_api(project, component_access=[]).get(EVENTS).json() == []
    assert_storage_error(api.put(EVENTS, body), 405)
    assert JobEvent.objects.count() == 1


def test_events_take_the_same_queries_for_one_and_for_many(
    api: Api, project: Project, job: Job, django_assert_num_queries: Any
) -> None:
    api.get(EVENTS)
    with django_assert_num_queries(3):
        api.get(EVENTS)
    for _ in range(20):
        builders.launch(builders.build_configuration(project))

    with django_assert_num_queries(3):
        assert len(api.get(EVENTS).json()) == 21
