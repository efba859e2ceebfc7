from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.models import Cause, Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, Token, User
from tests import builders
from tests.api.conftest import Api, assert_queue_error, build_token, limited_api

JOBS = "/queue/jobs"
KEYS = {
    *("id", "runId", "parentRunId", "project", "token", "status", "desiredStatus", "mode", "component", "config"),
    *("configVersion", "configData", "configRowIds", "tag", "createdTime", "startTime", "endTime", "durationSeconds"),
    *("result", "usageData", "isFinished", "url", "branchId", "variableValuesId", "variableValuesData", "backend"),
    *("executor", "metrics", "behavior", "parallelism", "type", "orchestrationJobId", "orchestrationTaskId"),
    *("orchestrationPhaseId", "onlyOrchestrationTaskIds", "previousJobId", "waitReason", "cause"),
}


@pytest.fixture
def load(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load orders")


@pytest.fixture
def nightly(project: Project, load: Configuration) -> Configuration:
    return builders.build_orchestration(project, [builders.task(load, key="load")], name="Nightly")


def create(api: Api, configuration: Configuration, **body: Any) -> Any:
    return api.post(JOBS, {"component": configuration.component_id, "config": configuration.key, **body})


def test_a_job_is_created(api: Api, load: Configuration, token: tuple[Token, str], project: Project) -> None:
    response = create(api, load)

    job = response.json()
    assert response.status_code == 201
    assert set(job) >= KEYS
    assert job["id"] == job["runId"] == str(Job.objects.get().pk)
    assert job["parentRunId"] == ""
    assert job["project"] == {"id": str(project.pk), "name": project.name}
    assert job["token"] == {"id": str(token[0].pk), "description": token[0].description}
    assert (job["status"], job["desiredStatus"], job["isFinished"]) == ("waiting", "processing", False)
    assert (job["component"], job["config"], job["configVersion"]) == ("command", load.key, 1)
    assert (job["mode"], job["type"], job["cause"]) == ("run", "standard", Cause.PERSON)
    assert (job["configData"], job["result"], job["configRowIds"]) == ([], [], [])
    assert job["variableValuesData"] == {"values": []}
    assert job["behavior"] == {"onError": None}
    assert job["createdTime"].endswith("+00:00")
    assert (job["startTime"], job["endTime"], job["durationSeconds"]) == (None, None, None)
    assert job["url"] == f"http://testserver/queue/jobs/{job['id']}"
    assert set(job["waitReason"]) == {"code", "text", "jobId", "since", "eta"}
    assert job["waitReason"]["code"] == "no-worker"


def test_a_job_is_shown_as_it_was_created(api: Api, load: Configuration) -> None:
    created = create(api, load).json()

    response = api.get(f"{JOBS}/{created['id']}", Content_Type="application/json")

    assert response.status_code == 200
    shown = response.json()
    assert shown.pop("waitReason")["code"] == created.pop("waitReason")["code"]
    assert shown == created


def test_everything_that_was_asked_for_is_in_the_job(api: Api, load: Configuration) -> None:
    data = {"parameters": {"command": ["echo", "{{ day }}"], "environment": {"#KEY": "hunter2"}}}

    job = create(
        api,
        load,
        mode="debug",
        configData=data,
        configRowIds=["1", 2],
        tag="1.2.3",
        branchId="default",
        variableValuesData={"values": [{"name": "day", "value": "Monday"}]},
        parallelism="5",
        orchestrationTaskId=12,
        previousJobId=None,
        delay=60,
    ).json()

    assert (job["mode"], job["tag"], job["configRowIds"]) == ("debug", "1.2.3", ["1", "2"])
    assert job["configData"]["parameters"]["command"] == ["echo", "{{ day }}"]
    assert "hunter2" not in json.dumps(job)
    assert job["variableValuesData"] == {"values": [{"name": "day", "value": "Monday"}]}
    assert (job["orchestrationTaskId"], job["previousJobId"], job["branchId"]) == ("12", None, None)
    assert job["waitReason"]["code"] == "delayed"
    assert Job.objects.get().delayed_until is not None


def test_nulls_are_as_good_as_nothing(api: Api, load: Configuration) -> None:
    names = "mode configData configRowIds tag branchId variableValuesData variableValuesId parallelism backend delay"
    names += " previousJobId onlyOrchestrationTaskIds orchestrationTaskId"
    nothing = dict.fromkeys(names.split())

    assert create(api, load, **nothing).status_code == 201


def test_a_job_may_bring_its_whole_configuration(api: Api, project: Project) -> None:
    body = {"component": "command", "configData": {"parameters": {"command": ["true"]}}}

    job = api.post(JOBS, body).json()

    assert (job["config"], job["configVersion"]) == (None, None)
    assert job["configData"] == body["configData"]


def test_a_number_without_a_fraction_is_whole_however_it_is_written(api: Api, load: Configuration) -> None:
    made = create(api, load, delay=60.0, branchId=float(load.project_id))

    assert made.status_code == 201, made.json()
    assert assert_queue_error(create(api, load, delay=0.5), 400) == "delay: expected a whole number."


def test_a_form_creates_a_job_too(api: Api, nightly: Configuration) -> None:
    form = f"component={ORCHESTRATOR}&config={nightly.key}&onlyOrchestrationTaskIds[]=load&delay=30&tag="

    job = api.post(JOBS, form=form).json()

    assert job["onlyOrchestrationTaskIds"] == ["load"]
    assert job["waitReason"]["code"] == "delayed"


def test_a_bearer_is_as_good_as_the_header(api: Api, load: Configuration) -> None:
    body = {"component": "command", "config": load.key}

    assert Api("").post(JOBS, body, Authorization=f"Bearer {api.text}").status_code == 201
    assert Api("").post(f"{JOBS}/", body, Authorization=f"bearer {api.text}").status_code == 201


def test_a_run_id_makes_a_child(api: Api, load: Configuration) -> None:
    parent = create(api, load).json()

    child = api.post(JOBS, {"component": "command", "config": load.key}, X_KBC_RunId=f"7.{parent['runId']}").json()

    assert child["parentRunId"] == f"7.{parent['runId']}"
    assert child["runId"] == f"7.{parent['runId']}.{child['id']}"


@pytest.mark.parametrize("run_id", ["x", "1.", ".1", "1..2", "1;2", "-1", "1" * 200, "1.2.3." * 20 + "4", "١"])
def test_what_is_no_run_id_is_refused(api: Api, load: Configuration, run_id: str) -> None:
    response = api.post(JOBS, {"component": "command", "config": load.key}, X_KBC_RunId=run_id)

    assert "X-KBC-RunId" in assert_queue_error(response, 400)
    assert not Job.objects.exists()


def test_a_disabled_configuration_needs_force(api: Api, load: Configuration, by_alice: Actor) -> None:
    editing.set_enabled(load, False, actor=by_alice, now=timezone.now())

    assert "forceRun" in assert_queue_error(create(api, load), 400)
    forced = create(api, load, mode="forceRun")

    assert forced.status_code == 201
    assert forced.json()["mode"] == "forceRun"


def test_a_retry_names_the_job_before(api: Api, load: Configuration) -> None:
    first = create(api, load).json()

    assert create(api, load, previousJobId=first["id"]).json()["previousJobId"] == first["id"]
    assert create(api, load, previousJobId=int(first["id"])).json()["previousJobId"] == first["id"]
    assert "previousJobId" in assert_queue_error(create(api, load, previousJobId="999999"), 404)


def test_a_delay_may_be_a_moment(api: Api, load: Configuration) -> None:
    start = timezone.now() + timedelta(hours=1)

    create(api, load, delayedStartTime=start.isoformat())

    delayed_until = Job.objects.get().delayed_until
    assert delayed_until is not None
    assert abs((delayed_until - start).total_seconds()) < 1


# --- Who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", [None, [], [ORCHESTRATOR]])
def test_a_trigger_token_starts_orchestrations(project: Project, nightly: Configuration, access: Any) -> None:
    trigger = limited_api(project, component_access=access, bucket_permissions={})

    job = create(trigger, nightly).json()

    assert (job["type"], job["cause"]) == ("orchestrationContainer", Cause.API)
    assert trigger.get(f"{JOBS}/{job['id']}").status_code == 200
    assert trigger.post(f"{JOBS}/{job['id']}/kill").status_code == 202


@pytest.mark.parametrize("access", [[], [ORCHESTRATOR], ["python-transformation"]])
def test_a_token_without_the_component_does_not_start_it(project: Project, load: Configuration, access: Any) -> None:
    limited = limited_api(project, component_access=access)

    assert "no access to the component command" in assert_queue_error(create(limited, load), 403)
    assert not Job.objects.exists()


def test_a_trigger_token_sees_the_tasks_of_its_run_and_no_other_job(
    project: Project, load: Configuration, nightly: Configuration
) -> None:
    alone = builders.launch(load)
    task = Job.objects.create(
        project=project,
        root=alone,
        parent=alone,
        component_id="command",
        is_run=False,
        name="Load",
        created_at=timezone.now(),
        cause=Cause.API,
    )
    trigger = limited_api(project, component_access=[])

    assert trigger.get(f"{JOBS}/{task.pk}").status_code == 200
    assert_queue_error(trigger.get(f"{JOBS}/{alone.pk}"), 404)


def test_an_operator_starts_and_terminates(operator: Api, load: Configuration) -> None:
    job = create(operator, load).json()

    assert operator.post(f"{JOBS}/{job['id']}/kill").json()["status"] == "cancelled"


def test_a_viewer_may_only_look(viewer: Api, load: Configuration) -> None:
    job = builders.launch(load)

    assert viewer.get(f"{JOBS}/{job.pk}").status_code == 200
    assert "role operator" in assert_queue_error(viewer.post(f"{JOBS}/{job.pk}/kill"), 403)
    assert "role operator" in assert_queue_error(create(viewer, load), 403)
    assert Job.objects.get().status == JobStatus.WAITING


def test_a_stranger_finds_nothing(stranger: Api, load: Configuration) -> None:
    job = builders.launch(load)

    assert_queue_error(stranger.get(f"{JOBS}/{job.pk}"), 404)
    assert_queue_error(stranger.post(f"{JOBS}/{job.pk}/kill"), 404)
    assert "config" in assert_queue_error(create(stranger, load), 404)
    assert_queue_error(
        stranger.post(JOBS, {"component": "command", "previousJobId": job.pk, "configData": {"a": 1}}), 404
    )
    assert Job.objects.get().status == JobStatus.WAITING


def test_who_has_left_the_project_has_no_token_any_more(viewer: Api, bob: User, load: Configuration) -> None:
    bob.memberships.all().delete()

    assert "Invalid access token" in assert_queue_error(viewer.get(f"{JOBS}/{builders.launch(load).pk}"), 401)


def test_an_expired_token_is_refused(project: Project, load: Configuration) -> None:
    _, text = build_token(project, expires_at=timezone.now() - timedelta(seconds=1))

    assert assert_queue_error(create(Api(text), load), 401) == "Invalid access token"


# --- Terminating --------------------------------------------------------------------------------


def test_a_waiting_job_is_cancelled(api: Api, load: Configuration) -> None:
    job = builders.launch(load)

    response = api.post(f"{JOBS}/{job.pk}/kill")

    killed = response.json()
    assert response.status_code == 202
    assert (killed["status"], killed["desiredStatus"], killed["isFinished"]) == ("cancelled", "terminating", True)
    assert killed["waitReason"] is None


@pytest.mark.django_db(transaction=True)
def test_a_processing_job_is_terminating_however_often_it_is_killed(api: Api, load: Configuration) -> None:
    job = builders.launch(load)
    builders.claim(builders.build_cluster())

    for _ in range(2):
        response = api.post(f"{JOBS}/{job.pk}/kill")
        assert response.status_code == 202
        assert (response.json()["status"], response.json()["desiredStatus"]) == ("terminating", "terminating")


@pytest.mark.django_db(transaction=True)
def test_what_has_ended_cannot_be_killed(api: Api, load: Configuration) -> None:
    job = builders.launch(load)
    builders.end(builders.claim(builders.build_cluster())[0])

    assert "not in one of killable states" in assert_queue_error(api.post(f"{JOBS}/{job.pk}/kill"), 400)


# --- How jobs ended -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_run_tells_how_its_tasks_ended(api: Api, project: Project, load: Configuration) -> None:
    broken = builders.build_configuration(project, name="Broken")
    nightly = builders.build_orchestration(
        project, [builders.task(load, key="load")], [builders.task(broken, key="broken", continueOnFailure=True)]
    )
    run = builders.launch(nightly)
    builders.drain(builders.build_cluster(), {"Broken": JobStatus.ERROR})

    shown = api.get(f"{JOBS}/{run.pk}").json()
    child = api.get(f"{JOBS}/{shown['result']['tasks'][1]['jobId']}").json()

    assert (shown["status"], shown["isFinished"], shown["type"]) == ("warning", True, "orchestrationContainer")
    assert "Broken" in shown["result"]["message"]
    assert [(each["id"], each["status"]) for each in shown["result"]["tasks"]] == [
        ("load", "success"),
        ("broken", "error"),
    ]
    assert [each["status"] for each in shown["result"]["phases"]] == ["success", "warning"]
    assert isinstance(shown["durationSeconds"], int)
    assert child["runId"] == f"{run.pk}.{child['id']}"
    assert (child["orchestrationJobId"], child["orchestrationTaskId"]) == (str(run.pk), "broken")
    assert (child["orchestrationPhaseId"], child["behavior"]) == ("phase-2", {"onError": "warning"})
    assert child["result"]["message"] == "Broken has ended."


@pytest.mark.django_db(transaction=True)
def test_a_refused_job_says_whose_mistake_it_was(api: Api, project: Project, load: Configuration) -> None:
    nightly = builders.build_orchestration(project, [builders.task(load)])
    editing.trash(load, actor=builders.admin_of(project), now=timezone.now())

    run = create(api, nightly).json()

    child = Job.objects.get(parent=run["id"])
    result = api.get(f"{JOBS}/{child.pk}").json()["result"]
    assert "in the trash" in result["message"]
    assert result["error"] == {"type": "user"}


# --- Bad input ----------------------------------------------------------------------------------

FINE = {"configData": {"parameters": {"command": ["true"]}}}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "component: is missing"),
        ({"component": None}, 400, "component: is missing"),
        ({"component": {"id": "command"}}, 400, "component: expected a text"),
        ({"component": "command"}, 400, "config: is missing"),
        ({"component": "no-such", **FINE}, 404, 'no component "no-such"'),
        ({"component": "com\x00mand", **FINE}, 400, "component: the NUL"),
        ({"component": "command", "config": "999"}, 404, "config: there is no configuration '999'"),
        ({"component": "command", "config": ["1"]}, 400, "config: expected a text"),
        ({"component": "command", "config": 10**30}, 400, "config: the number is too large"),
        ({"component": "command", "config": True}, 400, "config: expected a text"),
        ({"component": "command", "configData": "x"}, 400, "configData: expected an object"),
        ({"component": "command", "configData": {"parameters": {"command": "true"}}}, 400, "parameters.command"),
        ({"component": "command", **FINE, "mode": "walk"}, 400, "mode: expected one of run, forceRun, debug"),
        ({"component": "command", **FINE, "delay": -1}, 400, "delay"),
        ({"component": "command", **FINE, "delay": "soon"}, 400, "delay: expected a whole number"),
        ({"component": "command", **FINE, "delay": 1.5}, 400, "delay"),
        ({"component": "command", **FINE, "delay": 10**40}, 400, "delay"),
        ({"component": "command", **FINE, "delay": 40_000_000}, 400, "delay"),
        ({"component": "command", **FINE, "delay": True}, 400, "delay"),
        ({"component": "command", **FINE, "delay": 1, "delayedStartTime": "tomorrow"}, 400, "delay"),
        ({"component": "command", **FINE, "delayedStartTime": "some day"}, 400, "delayedStartTime"),
        ({"component": "command", **FINE, "tag": ["1"]}, 400, "tag: expected a text"),
        ({"component": "command", **FINE, "branchId": "other"}, 404, "branch"),
        ({"component": "command", **FINE, "configRowIds": [{}]}, 400, "configRowIds[0]"),
        ({"component": "command", **FINE, "configRowIds": ["1"] * 501}, 400, "configRowIds: at most 500"),
        ({"component": "command", **FINE, "previousJobId": "x"}, 404, "previousJobId"),
        ({"component": "command", **FINE, "previousJobId": 10**17}, 404, "previousJobId"),
        ({"component": "command", **FINE, "variableValuesId": "7"}, 400, "variableValuesId"),
        ({"component": "command", **FINE, "variableValuesData": [1]}, 400, "variableValuesData: expected an object"),
        ({"component": "command", **FINE, "variableValuesData": {"values": {}}}, 201, ""),
        (
            {"component": "command", **FINE, "variableValuesData": {"values": {"a": 1}}},
            400,
            "variableValuesData.values",
        ),
        ({"component": "command", **FINE, "variableValuesData": {"values": [1]}}, 400, "variableValuesData.values[0]"),
        (
            {"component": "command", **FINE, "variableValuesData": {"values": [{"name": "a", "value": {}}]}},
            400,
            "variableValuesData.values[0].value",
        ),
        ({"component": "command", **FINE, "onlyOrchestrationTaskIds": ["a"]}, 400, "onlyOrchestrationTaskIds"),
        ({"component": ORCHESTRATOR, "configData": {"phases": [], "tasks": []}}, 400, "no task to run"),
        ({"component": ORCHESTRATOR, "configData": {"phases": 1}}, 400, "phases: expected a list"),
    ],
)
def test_what_cannot_be_run_creates_nothing(
    api: Api, project: Project, body: dict[str, Any], status: int, words: str
) -> None:
    response = api.post(JOBS, body)

    if status == 201:
        assert response.status_code == 201
        return
    assert words in assert_queue_error(response, status)
    assert not Job.objects.exists()


