"""Requests made up of the description, good and bad: no mistake of ours, and no answer that it does not promise."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestration_site import openapi
from orchestrations.models import Project, Token
from tests import builders
from tests.api.conftest import build_token

pytestmark = pytest.mark.django_db
EXAMPLES = 12
"""Of each operation, half of them against the description."""
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


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_it_keeps_what_it_promises(method: str, path: str, known: dict[str, str], token: tuple[Token, str]) -> None:
    from schemathesis import GenerationMode  # noqa: PLC0415 (see described)
    from schemathesis.checks import CHECKS, load_all_checks  # noqa: PLC0415

    load_all_checks()
    operation = described()[path][method.upper()]
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if operation.body or operation.query else good

    @given(case=st.one_of(good, bad), is_there=st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def hold(case: Any, is_there: bool) -> None:
        if is_there:
            case.path_parameters = {name: known.get(name, "1") for name in case.path_parameters or {}}
        case.call_and_validate(headers={"X-StorageApi-Token": token[1]}, checks=CHECKS.get_by_names(list(KEPT)))

    hold()
