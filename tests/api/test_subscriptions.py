"""The Notification API."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrations import subscribing
from orchestrations.models import Project, Subscription, User
from tests import builders
from tests.api.conftest import Api, api_of, assert_queue_error, limited_api
from tests.builders import task

PATH = "/notification/project-subscriptions"
MAIL = {"channel": "email", "address": "list@example.org"}


def test_it_subscribes_lists_shows_and_removes(api: Api, project: Project) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    filters: list[dict[str, Any]] = [
        {"field": "job.component.id", "value": "keboola.orchestrator"},
        {"field": "job.configuration.id", "operator": "==", "value": orchestration.key},
        {"field": "durationOvertimePercentage", "operator": ">=", "value": 0.2},
    ]

    made = api.post(PATH, {"event": "job-processing-long", "filters": filters, "recipient": MAIL})
    again = api.post(PATH, {"event": "job-processing-long", "filters": filters, "recipient": MAIL})

    assert made.status_code == 201
    body = made.json()
    assert body["filters"] == [{"operator": "==", **each} for each in filters]
    assert body["recipient"] == MAIL
    assert again.json()["id"] == body["id"]
    assert Subscription.objects.get().configuration_id == orchestration.pk
    assert api.get(PATH).json() == [body]
    assert api.get(f"{PATH}?event=job-failed").json() == []
    assert api.get(f"{PATH}/{body['id']}").json() == body
    assert api.delete(f"{PATH}/{body['id']}").status_code == 204
    assert_queue_error(api.get(f"{PATH}/{body['id']}"), 404)


def test_a_webhook_gets_its_secret_once(api: Api) -> None:
    hook = {"channel": "webhook", "url": "https://example.org/hook"}

    made = api.post(PATH, {"event": "job-failed", "recipient": hook}).json()

    assert made["recipient"] == {**hook, "secret": subscribing.secret_of(Subscription.objects.get())}
    assert "secret" not in api.get(f"{PATH}/{made['id']}").json()["recipient"]


@pytest.mark.parametrize(
    ("body", "field", "status"),
    [
        ({"event": "job-exploded"}, "event", 400),
        ({"recipient": {"channel": "pigeon", "address": "x"}}, "recipient.channel", 400),
        ({"recipient": {"channel": "email", "address": "x"}}, "recipient.address", 400),
        ({"filters": [{"field": "job.colour", "value": "red"}]}, "field", 400),
        ({"filters": [7]}, "filters[0]", 400),
        ({"filters": [{"field": "job.component.id", "operator": "~", "value": "x"}]}, "filters[0].operator", 400),
        ({"event": "job-processing-long"}, "durationOvertimePercentage", 400),
        ({"expiresAt": "yesterday"}, "expiresAt", 400),
        ({"filters": [{"field": "job.configuration.id", "value": "nothing"}]}, "configuration", 404),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: dict[str, Any], field: str, status: int) -> None:
    response = api.post(PATH, {"event": "job-failed", "recipient": MAIL, **body})

    assert_queue_error(response, status)
    assert field in response.json()["error"]
    assert not Subscription.objects.exists()


def test_who_may(project: Project, bob: User, oscar: User, charlie: User, api: Api) -> None:
    made = api.post(PATH, {"event": "job-failed", "recipient": MAIL}).json()
    one = f"{PATH}/{made['id']}"
    other = builders.build_project(charlie, "Elsewhere")

    for reader in (api_of(project, bob), api_of(project, oscar)):
        assert reader.get(one).status_code == 200
        assert_queue_error(reader.post(PATH, {"event": "job-failed", "recipient": MAIL}), 403)
        assert_queue_error(reader.delete(one), 403)
    assert_queue_error(limited_api(project).get(PATH), 403)
    stranger = api_of(other, charlie)
    assert stranger.get(PATH).json() == []
    assert_queue_error(stranger.get(one), 404)
    assert_queue_error(stranger.delete(one), 404)
    assert Subscription.objects.count() == 1