def test_a_selection_must_be_of_tasks_that_there_are(api: Api, nightly: Configuration) -> None:
    unknown = create(api, nightly, onlyOrchestrationTaskIds=["load", "nothing"])
    nothing = create(api, nightly, onlyOrchestrationTaskIds=[])

    assert "no task 'nothing'" in assert_queue_error(unknown, 400)
    assert "no task to run" in assert_queue_error(nothing, 400)
    assert not Job.objects.exists()


def test_an_empty_orchestration_is_not_run(api: Api, project: Project) -> None:
    empty = builders.build_orchestration(project)

    assert "no task to run" in assert_queue_error(create(api, empty), 400)


def test_what_is_in_the_trash_is_not_run(api: Api, load: Configuration, by_alice: Actor) -> None:
    editing.trash(load, actor=by_alice, now=timezone.now())

    assert "trash" in assert_queue_error(create(api, load, mode="forceRun"), 400)


@pytest.mark.parametrize("job_id", ["0", "x", "-1", "1e3", "99999999999999999999", "a%00b", "١", "1.5"])
def test_what_is_no_job_is_not_found(api: Api, job_id: str) -> None:
    assert_queue_error(api.get(f"{JOBS}/{job_id}"), 404)
    assert_queue_error(api.post(f"{JOBS}/{job_id}/kill"), 404)


