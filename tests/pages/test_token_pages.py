"""API tokens on pages: made and shown once, changed, refreshed, deleted; an orchestration's own is replaced."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from orchestrations import editing, granting, tokens
from orchestrations.models import Project, Token
from scheduling.models import Schedule
from tests import builders
from tests.builders import task
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def address(world: World, name: str, *more: int) -> str:
    return reverse(name, args=[world.project.pk, *more])


def test_a_new_token_is_shown_once(world: World, as_alice: Client) -> None:
    builders.build_table(world.project, "in.c-sales.orders")
    wanted = {"kind": "limited", "description": "Loader", "access": "custom", "life": "custom", "days": "7"}

    as_alice.post(address(world, "token-new"), {**wanted, "component": "command", "bucket-in.c-sales": "write"})
    page = as_alice.get(address(world, "tokens")).content.decode()

    token = Token.objects.get(description="Loader")
    text = re.findall(r'value="(\d+-\d+-[^"]+)"', page)[0]
    assert tokens.find(text, timezone.now()) == token
    assert (token.component_access, token.bucket_permissions) == (["command"], {"in.c-sales": "write"})
    assert token.expires_at is not None
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)
    assert text not in as_alice.get(address(world, "tokens")).content.decode()


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"description": " "}, "Must have 1 to 255 characters."),
        ({"description": "x", "life": "custom", "days": "never"}, "Expected a number of days from 1 to 3660."),
        ({"description": "x", "component": "nothing"}, ""),
    ],
)
def test_what_is_wrong_stays_in_the_form(wanted: dict[str, str], sentence: str, world: World, as_alice: Client) -> None:
    answer = as_alice.post(address(world, "token-new"), {"kind": "limited", "access": "custom", **wanted})

    # A component that is not there cannot be checked in the form, so it is as if it was not chosen.
    assert answer.status_code == (422 if sentence else 302)
    assert sentence in answer.content.decode()


def test_others_than_admins_make_only_their_own(world: World, as_bob: Client) -> None:
    limited = as_bob.post(address(world, "token-new"), {"kind": "limited", "description": "Mine"})
    own = as_bob.post(address(world, "token-new"), {"kind": "own", "description": "Mine"})

    assert (limited.status_code, own.status_code) == (403, 302)
    assert Token.objects.get(description="Mine").is_master


def test_a_token_is_changed_refreshed_and_deleted(world: World, as_alice: Client, as_bob: Client) -> None:
    pk = world.token.pk
    for name in ("token", "token-refresh", "token-delete"):
        assert as_bob.post(address(world, name, pk), {"description": "x"}).status_code == 403

    as_alice.post(address(world, "token", pk), {"description": "Weekly load", "access": "full", "manage_buckets": "on"})
    world.token.refresh_from_db()
    assert (world.token.description, world.token.component_access) == ("Weekly load", None)
    assert (world.token.bucket_permissions, world.token.may_manage_buckets) == (None, True)

    before = world.token.secret_hash
    as_alice.post(address(world, "token-refresh", pk))
    world.token.refresh_from_db()
    assert world.token.secret_hash != before
    assert "Refreshed by Alice." in as_alice.get(address(world, "token", pk)).content.decode()

    as_alice.post(address(world, "token-delete", pk))
    assert not Token.objects.filter(pk=pk).exists()


def test_an_admin_ends_the_token_of_another_person_and_never_learns_it(
    world: World, as_alice: Client, as_bob: Client
) -> None:
    as_bob.post(address(world, "token-new"), {"kind": "own", "description": "Bob's laptop"})
    token = Token.objects.get(description="Bob's laptop")

    page = as_alice.get(address(world, "token", token.pk)).content.decode()
    answer = as_alice.post(address(world, "token-refresh", token.pk))

    assert answer.status_code == 422
    assert "who alone can refresh it" in answer.content.decode()
    assert Token.objects.get(pk=token.pk).secret_hash == token.secret_hash
    assert address(world, "token-refresh", token.pk) not in page
    assert address(world, "token-delete", token.pk) in page
    assert as_alice.post(address(world, "token-delete", token.pk)).status_code == 302


def test_an_orchestrations_own_is_replaced_on_its_page_alone(world: World, as_alice: Client) -> None:
    own = world.orchestration.own_tokens.get()
    for name in ("token-refresh", "token-delete"):
        answer = as_alice.post(address(world, name, own.pk))
        assert answer.status_code == 422
        assert "There is a special API for that" in answer.content.decode()

    Token.objects.filter(pk=own.pk).update(expires_at=timezone.now())
    page = as_alice.get(address(world, "orchestration", world.orchestration.pk)).content.decode()
    assert "Runs would fail: The token" in page

    as_alice.post(address(world, "orchestration-token", world.orchestration.pk))
    page = as_alice.get(address(world, "orchestration", world.orchestration.pk)).content.decode()
    assert "Runs would fail" not in page
    assert world.orchestration.own_tokens.count() == 2


NARROW = {
    "whole": (None, {"in.c-shop": "read", "out.c-x": "write"}, ""),
    "reads too little": (None, {"out.c-x": "write"}, 'Sums: The token "{}" needs read access to in.c-shop.'),
    "writes too little": (None, {"in.c-shop": "read", "out.c-x": "read"}, 'Sums: The token "{}" needs write access'),
    "runs too little": (["command"], None, 'The token "{}" has no access to the component keboola.orchestrator.'),
    "runs no task": (
        ["keboola.orchestrator"],
        None,
        'Sums: The token "{}" has no access to the component sql-transformation.',
    ),
}


@pytest.mark.parametrize("case", NARROW)
def test_page_and_run_dialog_say_beforehand_what_the_token_lacks(case: str, project: Project, as_alice: Client) -> None:
    components, permissions, words = NARROW[case]
    written = {"source": "sums", "destination": "out.c-x.sums"}
    storage = {"input": {"tables": [{"source": "in.c-shop.orders"}]}, "output": {"tables": [written]}}
    sums = builders.build_configuration(
        project,
        component_id="sql-transformation",
        name="Sums",
        document={"parameters": {"code": "SELECT 1"}, "storage": storage},
    )
    inner = builders.build_orchestration(project, [task(builders.build_configuration(project, name="Inside"))])
    orchestration = builders.build_orchestration(project, [task(inner), task(sums)])
    Token.objects.filter(orchestration=orchestration).update(
        component_access=components, bucket_permissions=permissions
    )
    name = escape(orchestration.own_tokens.get().description)

    pages = [
        as_alice.get(reverse(each, args=[project.pk, orchestration.pk]))
        for each in ("orchestration", "orchestration-run")
    ]

    for page in pages:
        assert ("would fail" in page.text) is bool(words)
        assert escape(words).format(name) in page.text
        assert page.context["token_lacks"].startswith(words.format(orchestration.own_tokens.get().description))


def test_what_the_token_lacks_for_content_of_a_task_is_told_too(project: Project) -> None:
    def inline(key: str, bucket: str) -> dict[str, Any]:
        written = {"output": {"tables": [{"source": "sums", "destination": f"{bucket}.sums"}]}}
        content = {"parameters": {"code": "SELECT 1"}, "storage": written}
        return {"id": key, "name": key, "task": {"componentId": "sql-transformation", "configData": content}}

    orchestration = builders.build_orchestration(project, [inline("Mine", "out.c-x"), inline("Yours", "out.c-y")])
    Token.objects.filter(orchestration=orchestration).update(bucket_permissions={"out.c-x": "write"})

    assert "out.c-y" in granting.lacks(orchestration, timezone.now())
    assert granting.lacks(orchestration, timezone.now()).startswith("Yours: ")


def test_a_token_that_ends_before_the_next_start_is_told(world: World, as_alice: Client) -> None:
    world.schedule.refresh_from_db()
    names, words = ("orchestration", "orchestration-run"), "before the next start"
    urls = [address(world, name, world.orchestration.pk) for name in names]
    own = Token.objects.filter(orchestration=world.orchestration)
    start = timezone.now() + timedelta(hours=3)
    Schedule.objects.filter(pk=world.schedule.pk).update(next_run_at=start)
    told = {}

    for minutes in (-1, 1):
        own.update(expires_at=start + timedelta(minutes=minutes))
        told[minutes] = [words in as_alice.get(url).text for url in urls]
    own.update(expires_at=start - timedelta(minutes=1))
    editing.set_enabled(world.orchestration, False, actor=builders.admin_of(world.project), now=timezone.now())

    assert told == {-1: [True, True], 1: [False, False]}
    for url in urls:
        assert words not in as_alice.get(url).text, "nothing starts it while it is disabled"
