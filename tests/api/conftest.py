from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from orchestrations import tokens
from orchestrations.models import Project, Role, Token, User
from tests import builders
from tests.api import contract
from tests.conftest import NOW

STORAGE = "/v2/storage"
QUEUE = "/queue"


@dataclass
class Api:
    """A client of the API with the token of somebody; "" is nobody."""

    text: str
    # Kept: a new client loads the middleware anew.
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False), repr=False)

    def call(self, method: str, path: str, body: Any = None, *, form: Any = None, **headers: str) -> Any:
        """The response, if it keeps the contract. ``body`` goes as JSON, ``form`` as a form; headers have _ for -."""
        sent = {"X-StorageApi-Token": self.text} if self.text else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind, data = "application/json", "" if body is None else json.dumps(body)
        if form is not None:
            kind, data = "application/x-www-form-urlencoded", form
        response = self.client.generic(method, path, data, content_type=kind, headers=sent)
        contract.check(method, path, response)
        return response

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("POST", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.call("DELETE", path, **more)


def api_of(project: Project, user: User) -> Api:
    _, text = tokens.create_personal(project, user, description=f"{user}'s token", now=NOW)
    return Api(text)


def limited_api(project: Project, **fields: Any) -> Api:
    _, text = build_token(project, **fields)
    return Api(text)


def build_token(project: Project, **fields: Any) -> tuple[Token, str]:
    """A limited token: nobody's own."""
    token, text = tokens.create_personal(
        project, project.memberships.filter(role=Role.ADMIN).earliest("pk").user, description="", now=NOW
    )
    values = {"user": None, "description": "a limited one", "may_manage_tokens": False, **fields}
    Token.objects.filter(pk=token.pk).update(**values)
    token.refresh_from_db()
    return token, text


@pytest.fixture
def api(token: tuple[Token, str]) -> Api:
    """Alice's, an admin."""
    return Api(token[1])


@pytest.fixture
def nobody(db: None) -> Api:
    return Api("")


@pytest.fixture
def viewer(project: Project, bob: User) -> Api:
    return api_of(project, bob)


@pytest.fixture
def operator(project: Project, oscar: User) -> Api:
    return api_of(project, oscar)


@pytest.fixture
def stranger(charlie: User) -> Api:
    """Charlie's, the admin of a project of his own."""
    return api_of(builders.build_project(charlie, "Elsewhere"), charlie)


def assert_storage_error(response: Any, status: int) -> str:
    """The shape of Storage's errors; returns the message."""
    document = response.json()
    assert response.status_code == status, document
    assert set(document) == {"error", "code", "exceptionId"}
    assert isinstance(document["code"], str)
    return _message(document)


def assert_queue_error(response: Any, status: int) -> str:
    """The shape of the other services' errors; returns the message."""
    document = response.json()
    assert response.status_code == status, document
    assert set(document) == {"error", "code", "status", "exceptionId"}
    assert document["code"] == status
    assert document["status"] == "error"
    return _message(document)


def _message(document: dict[str, Any]) -> str:
    assert document["exceptionId"]
    assert document["error"]
    return str(document["error"])
