"""Who may send content of its own with a job: it can be any program, whatever the orchestration may (R18, R19)."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Job
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.api.conftest import QUEUE, api_of, limited_api

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = f"{QUEUE}/jobs"
PROGRAM = {"parameters": {"command": ["true"]}}


@pytest.fixture
def nightly(project: Project) -> Configuration:
    return builders.build_orchestration(project, [builders.task(builders.build_configuration(project))])


def plan_of(component_id: str, content: dict[str, Any]) -> dict[str, Any]:
    task = {"id": 1, "phase": 1, "task": {"componentId": component_id, "configData": content}}
    return {"phases": [{"id": 1}], "tasks": [task]}


def body_of(nightly: Configuration, content: dict[str, Any]) -> dict[str, Any]:
    return {"component": ORCHESTRATOR, "config": nightly.key, "configData": content}


@pytest.mark.parametrize(
    "content", [plan_of("command", PROGRAM), plan_of(ORCHESTRATOR, plan_of("command", PROGRAM))], ids=["flat", "nested"]
)
def test_a_token_for_orchestrations_brings_no_program_of_its_own(
    project: Project, nightly: Configuration, content: dict[str, Any]
) -> None:
    outside = limited_api(project, component_access=[ORCHESTRATOR])

    refused = outside.post(JOBS, body_of(nightly, content))

    assert refused.status_code == 403
    assert "no access to the component command" in refused.json()["error"]
    assert not Job.objects.exists()


def test_a_token_that_reaches_the_component_may_bring_it(project: Project, nightly: Configuration) -> None:
    outside = limited_api(project, component_access=[ORCHESTRATOR, "command"])

    assert outside.post(JOBS, body_of(nightly, plan_of("command", PROGRAM))).status_code == 201


def removal_of(table_id: str) -> dict[str, Any]:
    """Content that deletes every row of the table."""
    return {
        "parameters": {"name": "orders.csv", "manifest": {"columns": ["id", "amount"]}},
        "storage": {"output": {"tables": [{"source": "orders.csv", "destination": table_id}]}},
    }


def test_a_token_for_orchestrations_borrows_no_buckets_from_them(project: Project, nightly: Configuration) -> None:
    table = builders.build_table(project)
    outside = limited_api(project, component_access=[ORCHESTRATOR], bucket_permissions={})
    content = plan_of("tutti.load", removal_of(table.table_id))
    within = plan_of(ORCHESTRATOR, content)
    within["tasks"][0]["task"]["configId"] = nightly.key

    refused = [
        outside.post(JOBS, body_of(nightly, content)),
        outside.post(JOBS, {"component": ORCHESTRATOR, "configData": within}),
    ]

    assert [each.status_code for each in refused] == [403, 403]
    assert all("needs access to every bucket" in each.json()["error"] for each in refused)
    assert not Job.objects.exists()


def test_content_that_runs_with_the_token_itself_needs_no_buckets(project: Project) -> None:
    outside = limited_api(project, component_access=[ORCHESTRATOR, "command"], bucket_permissions={})

    made = outside.post(JOBS, {"component": ORCHESTRATOR, "configData": plan_of("command", PROGRAM)})

    assert made.status_code == 201


def test_an_operator_changes_no_table_by_a_job_of_his_own_making(project: Project, oscar: User) -> None:
    table = builders.build_table(project)
    body = {"component": "tutti.load", "configData": removal_of(table.table_id)}

    refused = api_of(project, oscar).post(JOBS, body)

    assert refused.status_code == 403
    assert "needs the role editor" in refused.json()["error"]
    assert not Job.objects.exists()


def test_broken_content_within_content_is_refused(project: Project, nightly: Configuration) -> None:
    outside = limited_api(project, component_access=[ORCHESTRATOR])

    refused = outside.post(JOBS, body_of(nightly, plan_of(ORCHESTRATOR, {"phases": 1})))

    assert (refused.status_code, refused.json()["error"]) == (400, "configData: phases: expected a list.")


def test_an_operator_runs_what_editors_made_and_nothing_else(project: Project, oscar: User) -> None:
    api = api_of(project, oscar)
    stored = builders.build_configuration(project)

    brought = api.post(JOBS, {"component": "command", "configData": PROGRAM})
    instead = api.post(JOBS, {"component": "command", "config": stored.key, "configData": PROGRAM})
    made = api.post(JOBS, {"component": "command", "config": stored.key})

    assert (brought.status_code, instead.status_code, made.status_code) == (403, 403, 201)


def test_an_operator_retries_what_an_editor_brought(project: Project, alice: User, oscar: User) -> None:
    body = {"component": "command", "configData": PROGRAM}
    earlier = api_of(project, alice).post(JOBS, body).json()

    again = api_of(project, oscar).post(JOBS, {**body, "previousJobId": earlier["id"]})

    assert again.status_code == 201
