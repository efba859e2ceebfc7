"""Tokens by the API: who makes them, what they may, and the one that an orchestration owns (R18, R19)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from jobs import pruning
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import tokens
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Project, Token, TokenEvent, User
from tests import builders
from tests.api.conftest import QUEUE, STORAGE, Api, api_of, assert_storage_error, build_token
from tests.builders import NOW, task

TOKENS = f"{STORAGE}/tokens"


def test_a_token_is_made_shown_changed_refreshed_and_deleted(api: Api, project: Project) -> None:
    builders.build_table(project, "in.c-sales.orders")
    made = api.post(
        TOKENS,
        form="description=Nightly&expiresIn=3600&componentAccess[]=command&bucketPermissions[in.c-sales]=read",
    )
    body = made.json()
    one = f"{TOKENS}/{body['id']}"

    assert made.status_code == 201
    assert (body["componentAccess"], body["bucketPermissions"]) == (["command"], {"in.c-sales": "read"})
    assert body["expires"] is not None
    assert Api(body["token"]).get(f"{TOKENS}/verify").json()["id"] == body["id"]
    assert "token" not in api.get(one).json()
    assert body["id"] in {each["id"] for each in api.get(TOKENS).json()}

    changed = api.put(one, {"description": "Hourly"}).json()
    assert (changed["description"], changed["componentAccess"]) == ("Hourly", ["command"])

    text = api.post(f"{one}/refresh").json()["token"]
    assert Api(body["token"]).get(f"{TOKENS}/verify").status_code == 401
    again = Api(text).post(f"{one}/refresh").json()["token"]
    assert Api(again).get(f"{TOKENS}/verify").status_code == 200
    assert [each["event"] for each in api.get(f"{one}/events").json()] == [
        *["storage.tokenRefreshed"] * 2,
        "storage.tokenChanged",
        "storage.tokenCreated",
    ]

    assert api.delete(one).status_code == 204
    assert Api(again).get(f"{TOKENS}/verify").status_code == 401
    assert_storage_error(api.get(one), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "description"),
        ({"description": "x" * 256}, "description"),
        ({"description": "x", "componentAccess": ["nothing"]}, "componentAccess"),
        ({"description": "x", "bucketPermissions": {"in.c-nothing": "read"}}, "bucketPermissions"),
        ({"description": "x", "bucketPermissions": {"in.c-nothing": "rule"}}, "bucketPermissions.in.c-nothing"),
        ({"description": "x", "expiresIn": 0}, "expiresIn"),
        ({"description": "x", "expiresIn": 10**9}, "expiresIn"),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: dict[str, Any], field: str) -> None:
    assert assert_storage_error(api.post(TOKENS, body), 400).startswith(f"{field}:")
    assert not Token.objects.filter(user=None, orchestration=None).exists()


def test_only_an_admins_own_token_makes_tokens(api: Api, project: Project, operator: Api, stranger: Api) -> None:
    limited, text = build_token(project, component_access=None, bucket_permissions=None)
    wanted = {"description": "x"}

    assert_storage_error(Api(text).post(TOKENS, wanted), 403)
    assert_storage_error(operator.post(TOKENS, wanted), 403)
    assert_storage_error(Api(text).get(TOKENS), 403)
    for outsider in (stranger, Api(text)):
        other = Token.objects.filter(user__isnull=False, project=project).first()
        assert other is not None
        assert_storage_error(outsider.get(f"{TOKENS}/{other.pk}"), 404)
    assert_storage_error(Api(text).delete(f"{TOKENS}/{limited.pk}"), 403)
    assert_storage_error(operator.delete(f"{TOKENS}/{limited.pk}"), 403)
    assert Token.objects.filter(pk=limited.pk).exists()


def test_everybody_deletes_their_own(project: Project, oscar: User) -> None:
    mine = api_of(project, oscar)
    own = Token.objects.get(user=oscar)

    assert mine.delete(f"{TOKENS}/{own.pk}").status_code == 204
    assert mine.get(f"{TOKENS}/verify").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_an_orchestrations_own_is_replaced_and_nothing_else(project: Project, api: Api) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily")
    own = orchestration.own_tokens.get()
    one, special = f"{TOKENS}/{own.pk}", f"{STORAGE}/components/{ORCHESTRATOR}/configs/{orchestration.key}/token"
    for refused in (api.put(one, {"description": "x"}), api.delete(one), api.post(f"{one}/refresh")):
        assert "belongs to the orchestration Daily" in assert_storage_error(refused, 409)

    run = builders.launch(orchestration)
    answer = api.post(special)

    run.refresh_from_db()
    new = Token.objects.get(orchestration=orchestration, replaced_at__isnull=True)
    assert (answer.status_code, answer.json()["id"], run.token_id) == (201, str(new.pk), own.pk)
    assert "token" not in answer.json()
    assert pruning.prune_tokens() == 0  # its last run is under way, and goes on with it
    builders.drain(builders.build_cluster())
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS
    assert pruning.prune_tokens() >= 1
    assert list(orchestration.own_tokens.all()) == [new]
    assert TokenEvent.objects.filter(token=new, kind="token.created").exists()


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_revoked_at_once_ends_what_runs(project: Project, api: Api) -> None:
    orchestration = builders.build_orchestration(
        project,
        [task(builders.build_configuration(project, name="First"))],
        [task(builders.build_configuration(project, name="Second"))],
        name="Daily",
    )
    run = builders.launch(orchestration)

    api.post(f"{STORAGE}/components/{ORCHESTRATOR}/configs/{orchestration.key}/token?immediately=1")
    builders.drain(builders.build_cluster())

    run.refresh_from_db()
    assert run.status == JobStatus.ERROR
    assert "expired on" in Job.objects.get(name="Second").message
    again = builders.launch(orchestration)
    again.refresh_from_db()
    assert again.status == JobStatus.PROCESSING


def test_a_trigger_token_needs_no_bucket_and_no_other_component(project: Project, api: Api) -> None:
    configuration = builders.build_configuration(project)
    orchestration = builders.build_orchestration(project, [task(configuration)])
    for access in ({}, {"componentAccess": [ORCHESTRATOR]}):
        text = api.post(TOKENS, {"description": "Caller", **access}).json()["token"]

        run = Api(text).post(f"{QUEUE}/jobs", {"component": ORCHESTRATOR, "config": orchestration.key})
        other = Api(text).post(f"{QUEUE}/jobs", {"component": "command", "config": configuration.key})

        assert (run.status_code, other.status_code) == (201, 403)


def test_who_may_manage_buckets_reaches_everything(project: Project, api: Api) -> None:
    made = api.post(TOKENS, {"description": "Loader", "canManageBuckets": True}).json()

    token = Token.objects.get(pk=made["id"])
    assert (token.component_access, token.bucket_permissions, made["hasFullAccess"]) == (None, None, True)
    assert token.created_at <= timezone.now()


def test_an_admin_does_not_learn_the_token_of_another_person(api: Api, project: Project, bob: User) -> None:
    personal, _ = tokens.create_personal(project, bob, description="Bob's laptop", now=NOW)

    refused = api.post(f"{TOKENS}/{personal.pk}/refresh")

    assert "who alone can refresh it" in assert_storage_error(refused, 409)
