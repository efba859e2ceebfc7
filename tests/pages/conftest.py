"""Who asks for pages, and a project with something on every one of them."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from orchestrations import sessions
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.pages.world import World, build_world


@pytest.fixture
def world(project: Project, alice: User) -> World:
    return build_world(project, alice)


@pytest.fixture
def orders(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Orders")


@pytest.fixture
def daily(project: Project, orders: Configuration) -> Configuration:
    publish = builders.build_configuration(project, name="Publish")
    return builders.build_orchestration(
        project, [task(orders, key="a"), task(publish, key="b")], [task(orders, key="c")], name="Daily"
    )


@pytest.fixture
def as_bob(bob: User) -> Client:
    return log_in(bob)


@pytest.fixture
def as_oscar(oscar: User) -> Client:
    return log_in(oscar)


@pytest.fixture
def as_charlie(charlie: User) -> Client:
    return log_in(charlie)


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    # As after a first page: the next one writes nothing.
    session = client.session
    sessions.note(session, address="", agent="", seconds=time.time())
    session.save()
    return client
