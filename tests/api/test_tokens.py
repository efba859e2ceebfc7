from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Project, Role, Token, User
from tests import builders
from tests.api.conftest import Api, api_of, assert_storage_error, build_token

VERIFY = "/v2/storage/tokens/verify"


def test_a_person_verifies_a_token_of_their_own(
    api: Api, project: Project, token: tuple[Token, str], alice: User
) -> None:
    shown = api.get(VERIFY).json()

    row, text = token
    assert (shown["id"], shown["description"], shown["token"]) == (str(row.pk), row.description, text)
    assert (shown["isMasterToken"], shown["canManageBuckets"], shown["canManageTokens"]) == (True, True, True)
    assert (shown["bucketPermissions"], shown["componentAccess"]) == ({}, [])
    assert (shown["expires"], shown["isExpired"], shown["isDisabled"]) == (None, False, False)
    assert (shown["owner"]["id"], shown["owner"]["name"]) == (project.pk, project.name)
    assert {"features", "defaultBackend"} <= set(shown["owner"])
    assert shown["organization"]["id"]
    assert (shown["admin"]["id"], shown["admin"]["name"], shown["admin"]["role"]) == (alice.pk, "Alice", "admin")


@pytest.mark.parametrize(
    ("role", "word"),
    [(Role.ADMIN, "admin"), (Role.EDITOR, "share"), (Role.OPERATOR, "guest"), (Role.VIEWER, "readOnly")],
)
def test_a_role_has_a_word_of_the_api(project: Project, role: Role, word: str) -> None:
    person = builders.build_member(project, "somebody@example.org", role)

    assert api_of(project, person).get(VERIFY).json()["admin"]["role"] == word


def test_a_limited_token_has_no_admin(project: Project) -> None:
    expires_at = timezone.now() + timedelta(hours=1)
    _, text = build_token(
        project, component_access=[ORCHESTRATOR], bucket_permissions={"in.c-main": "read"}, expires_at=expires_at
    )

    shown = Api(text).get(VERIFY).json()

    assert "admin" not in shown
    assert shown["isMasterToken"] is False
    assert shown["componentAccess"] == [ORCHESTRATOR]
    assert shown["bucketPermissions"] == {"in.c-main": "read"}
    assert (shown["expires"], shown["isExpired"]) == (expires_at.isoformat(), False)


def wrong_tokens(text: str) -> list[str]:
    project_id, token_id, secret = text.split("-", 2)
    return [
        "x",
        "1-2",
        f"{project_id}-{token_id}-{secret[:-1]}",
        f"{project_id}-{token_id}-",
        f"{project_id}9-{token_id}-{secret}",
        f"{project_id}-{'9' * 40}-{secret}",
        f"-{text}",
        "É-É-É",
        "null",
        "0" * 5000,
    ]


def test_a_wrong_token_is_told_so(api: Api) -> None:
    for text in wrong_tokens(api.text):
        response = Api(text).get(VERIFY)

        assert assert_storage_error(response, 401) == "Invalid access token", text
        assert response.json()["code"] == "storage.tokenInvalid"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}]
)
def test_no_token_is_told_so(nobody: Api, headers: dict[str, str]) -> None:
    response = nobody.get(VERIFY, **headers)

    assert "Invalid access token" in assert_storage_error(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_is_no_token(as_alice: Any, project: Project) -> None:
    assert_storage_error(as_alice.get(VERIFY), 401)


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"replaced_at": timezone.now()},
        {"secret_hash": "0" * 64},
    ],
)
def test_a_token_that_is_over_is_refused(api: Api, token: tuple[Token, str], change: dict[str, Any]) -> None:
    Token.objects.filter(pk=token[0].pk).update(**change)

    assert_storage_error(api.get(VERIFY), 401)


def test_who_is_switched_off_has_no_token(api: Api, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert_storage_error(api.get(VERIFY), 401)


def test_there_is_one_branch(api: Api, nobody: Api, project: Project) -> None:
    branches = api.get("/v2/storage/dev-branches").json()

    assert [(each["id"], each["isDefault"]) for each in branches] == [(project.pk, True)]
    assert api.get("/v2/storage/dev-branches/default").json() == branches[0]
    assert api.get(f"/v2/storage/dev-branches/{project.pk}/").json() == branches[0]
    assert_storage_error(api.get("/v2/storage/dev-branches/other"), 404)
    assert_storage_error(nobody.get("/v2/storage/dev-branches"), 401)


@pytest.mark.parametrize("path", ["/v2/storage/", "/v2/storage"])
def test_the_services_are_told_to_everybody(nobody: Api, path: str) -> None:
    index = nobody.get(path).json()

    assert {each["id"]: each["url"] for each in index["services"]} == {
        "queue": "http://testserver/queue",
        "scheduler": "http://testserver/scheduler",
        "notification": "http://testserver/notification",
    }
    assert index["features"] == []
    assert {"command", "python-transformation", ORCHESTRATOR} <= {each["id"] for each in index["components"]}
    assert "components" not in nobody.get(f"{path}?exclude=components").json()


def test_addresses_are_those_of_the_public_url(nobody: Api, settings: Any) -> None:
    settings.PUBLIC_URL = "https://tutti.example.org"

    services = nobody.get("/v2/storage/").json()["services"]

    assert services[0]["url"] == "https://tutti.example.org/queue"
