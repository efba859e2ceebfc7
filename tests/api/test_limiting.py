from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Job
from orchestrations.api import limiting
from orchestrations.models import Configuration, Project, Token
from tests import builders
from tests.api.conftest import Api, assert_queue_error, assert_storage_error, limited_api

VERIFY = "/v2/storage/tokens/verify"


@pytest.fixture(autouse=True)
def counted(settings: Any, tmp_path: Any) -> Any:
    settings.DATA_DIR, settings.API_REQUESTS_PER_MINUTE = tmp_path, 3
    return settings


@pytest.fixture
def configuration(project: Project) -> Configuration:
    return builders.build_configuration(project)


def told(response: Any) -> list[str | None]:
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After")
    return [response.headers.get(name) for name in names]


def test_every_answer_says_what_is_left_and_one_too_many_when_to_come_again(api: Api) -> None:
    assert told(api.get(VERIFY)) == ["3", "2", "20", None]
    assert told(api.get("/v2/storage/tokens/999999999")) == ["3", "1", "40", None]
    api.get(VERIFY)
    refused = api.get(VERIFY)

    assert told(refused) == ["3", "0", "60", "20"]
    assert refused.headers["RateLimit-Policy"] == "3;w=60"
    assert "3 requests in a minute" in assert_storage_error(refused, 429)
    assert refused.json()["code"] == "storage.tooManyRequests"


def test_what_is_refused_does_nothing(api: Api, configuration: Configuration) -> None:
    body = {"component": "command", "config": configuration.key}
    answers = [api.post("/queue/jobs", body) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert_queue_error(answers[-1], 429)
    assert Job.objects.count() == 3


def test_another_token_is_not_held_up_and_a_wrong_one_uses_nothing_up(
    api: Api, project: Project, token: tuple[Token, str]
) -> None:
    wrong = Api(token[1][:-1] + ("a" if token[1][-1] != "a" else "b"))
    for _ in range(4):
        assert_storage_error(wrong.get(VERIFY), 401)
    assert [api.get(VERIFY).status_code for _ in range(4)] == [200, 200, 200, 429]

    assert limited_api(project).get(VERIFY).status_code == 200


def test_nothing_is_limited_where_the_setting_says_so(api: Api, counted: Any) -> None:
    counted.API_REQUESTS_PER_MINUTE = 0

    answers = [api.get(VERIFY) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert told(answers[0]) == [None] * 4


def test_without_a_folder_the_process_counts_alone(api: Api, counted: Any, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("")
    counted.DATA_DIR = tmp_path / "file"

    assert [api.get(VERIFY).status_code for _ in range(4)] == [200, 200, 200, 429]
    limiting._rates.cache_clear()