# --- Idempotency --------------------------------------------------------------------------------


def test_the_same_key_is_the_same_job(api: Api, load: Configuration) -> None:
    body = {"component": "command", "config": load.key}

    first = api.post(JOBS, body, Idempotency_Key="night of 23")
    again = api.post(JOBS, body, Idempotency_Key="night of 23")
    other = api.post(JOBS, body, Idempotency_Key="night of 24")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    assert Job.objects.count() == 2


def test_what_is_null_is_as_if_it_was_not_said(api: Api, load: Configuration) -> None:
    first = api.post(JOBS, {"component": "command", "config": load.key}, Idempotency_Key="k")

    again = api.post(
        JOBS, {"component": "command", "config": load.key, "tag": None, "delay": None}, Idempotency_Key="k"
    )

    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


def test_a_key_is_not_for_another_job(api: Api, load: Configuration, nightly: Configuration) -> None:
    api.post(JOBS, {"component": "command", "config": load.key}, Idempotency_Key="k")

    response = api.post(JOBS, {"component": ORCHESTRATOR, "config": nightly.key}, Idempotency_Key="k")

    assert "Idempotency-Key" in assert_queue_error(response, 409)


def test_a_key_is_not_for_another_content(api: Api, load: Configuration) -> None:
    def post(word: str, secret: str) -> Any:
        parameters = {"command": ["echo", word], "environment": {"#PASSWORD": secret}}
        body = {"component": "command", "config": load.key, "configData": {"parameters": parameters}}
        return api.post(JOBS, body, Idempotency_Key="k")

    first, again, other = post("one", "s3cret"), post("one", "s3cret"), post("two", "s3cret")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotency-Key" in assert_queue_error(other, 409)
    assert Job.objects.count() == 1


