"""Schedules and event triggers by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Cause, Job
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, User
from scheduling import triggering
from scheduling.models import EventTrigger, Schedule
from tests import builders
from tests.api.conftest import STORAGE, Api, api_of, assert_queue_error, assert_storage_error
from tests.builders import task

SCHEDULES, TRIGGERS = "/scheduler/schedules", f"{STORAGE}/triggers"
DECLARATIONS = f"{STORAGE}/components/keboola.scheduler/configs"


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    return builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily")


def declare(api: Api, orchestration: Configuration, **schedule: Any) -> str:
    document = {
        "schedule": {"cronTab": "30 6 * * *", "timezone": "Europe/Prague", "state": "enabled", **schedule},
        "target": {"componentId": ORCHESTRATOR, "configurationId": orchestration.key, "mode": "run"},
    }
    made = api.post(DECLARATIONS, {"name": "Daily", "configuration": document})
    assert made.status_code == 201, made.json()
    return str(made.json()["id"])


def test_a_declared_schedule_is_made_active_changed_and_removed(api: Api, orchestration: Configuration) -> None:
    key = declare(api, orchestration)

    made = api.post(SCHEDULES, {"configurationId": key, "configurationVersionId": "1"})
    again = api.post(SCHEDULES, {"configurationId": key})

    assert made.status_code == 201
    body = made.json()
    assert body["schedule"] == {"cronTab": "30 6 * * *", "timezone": "Europe/Prague", "state": "enabled"}
    assert body["target"] == {"componentId": ORCHESTRATOR, "configurationId": orchestration.key, "mode": "run"}
    assert (body["configurationId"], body["executions"]) == (key, [])
    assert body["tokenId"] == str(orchestration.own_tokens.get().pk)
    assert again.json()["id"] == body["id"]
    assert api.get(f"{SCHEDULES}?componentId={ORCHESTRATOR}&configurationId={orchestration.key}").json() == [body]
    assert api.get(f"{SCHEDULES}?configurationId=other").json() == []

    document = api.get(f"{DECLARATIONS}/{key}").json()["configuration"]
    document["schedule"]["state"] = "disabled"
    api.put(f"{DECLARATIONS}/{key}", {"configuration": document})
    changed = api.post(SCHEDULES, {"configurationId": key}).json()
    assert (changed["id"], changed["schedule"]["state"]) == (body["id"], "disabled")
    assert (changed["configurationVersionId"], changed["nextExecutionTime"]) == ("2", None)

    assert api.delete(f"/scheduler/configurations/{key}").status_code == 204
    assert_queue_error(api.get(f"{SCHEDULES}/{body['id']}"), 404)
    assert_queue_error(api.delete(f"/scheduler/configurations/{key}"), 404)


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({"cronTab": "61 * * * *"}, "expression"),
        ({"timezone": "Mars/Base"}, "zone"),
        ({"state": "on"}, "schedule.state"),
    ],
)
def test_a_declaration_that_is_wrong_is_not_made_active(
    schedule: dict[str, str], field: str, api: Api, orchestration: Configuration
) -> None:
    key = declare(api, orchestration, **schedule)

    assert field in assert_queue_error(api.post(SCHEDULES, {"configurationId": key}), 400)
    assert not Schedule.objects.exists()


def test_a_trigger_is_made_shown_changed_and_removed(api: Api, project: Project, orchestration: Configuration) -> None:
    builders.build_table(project, "in.c-sales.orders")
    builders.build_table(project, "in.c-sales.customers")
    token = orchestration.own_tokens.get().pk
    wanted = {"component": ORCHESTRATOR, "configurationId": orchestration.key, "coolDownPeriodMinutes": 20}

    made = api.post(TRIGGERS, {**wanted, "runWithTokenId": token, "tableIds": ["in.c-sales.orders"]})

    body = made.json()
    assert made.status_code == 201, body
    assert (body["runWithTokenId"], body["coolDownPeriodMinutes"], body["lastRun"]) == (token, 20, None)
    assert body["tables"] == [{"tableId": "in.c-sales.orders"}]
    assert_storage_error(api.post(TRIGGERS, {**wanted, "tableIds": ["in.c-sales.orders"]}), 409)
    assert api.get(f"{TRIGGERS}?configurationId={orchestration.key}").json() == [body]

    one = f"{TRIGGERS}/{body['id']}"
    changed = api.put(one, {"tableIds": ["in.c-sales.orders", "in.c-sales.customers"]}).json()
    assert [each["tableId"] for each in changed["tables"]] == ["in.c-sales.customers", "in.c-sales.orders"]
    assert changed["coolDownPeriodMinutes"] == 20
    assert api.delete(one).status_code == 204
    assert_storage_error(api.get(one), 404)


@pytest.mark.parametrize(
    ("body", "field", "status"),
    [
        ({"tableIds": ["in.c-no.table"]}, "tableIds", 404),
        ({"tableIds": []}, "tableIds", 422),
        ({"coolDownPeriodMinutes": 0}, "coolDownPeriodMinutes", 422),
        ({"configurationId": "nothing"}, "configurationId", 404),
        ({"component": "command"}, "component", 422),
        ({"runWithTokenId": 10**9}, "runWithTokenId", 422),
    ],
)
def test_what_is_wrong_is_named(
    body: dict[str, Any], field: str, status: int, api: Api, project: Project, orchestration: Configuration
) -> None:
    builders.build_table(project, "in.c-sales.orders")
    wanted = {"component": ORCHESTRATOR, "configurationId": orchestration.key, "tableIds": ["in.c-sales.orders"]}

    assert field in assert_storage_error(api.post(TRIGGERS, {**wanted, **body}), status)
    assert not EventTrigger.objects.exists()


def test_who_may(api: Api, project: Project, orchestration: Configuration, bob: User, charlie: User) -> None:
    builders.build_table(project, "in.c-sales.orders")
    key = declare(api, orchestration)
    schedule = api.post(SCHEDULES, {"configurationId": key}).json()["id"]
    wanted = {"configurationId": orchestration.key, "tableIds": ["in.c-sales.orders"]}
    trigger = api.post(TRIGGERS, wanted).json()["id"]
    reader, stranger = api_of(project, bob), api_of(builders.build_project(charlie, "Elsewhere"), charlie)

    assert reader.get(f"{SCHEDULES}/{schedule}").status_code == reader.get(f"{TRIGGERS}/{trigger}").status_code == 200
    for refused in (reader.post(SCHEDULES, {"configurationId": key}), reader.delete(f"{SCHEDULES}/{schedule}")):
        assert_queue_error(refused, 403)
    for refused in (reader.put(f"{TRIGGERS}/{trigger}", wanted), reader.delete(f"{TRIGGERS}/{trigger}")):
        assert_storage_error(refused, 403)
    assert stranger.get(SCHEDULES).json() == stranger.get(TRIGGERS).json() == []
    assert_queue_error(stranger.delete(f"{SCHEDULES}/{schedule}"), 404)
    assert_storage_error(stranger.delete(f"{TRIGGERS}/{trigger}"), 404)


def test_an_update_that_is_announced_fires_a_trigger(api: Api, project: Project, orchestration: Configuration) -> None:
    for name in ("orders", "customers"):
        builders.build_table(project, f"in.c-sales.{name}")
    wanted = {"configurationId": orchestration.key, "tableIds": ["in.c-sales.orders", "in.c-sales.customers"]}
    assert api.post(TRIGGERS, wanted).status_code == 201

    runs = []
    for name in ("orders", "customers"):
        announced = api.post(f"{STORAGE}/tables/in.c-sales.{name}/updates", {"rows": 5})
        assert announced.status_code == 201, announced.json()
        runs.append(triggering.evaluate_updates(now=timezone.now()).run_ids)

    assert runs[0] == []
    (run,) = Job.objects.filter(pk__in=runs[1])
    assert (run.cause, run.configuration) == (Cause.TRIGGER, orchestration)


def test_a_trigger_stays_with_its_orchestration(api: Api, project: Project, orchestration: Configuration) -> None:
    trigger = builders.build_trigger(orchestration, builders.build_table(project, "in.c-sales.orders"))

    same = api.put(f"{TRIGGERS}/{trigger.pk}", {"configurationId": orchestration.key, "component": ORCHESTRATOR})
    other = api.put(f"{TRIGGERS}/{trigger.pk}", {"configurationId": "another"})

    assert same.status_code == 200
    assert "stays with its orchestration" in assert_storage_error(other, 422)


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"tableIds": ["in.c-no.t"]}, 404, "tableIds: there is no table in.c-no.t in this project."),
        ({"tableIds": []}, 422, "tableIds: choose at least one, at most 100."),
        ({"coolDownPeriodMinutes": 0}, 422, "coolDownPeriodMinutes: expected minutes, from 1 up to a year."),
    ],
)
def test_what_is_wrong_with_a_trigger_is_named_once(
    api: Api, orchestration: Configuration, project: Project, change: dict[str, Any], status: int, sentence: str
) -> None:
    builders.build_table(project, "in.c-sales.orders")
    body = {"configurationId": orchestration.key, "coolDownPeriodMinutes": 5, "tableIds": ["in.c-sales.orders"]}

    assert assert_storage_error(api.post(TRIGGERS, {**body, **change}), status) == sentence
