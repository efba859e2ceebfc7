"""Every call of the API with every kind of token: who is let through (DESIGN §8; R18, R19). A new call needs a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from orchestration_site import openapi
from orchestrations import tokens
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, Role, Token, User
from tests import builders
from tests.api.conftest import Api, api_of, build_token, limited_api
from tests.api.test_automation import declare
from tests.api.test_wire import build_subscription

pytestmark = pytest.mark.django_db
REFUSED = frozenset({401, 403, 404})


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
        "stranger": api_of(builders.build_project(charlie, "Elsewhere"), charlie),
        "nobody": Api(""),
    }


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
    "POST /v2/storage/buckets/{bucket_id}/share-to-projects": {"targetProjectIds": ["1"]},
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


EXPECTED = {
    "admin": [
        "DELETE /v2/storage/buckets/{bucket_id}/share",
        "DELETE /v2/storage/files/{file_id}",
        "DELETE /v2/storage/tokens/{token_id}",
        "POST /v2/storage/buckets/{bucket_id}/share-organization",
        "POST /v2/storage/buckets/{bucket_id}/share-organization-project",
        "POST /v2/storage/buckets/{bucket_id}/share-to-projects",
        "POST /v2/storage/tokens/{token_id}/refresh",
        "PUT /v2/storage/tokens/{token_id}",
    ],
    "admin editor": [
        "DELETE /notification/project-subscriptions/{subscription_id}",
        "DELETE /scheduler/configurations/{configuration_id}",
        "DELETE /scheduler/schedules/{schedule_id}",
        "DELETE /v2/storage/components/{component_id}/configs/{configuration_id}",
        "DELETE /v2/storage/components/{component_id}/configs/{configuration_id}/metadata/{metadata_id}",
        "DELETE /v2/storage/triggers/{trigger_id}",
        "POST /scheduler/schedules",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/copy",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/metadata",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/restore",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/token",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/versions/{version}/create",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/versions/{version}/rollback",
        "POST /v2/storage/triggers",
        "PUT /v2/storage/components/{component_id}/configs/{configuration_id}",
        "PUT /v2/storage/components/{component_id}/configs/{configuration_id}/state",
        "PUT /v2/storage/triggers/{trigger_id}",
    ],
    "admin stranger": [
        "POST /v2/storage/tokens",
    ],
    "admin editor own": [
        "DELETE /v2/storage/buckets/{bucket_id}",
    ],
    "admin editor stranger": [
        "POST /notification/project-subscriptions",
        "POST /v2/storage/components/{component_id}/configs",
    ],
    "admin editor operator viewer": [
        "GET /notification/project-subscriptions/{subscription_id}",
        "GET /scheduler/schedules/{schedule_id}",
        "GET /v2/storage/files/{file_id}",
        "GET /v2/storage/tokens/{token_id}",
        "GET /v2/storage/tokens/{token_id}/events",
        "GET /v2/storage/triggers/{trigger_id}",
    ],
    "admin editor operator viewer stranger": [
        "GET /notification/project-subscriptions",
        "GET /scheduler/schedules",
        "GET /v2/storage/tokens",
        "GET /v2/storage/triggers",
    ],
    "admin editor own full writer": [
        "DELETE /v2/storage/tables/{table_id}",
        "POST /v2/storage/buckets/{bucket_id}/tables-async",
        "POST /v2/storage/tables/{table_id}/import-async",
        "POST /v2/storage/tables/{table_id}/updates",
    ],
    "admin editor own maker stranger": [
        "GET /v2/storage/shared-buckets",
        "POST /v2/storage/buckets",
    ],
    "admin editor operator own full command": [
        "POST /queue/jobs",
        "POST /queue/jobs/{job_id}/kill",
        "POST /v2/storage/events",
    ],
    "admin editor own full writer stranger": [
        "POST /v2/storage/files/prepare",
    ],
    "admin editor operator viewer own full command": [
        "GET /queue/jobs/{job_id}",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}/metadata",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}/versions",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}/versions/{version}",
    ],
    "admin editor operator viewer own full command stranger": [
        "GET /v2/storage/components/{component_id}",
        "GET /v2/storage/components/{component_id}/configs",
    ],
    "admin editor operator viewer own full reader writer": [
        "GET /v2/storage/buckets/{bucket_id}",
        "GET /v2/storage/buckets/{bucket_id}/tables",
        "GET /v2/storage/jobs/{job_id}",
        "GET /v2/storage/tables/{table_id}",
        "GET /v2/storage/tables/{table_id}/data-preview",
        "POST /v2/storage/tables/{table_id}/export-async",
    ],
    "admin editor operator viewer own full maker runner nothing reader writer": [
        "GET /queue/orchestration-rerun-plan/{job_id}",
    ],
    "admin editor operator viewer own full maker runner command nothing reader writer stranger": [
        "GET /queue/search/jobs",
        "GET /v2/storage/buckets",
        "GET /v2/storage/components",
        "GET /v2/storage/dev-branches",
        "GET /v2/storage/dev-branches/{branch_id}",
        "GET /v2/storage/events",
        "GET /v2/storage/files",
        "GET /v2/storage/jobs",
        "GET /v2/storage/search/component-configurations",
        "GET /v2/storage/tables",
        "GET /v2/storage/tokens/verify",
    ],
    "admin editor operator viewer own full maker runner command nothing reader writer expired gone stranger nobody": [
        "GET /v2/storage/",
    ],
}
"""Calls by those whom they let through. Strangers are let into their own project, limited tokens see what is theirs."""


def filled(value: Any, world: dict[str, Any]) -> Any:
    return value.format(**world) if isinstance(value, str) else value


def let_through(operation: str, api: Api, world: dict[str, Any]) -> bool:
    """Whether the call is refused neither for its token nor for what that may see. What it did is taken back."""
    method, path = operation.split(" ")
    parts = {"orchestrator": ORCHESTRATOR, **world}
    known = parts | {name: parts[other] for name, other in OTHER_PARTS.get(operation, {}).items()}
    try:
        with transaction.atomic():
            prepared = api.post("/v2/storage/files/prepare", {"name": "mine.csv"})
            known["own_file"] = prepared.json().get("id", "none")
            body = {name: filled(value, known) for name, value in BODIES.get(operation, {}).items()}
            response = api.call(method, path.format(**known), body or None)
            assert response.status_code < 500, response.content
            raise TakenBack
    except TakenBack:
        return response.status_code not in REFUSED


def test_every_call_has_a_row() -> None:
    assert sorted(each for group in EXPECTED.values() for each in group) == sorted(operations())


@pytest.mark.parametrize("who", EXPECTED)
def test_who_is_let_through(who: str, callers: dict[str, Api], world: dict[str, Any]) -> None:
    found = {
        operation: " ".join(kind for kind, api in callers.items() if let_through(operation, api, world))
        for operation in EXPECTED[who]
    }

    assert found == dict.fromkeys(EXPECTED[who], who)
