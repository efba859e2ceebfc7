"""Who asks for pages, and a project with something on every one of them."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestrations.models import Project, User
from tests.pages.world import World, build_world


@pytest.fixture
def world(project: Project, alice: User) -> World:
    return build_world(project, alice)


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
    return client
