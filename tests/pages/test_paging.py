"""Lists that grow without end stand on pages, walked by links in both directions, at the same cost on every page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from jobs.models import Delivery, DeliveryAttempt, DeliveryStatus
from orchestrations import tokens
from orchestrations.models import Channel, Subscription, Token, TokenEvent
from tests import builders
from tests.builders import NOW
from tests.pages.test_budgets import count_queries
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
MANY = 60
Build = Callable[[World, int], str]


def delivery(world: World, number: int, **fields: Any) -> Delivery:
    given: dict[str, Any] = {
        "subject": f"Row{number:02}.",
        "status": DeliveryStatus.SENT,
        "finished_at": NOW,
        **fields,
    }
    return Delivery.objects.create(
        project=world.project,
        channel=Channel.EMAIL,
        address=f"person{number:02}@example.org",
        message_id=f"message-{number}",
        next_attempt_at=NOW,
        created_at=NOW,
        **given,
    )


def build_token(world: World, description: str, now: datetime = NOW) -> Token:
    admin = builders.admin_of(world.project).user
    assert admin is not None
    token, _ = tokens.create_limited(
        world.project, description=description, component_access=[], created_by=admin, now=now
    )
    return token


def tokens_of_programs(world: World, count: int) -> str:
    for number in range(count):
        build_token(world, f"Row{number:02}.")
    return reverse("tokens", args=[world.project.pk])


def tokens_of_orchestrations(world: World, count: int) -> str:
    for number in range(count):
        orchestration = builders.build_orchestration(world.project, [builders.task(world.extractor)])
        Token.objects.filter(orchestration=orchestration).update(description=f"Row{number:02}.")
    return reverse("tokens", args=[world.project.pk])


def events_of_a_token(world: World, count: int) -> str:
    token = build_token(world, "One")
    for number in range(count):
        TokenEvent.objects.create(token=token, at=NOW, kind="changed", message=f"Row{number:02}.")
    return reverse("token", args=[world.project.pk, token.pk])


def recipients(world: World, count: int) -> str:
    for number in range(count):
        found = Subscription.objects.create(
            project=world.project, configuration=world.orchestration, event="job-failed", channel=Channel.EMAIL,
            address=f"Row{number:02}.@example.org", created_at=NOW,
        )  # fmt: skip
        if number % 10 == 0:
            delivery(world, number, subscription=found, subject="Told")
    return reverse("notifications", args=[world.project.pk])


def log(world: World, count: int) -> str:
    for number in range(count):
        DeliveryAttempt.objects.create(delivery=delivery(world, number), at=NOW, was_accepted=True, answer="250 OK")
    return reverse("notifications", args=[world.project.pk])


def sent_to_me(world: World, count: int) -> str:
    alice = get_user_model().objects.get(email="alice@example.org")
    for number in range(count):
        delivery(world, number, user=alice)
    return reverse("my-notifications")


def outbox(world: World, count: int) -> str:
    get_user_model().objects.filter(email="alice@example.org").update(is_superuser=True)
    for number in range(count):
        delivery(world, number, status=DeliveryStatus.KEPT, finished_at=None)
    return reverse("outbox")


LISTS = [tokens_of_programs, tokens_of_orchestrations, events_of_a_token, recipients, log, sent_to_me, outbox]
by_list = pytest.mark.parametrize("build", LISTS, ids=lambda build: build.__name__)


def rows_of(text: str) -> list[str]:
    """Each once, in the order of the page."""
    return list(dict.fromkeys(re.findall(r"Row\d\d", text)))


def walk(client: Client, address: str, rel: str) -> tuple[list[list[str]], str]:
    """The rows of every page from there on, and the address of the last."""
    pages = []
    while True:
        text = client.get(address).text
        pages.append(rows_of(text))
        further = re.search(rf'href="([^"]+)" rel="{rel}"', text)
        if further is None:
            return pages, address
        address = unescape(further.group(1))


@by_list
def test_every_row_stands_on_one_page_and_the_way_back_is_the_same(
    build: Build, world: World, as_alice: Client
) -> None:
    address = build(world, MANY)

    down, last = walk(as_alice, address, "next")
    up, _ = walk(as_alice, last, "prev")

    assert [row for page in down for row in page] == [f"Row{number:02}" for number in reversed(range(MANY))]
    assert len(down) == 3
    assert {row for page in up for row in page} == {row for page in down for row in page}
    assert len(up) == 3


@by_list
def test_a_page_costs_the_same_however_much_there_is(build: Build, world: World, as_alice: Client) -> None:
    address = build(world, 26)
    few, _ = count_queries(as_alice, address)
    for model in (Delivery, Token, Subscription):
        model.objects.all().delete()

    many, _ = count_queries(as_alice, build(world, MANY))

    assert many == few


@by_list
def test_what_else_the_address_says_is_kept(build: Build, world: World, as_alice: Client) -> None:
    text = as_alice.get(build(world, MANY), {"kind": "a b", "log-before": "7000", "own-tokens-before": "7000"}).text

    (older,) = re.findall(r'href="([^"]+)" rel="next"', text)[-1:]
    assert "kind=a+b" in unescape(older)


@by_list
def test_a_page_that_is_gone_is_the_first_one(build: Build, world: World, as_alice: Client) -> None:
    address = build(world, 3)
    first = rows_of(as_alice.get(address).text)

    names = ("", "own-tokens-", "orchestration-tokens-", "events-", "recipients-", "log-")
    for query in ({f"{name}before": "1" for name in names}, {f"{name}after": "9" * 18 for name in names}):
        assert rows_of(as_alice.get(address, query).text) == first == ["Row02", "Row01", "Row00"]


def test_two_lists_of_one_page_are_turned_apart(world: World, as_alice: Client) -> None:
    tokens_of_orchestrations(world, 30)
    address = tokens_of_programs(world, 30)
    own = re.findall(r'href="([^"]+)" rel="next"', as_alice.get(address).text)[0]

    second = as_alice.get(unescape(own))

    others = [Token.objects.filter(orchestration__isnull=is_own).count() - 25 for is_own in (True, False)]
    assert [len(second.context[name]) for name in ("own", "of_orchestrations")] == [others[0], 25]
    (other,) = re.findall(r'href="([^"]+)" rel="next"', second.text)
    third = as_alice.get(unescape(other))
    assert [len(third.context[name]) for name in ("own", "of_orchestrations")] == others
    assert unescape(other).endswith("#orchestration-tokens")


def test_it_is_newest_first_also_for_what_was_made_in_one_moment(world: World, as_alice: Client) -> None:
    tokens_of_programs(world, 2)
    build_token(world, "Row99.", NOW - timedelta(days=1))

    assert rows_of(as_alice.get(tokens_of_programs(world, 0)).text) == ["Row99", "Row01", "Row00"]