@pytest.mark.parametrize("change", [{"tag": "other"}, {"delay": 60}, {"mode": "forceRun"}], ids=str)
def test_a_key_is_not_for_anything_else_that_is_asked_for(
    api: Api, load: Configuration, change: dict[str, Any]
) -> None:
    body = {"component": "command", "config": load.key}
    first = api.post(JOBS, body, Idempotency_Key="k")

    response = api.post(JOBS, {**body, **change}, Idempotency_Key="k")

    assert "Idempotency-Key" in assert_queue_error(response, 409)
    assert api.post(JOBS, dict(reversed(body.items())), Idempotency_Key="k").json()["id"] == first.json()["id"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize("key", ["k" * 256, "a\tb"])
def test_what_is_no_key_is_refused(api: Api, load: Configuration, key: str) -> None:
    response = api.post(JOBS, {"component": "command", "config": load.key}, Idempotency_Key=key)

    assert "Idempotency-Key" in assert_queue_error(response, 400)
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["load", "nightly"])
def test_two_at_once_with_one_key_make_one_job(api: Api, request: pytest.FixtureRequest, name: str) -> None:
    configuration = request.getfixturevalue(name)
    body = {"component": configuration.component_id, "config": configuration.key}
    barrier = threading.Barrier(4)
    answers: list[tuple[int, str]] = []

    def post() -> None:
        try:
            barrier.wait(timeout=10)
            response = Api(api.text).post(JOBS, body, Idempotency_Key="once")
            answers.append((response.status_code, response.json().get("id", response.content)))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    job = Job.objects.get(parent__isnull=True)
    assert answers == [(201, str(job.pk))] * 4
    assert job.events.filter(kind="job.created").count() == 1
