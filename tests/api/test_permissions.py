"""Every call of the API with every kind of token: who is let through (DESIGN §8; R18, R19). A new call needs a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from orchestration_site import openapi
from orchestrations import granting, tokens
from orchestrations.access import Actor
from orchestrations.api import fields
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, Role, Token, User
from tests import builders
from tests.api.acceptance import NOT_TAKEN, named, recorded
from tests.api.conftest import Api, api_of, build_token, limited_api
from tests.api.permitted import EXPECTED
from tests.api.test_automation import declare
from tests.api.test_files import put
from tests.api.test_wire import build_subscription

pytestmark = pytest.mark.django_db
REFUSED = frozenset({401, 403, 404})
NOT_DONE = {"DELETE /v2/storage/buckets/{bucket_id}", "POST /v2/storage/triggers"}
"""What an admin is refused here: the bucket has tables, and the orchestration a trigger."""


class TakenBack(Exception):
    """Takes back what a call has done."""


def operations() -> Iterator[str]:
    """Those per branch are the same ones."""
    for path, item in openapi.document()["paths"].items():
        if not path.startswith("/v2/storage/branch/"):
            yield from (f"{method.upper()} {path}" for method in item if method != "parameters")


@pytest.fixture
def callers(project: Project, alice: User, bob: User, oscar: User, charlie: User) -> dict[str, Api]:
    editor = builders.build_member(project, "edith@example.org", Role.EDITOR)
    past = timezone.now() - timedelta(minutes=1)
    expired, deleted = build_token(project, user=alice, expires_at=past), build_token(project, user=alice)
    Token.objects.filter(pk=deleted[0].pk).delete()
    own = builders.build_orchestration(project, [builders.task(builders.build_configuration(project))], name="Own")

    def limited(*components: str, **buckets: str) -> Api:
        permissions = {f"in.c-{name}": permission for name, permission in buckets.items()}
        values = {"component_access": list(components), "bucket_permissions": permissions}
        return limited_api(project, **values, may_manage_buckets=False)

    return {
        "admin": api_of(project, alice),
        "editor": api_of(project, editor),
        "operator": api_of(project, oscar),
        "viewer": api_of(project, bob),
        "own": Api(tokens.reveal(own.own_tokens.get())),
        "full": limited_api(project, may_manage_buckets=False),
        "maker": limited_api(project, component_access=[], bucket_permissions={}, may_manage_buckets=True),
        "runner": limited(ORCHESTRATOR),
        "command": limited("command"),
        "nothing": limited(),
        "reader": limited(sales="read"),
        "writer": limited(sales="write"),
        "expired": Api(expired[1]),
        "gone": Api(deleted[1]),
        "replaced": Api(replaced_token(project, alice)),
        "inactive": inactive(project),
        "stranger": api_of(builders.build_project(charlie, "Elsewhere"), charlie),
        "nobody": Api(""),
    }


def replaced_token(project: Project, alice: User) -> str:
    """The former token of an orchestration, whose last run has not settled yet."""
    own = builders.build_orchestration(project, [builders.task(builders.build_configuration(project))], name="Renewed")
    text = tokens.reveal(own.own_tokens.get())
    builders.launch(own)
    granting.replace_own(own, actor=Actor(user=alice), now=timezone.now())
    assert own.own_tokens.filter(replaced_at__isnull=False).exists()
    return text


def inactive(project: Project) -> Api:
    """The own token of an admin whose account has been switched off since."""
    user = builders.build_member(project, "ina@example.org", Role.ADMIN)
    api = api_of(project, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return api


@pytest.fixture
def world(project: Project, alice: User, callers: dict[str, Api]) -> dict[str, Any]:
    """What calls are about: a part of an address or a field of a body each."""
    load = builders.build_configuration(project, name="Load")
    daily = builders.build_orchestration(project, [builders.task(load)], name="Daily")
    table = builders.build_table(project, "in.c-sales.orders")
    key = declare(callers["admin"], daily)
    file_id = callers["admin"].post("/v2/storage/files/prepare", {"name": "a.csv"}).json()["id"]
    run = builders.launch(daily)
    return {
        "project_id": str(project.pk),
        "component_id": "command",
        "configuration_id": load.key,
        "branch_id": "default",
        "version": "1",
        "job_id": str(builders.launch(load).pk),
        "run_id": str(run.pk),
        "orchestration_id": daily.key,
        "schedule_id": callers["admin"].post("/scheduler/schedules", {"configurationId": key}).json()["id"],
        "declaration_id": key,
        "trigger_id": str(builders.build_trigger(daily, table).pk),
        "subscription_id": str(build_subscription(project).pk),
        "token_id": str(build_token(project)[0].pk),
        "bucket_id": "in.c-sales",
        "table_id": "in.c-sales.orders",
        "file_id": file_id,
        "metadata_id": annotate(callers["admin"], load),
        "storage_job_id": callers["admin"].post("/v2/storage/tables/in.c-sales.orders/export-async", {}).json()["id"],
    }


def annotate(api: Api, configuration: Configuration) -> str:
    path = f"/v2/storage/components/command/configs/{configuration.key}/metadata"
    return str(api.post(path, {"metadata": [{"key": "a", "value": "b"}]}).json()[0]["id"])


OTHER_PARTS = {
    "POST /v2/storage/components/{component_id}/configs/{configuration_id}/token": {
        "component_id": "orchestrator",
        "configuration_id": "orchestration_id",
    },
    "GET /queue/orchestration-rerun-plan/{job_id}": {"job_id": "run_id"},
    "GET /v2/storage/jobs/{job_id}": {"job_id": "storage_job_id"},
    "DELETE /scheduler/configurations/{configuration_id}": {"configuration_id": "declaration_id"},
}
"""Where a part of the address is not what its name says."""
BODIES: dict[str, dict[str, Any]] = {
    "POST /v2/storage/buckets": {"name": "c-new", "stage": "in"},
    "POST /v2/storage/buckets/{bucket_id}/share-to-projects": {"targetProjectIds": ["{project_id}"]},
    "POST /v2/storage/buckets/{bucket_id}/tables-async": {"name": "new", "dataFileId": "{own_file}"},
    "POST /v2/storage/tables/{table_id}/import-async": {"dataFileId": "{own_file}"},
    "POST /v2/storage/tables/{table_id}/updates": {"rows": 1},
    "POST /v2/storage/components/{component_id}/configs": {"name": "New"},
    "PUT /v2/storage/components/{component_id}/configs/{configuration_id}": {"name": "Other"},
    "POST /v2/storage/components/{component_id}/configs/{configuration_id}/metadata": {
        "metadata": [{"key": "k", "value": "v"}]
    },
    "POST /v2/storage/events": {"message": "Done.", "runId": "{job_id}"},
    "POST /v2/storage/files/prepare": {"name": "b.csv"},
    "POST /v2/storage/tokens": {"description": "New"},
    "PUT /v2/storage/tokens/{token_id}": {"description": "Other"},
    "POST /v2/storage/triggers": {"configurationId": "{orchestration_id}", "tableIds": ["in.c-sales.orders"]},
    "PUT /v2/storage/triggers/{trigger_id}": {"coolDownPeriodMinutes": 6},
    "POST /queue/jobs": {"component": "command", "config": "{configuration_id}"},
    "POST /scheduler/schedules": {"configurationId": "{declaration_id}"},
    "POST /notification/project-subscriptions": {
        "event": "job-failed",
        "recipient": {"channel": "email", "address": "a@example.org"},
    },
}


OF_RUNS = {
    "POST /queue/jobs (a run)": {"body": {"component": ORCHESTRATOR, "config": "{orchestration_id}"}},
    "GET /queue/jobs/{job_id} (a run)": {"parts": {"job_id": "run_id"}},
    "POST /queue/jobs/{job_id}/kill (a run)": {"parts": {"job_id": "run_id"}},
}
"""Calls that are about an orchestration this time: others may make them (R19)."""
OTHER_PARTS |= {operation: said["parts"] for operation, said in OF_RUNS.items() if "parts" in said}
BODIES |= {operation: said["body"] for operation, said in OF_RUNS.items() if "body" in said}


def filled(value: Any, world: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [filled(each, world) for each in value]
    return value.format(**world) if isinstance(value, str) else value


def let_through(operation: str, api: Api, world: dict[str, Any]) -> bool:
    """Whether the call is refused neither for its token nor for what that may see."""
    return answered(operation, api, world) not in REFUSED


def answered(operation: str, api: Api, world: dict[str, Any], before: Callable[[], object] = lambda: None) -> int:
    """The status of the answer. What the call did is taken back."""
    method, path, *_ = operation.split(" ")
    parts = {"orchestrator": ORCHESTRATOR, **world}
    known = parts | {name: parts[other] for name, other in OTHER_PARTS.get(operation, {}).items()}
    try:
        with transaction.atomic():
            prepared = api.post("/v2/storage/files/prepare", {"name": "mine.csv"})
            known["own_file"] = prepared.json().get("id", "none")
            if prepared.status_code == 200:
                put(prepared.json(), "", b"id,amount\n1,10\n")
            body = {name: filled(value, known) for name, value in BODIES.get(operation, {}).items()}
            before()
            response = api.call(method, path.format(**known), body or None)
            assert response.status_code < 500, response.content
            raise TakenBack
    except TakenBack:
        return int(response.status_code)


def test_every_field_that_is_described_is_read_and_the_other_way_round(
    callers: dict[str, Api], world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With requests that do what they ask for, which made up ones seldom do."""
    read: dict[str, set[str]] = {"query": set(), "body": set()}
    of_query, of_body = fields.of_query, fields.of_body
    monkeypatch.setattr(fields, "of_query", lambda request: recorded(of_query(request), read["query"]))
    monkeypatch.setattr(fields, "of_body", lambda request: recorded(of_body(request), read["body"]))
    done, wrong = set(), []

    def forget() -> None:
        for names in read.values():
            names.clear()

    for operation in operations():
        method, path = operation.split(" ")
        said = openapi.document()["paths"][path][method.lower()]
        status = answered(operation, callers["admin"], world, before=forget)
        for place, names in read.items():
            wrong += [f"{operation} reads {name}" for name in names - named(said, place) - NOT_TAKEN[place]]
            if status < 400:
                done.add(operation)
                wrong += [f"{operation} passes over {name}" for name in named(said, place) - names]

    assert wrong == []
    assert set(operations()) - done == NOT_DONE


def test_every_call_has_a_row() -> None:
    assert sorted(each for group in EXPECTED.values() for each in group) == sorted([*operations(), *OF_RUNS])


@pytest.mark.one_database  # the first test makes each call on either; who may make it is decided in Python
@pytest.mark.parametrize("who", EXPECTED)
def test_who_is_let_through(who: str, callers: dict[str, Api], world: dict[str, Any]) -> None:
    found = {
        operation: " ".join(kind for kind, api in callers.items() if let_through(operation, api, world))
        for operation in EXPECTED[who]
    }

    assert found == dict.fromkeys(EXPECTED[who], who)
