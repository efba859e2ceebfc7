"""Requests made up of the description, good and bad: no mistake of ours, and no answer that it does not promise."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestration_site import openapi
from orchestrations.api import errors, fields
from orchestrations.api.errors import Invalid, Service
from orchestrations.models import Project, Token
from tests import builders
from tests.api.acceptance import NOT_TAKEN, keeps, named, recorded
from tests.api.conftest import build_token

pytestmark = pytest.mark.django_db
EXAMPLES, EXAMPLES_ON_POSTGRESQL = 24, 12
"""Of each operation, half of them against the description. On PostgreSQL each takes three times as long."""
MEANT = re.compile(
    r"there is no (component|bucket|column|project|file|token|configuration|orchestration)"
    r"|File \".*\" not found|expected a moment such as|an event is about a job|is not an e-mail address"
    r"|is not an http or https address|expected the address of a chat service|printable characters"
    r"|as in 0.2 for 20 %|a number from 0 to"
)
"""Refusals of what is well formed: what it speaks of is not there, or a text does not mean what it should."""
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


def operations() -> Iterator[tuple[str, str]]:
    """Those per branch are the same ones."""
    for path, item in openapi.document()["paths"].items():
        if not path.startswith("/v2/storage/branch/"):
            yield from ((method, path) for method in item if method != "parameters")


@functools.cache
def described() -> Any:
    """The schema as schemathesis has it. Loading that takes half a second, which only these tests should pay."""
    import schemathesis  # noqa: PLC0415 (see above)

    found = schemathesis.openapi.from_dict(openapi.document())
    found.app = get_wsgi_application()
    return found


@pytest.fixture
def known(project: Project, token: tuple[Token, str]) -> dict[str, str]:
    """A row behind every part of a path: what is made up would never get further than to its 404."""
    load = builders.build_configuration(project)
    orchestration = builders.build_orchestration(project, [builders.task(load)])
    table = builders.build_table(project, "in.c-sales.orders")
    return {
        "component_id": "command",
        "configuration_id": load.key,
        "branch_id": "default",
        "version": "1",
        "job_id": str(builders.launch(orchestration).pk),
        "token_id": str(build_token(project)[0].pk),
        "bucket_id": "in.c-sales",
        "table_id": "in.c-sales.orders",
        "schedule_id": str(builders.build_schedule(orchestration).pk),
        "trigger_id": str(builders.build_trigger(orchestration, table).pk),
    }


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests do not close the connection whose transaction the test is in; Django's own test client does the same."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@dataclass
class Sight:
    """What was seen of the last request, and of all together."""

    refusals: list[Exception] = field(default_factory=list)
    read: dict[str, set[str]] = field(default_factory=lambda: {"query": set(), "body": set()})
    was_done: bool = False


@pytest.fixture
def sight(monkeypatch: pytest.MonkeyPatch) -> Sight:
    """How the server came to its answers: by which error, and what it read of the request."""
    sight = Sight()
    respond, of_query, of_body = errors.respond, fields.of_query, fields.of_body

    def responding(service: Service, request: HttpRequest, error: Exception) -> HttpResponse:
        sight.refusals.append(error)
        return respond(service, request, error)

    monkeypatch.setattr(errors, "respond", responding)
    monkeypatch.setattr(fields, "of_query", lambda request: recorded(of_query(request), sight.read["query"]))
    monkeypatch.setattr(fields, "of_body", lambda request: recorded(of_body(request), sight.read["body"]))
    return sight


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_it_keeps_what_it_promises(
    method: str, path: str, known: dict[str, str], token: tuple[Token, str], sight: Sight
) -> None:
    """Of what is well described nothing is refused as malformed; what is not, is refused. All that is read is said."""
    from schemathesis import GenerationMode  # noqa: PLC0415 (see described)
    from schemathesis.checks import CHECKS, load_all_checks  # noqa: PLC0415

    load_all_checks()
    is_sqlite = connection.vendor == "sqlite"
    operation, said = described()[path][method.upper()], openapi.document()["paths"][path][method]
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if operation.body or operation.query else good

    @given(case=st.one_of(good, bad), is_there=st.booleans())
    @settings(
        max_examples=EXAMPLES if is_sqlite else EXAMPLES_ON_POSTGRESQL,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def hold(case: Any, is_there: bool) -> None:
        if is_there:
            case.path_parameters = {name: known.get(name, "1") for name in case.path_parameters or {}}
        sight.refusals.clear()
        response = case.call_and_validate(
            headers={"X-StorageApi-Token": token[1]}, checks=CHECKS.get_by_names(list(KEPT))
        )
        sight.was_done |= response.status_code < 400
        require_acceptance(said, response, sight)

    hold()
    for place, read in sight.read.items():
        assert read - named(said, place) - NOT_TAKEN[place] == set(), f"is read in the {place}, but not described"
        if sight.was_done and is_sqlite:
            assert named(said, place) - read == set(), f"is described in the {place}, but not read"


@pytest.mark.parametrize(
    ("body", "strictly", "loosely"),
    [
        ({"description": "Loader", "expiresIn": 60}, True, True),
        ({"description": 7, "expiresIn": "60", "canManageBuckets": "1", "componentAccess": "command"}, False, True),
        ({"description": "Loader", "expiresIn": 0}, False, False),
        ({"description": "Loader", "canManageBuckets": "yes"}, False, False),
        ({"description": "Loader", "bucketPermissions": {"in.c-a": "own"}}, False, False),
        ({"expiresIn": 60}, False, False),
    ],
)
def test_what_is_described_and_what_can_be_understood_are_told_apart(
    body: dict[str, Any], strictly: bool, loosely: bool
) -> None:
    request = SimpleNamespace(url="http://localhost/v2/storage/tokens", headers={}, body=json.dumps(body).encode())

    assert keeps(openapi.document()["paths"]["/v2/storage/tokens"]["post"], request) == (strictly, loosely)


@pytest.mark.parametrize(
    ("version", "strictly", "loosely"),
    [('"3"', True, True), (" 3 ", False, True), ("", False, True), ("three", False, False)],
)
def test_a_header_is_part_of_what_is_described(version: str, strictly: bool, loosely: bool) -> None:
    path = "/v2/storage/components/{component_id}/configs/{configuration_id}"
    request = SimpleNamespace(url="http://localhost/", headers={"If-Match": version}, body=b"{}")

    assert keeps(openapi.document()["paths"][path]["put"], request) == (strictly, loosely)


def require_acceptance(said: Any, response: Any, sight: Sight) -> None:
    """Raises AssertionError."""
    strictly, loosely = keeps(said, response.request)
    if strictly:
        malformed = [str(each) for each in sight.refusals if isinstance(each, Invalid) and not MEANT.search(str(each))]
        assert malformed == [], f"as described, and refused: {response.request.url} {response.request.body!r:.500}"
    if not loosely:
        where = f"{response.request.url} {response.request.body!r:.500}"
        assert response.status_code >= 400, f"not as described, and accepted: {where}"
