"""Every page, asked for by everybody: a new address that is not listed here fails the first test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from orchestrations.access import RANK
from orchestrations.models import Role, User
from tests import builders
from tests.pages.conftest import log_in
from tests.pages.world import World

pytestmark = pytest.mark.django_db

ELSEWHERE = ("admin/", "queue/", "^v2/storage")
"""Addresses with tests of their own: Django's admin and the API."""
OF_THE_COMPONENT = ("project", "component")
OF_THE_CONFIGURATION = ("project", "extractor")
OF_THE_ORCHESTRATION = ("project", "orchestration")
OF_A_MEMBER = ("project", "member")
OF_THE_FAILED_RUN = ("project", "failed_run")
OF_THE_WAITING_RUN = ("project", "waiting_run")
OF_THE_TRASHED = ("project", "trashed")
FORM = ("GET", "POST")


@dataclass(frozen=True)
class Page:
    """``of``: which rows of the world its address names. ``least``: the role that it takes, even to look at it.
    ``is_everywhere``: what it names is no row of a project."""

    of: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    least: Role = Role.VIEWER
    is_everywhere: bool = False


def page_to_operate(of: tuple[str, ...], methods: tuple[str, ...] = FORM) -> Page:
    return Page(of, methods, Role.OPERATOR)


def page_to_edit(of: tuple[str, ...], is_everywhere: bool = False) -> Page:
    return Page(of, FORM, Role.EDITOR, is_everywhere)


def page_to_manage(of: tuple[str, ...], methods: tuple[str, ...] = FORM) -> Page:
    return Page(of, methods, Role.ADMIN)


PAGES = {
    "dashboard": Page(of=("project",)),
    "search": Page(of=("project",)),
    "project-settings": page_to_manage(("project",)),
    "members": Page(of=("project",)),
    "member-new": page_to_manage(("project",)),
    "member": page_to_manage(OF_A_MEMBER),
    "member-removal": page_to_manage(OF_A_MEMBER),
    "member-renewal": page_to_manage(OF_A_MEMBER, ("POST",)),
    "orchestrations": Page(of=("project",)),
    "orchestration-new": page_to_edit(("project",)),
    "orchestration-import": page_to_edit(("project",)),
    "orchestration": Page(of=OF_THE_ORCHESTRATION),
    "orchestration-edit": page_to_edit(OF_THE_ORCHESTRATION),
    "orchestration-export": Page(of=OF_THE_ORCHESTRATION),
    "orchestration-run": page_to_operate(OF_THE_ORCHESTRATION),
    "orchestration-switch": page_to_operate(OF_THE_ORCHESTRATION, ("POST",)),
    "orchestration-tasks": page_to_edit(OF_THE_ORCHESTRATION),
    "components": Page(of=("project",)),
    "component": Page(of=OF_THE_COMPONENT, is_everywhere=True),
    "configuration-new": page_to_edit(OF_THE_COMPONENT, is_everywhere=True),
    "configuration": Page(of=OF_THE_CONFIGURATION),
    "configuration-edit": page_to_edit(OF_THE_CONFIGURATION),
    "configuration-run": page_to_operate(OF_THE_CONFIGURATION),
    "configuration-automate": page_to_edit(OF_THE_CONFIGURATION),
    "configuration-switch": page_to_operate(OF_THE_CONFIGURATION, ("POST",)),
    "configuration-copy": page_to_edit(OF_THE_ORCHESTRATION),
    "configuration-trash": page_to_edit(OF_THE_ORCHESTRATION),
    "versions": Page(of=OF_THE_ORCHESTRATION),
    "version-compare": Page(of=OF_THE_ORCHESTRATION),
    "version-restore": page_to_edit((*OF_THE_ORCHESTRATION, "first_version")),
    "trash": Page(of=("project",)),
    "configuration-restore": page_to_edit(OF_THE_TRASHED),
    "configuration-purge": page_to_manage(OF_THE_TRASHED),
    "jobs": Page(of=("project",)),
    "jobs-suggestions": Page(of=("project",)),
    "jobs-help": Page(of=("project",)),
    "job": Page(of=OF_THE_FAILED_RUN),
    "job-log": Page(of=OF_THE_FAILED_RUN),
    "job-log-download": Page(of=OF_THE_FAILED_RUN),
    "job-events": Page(of=OF_THE_FAILED_RUN),
    "job-termination": page_to_operate(OF_THE_WAITING_RUN),
    "job-retry": page_to_operate(OF_THE_FAILED_RUN),
}
OUTSIDE_PROJECTS = {"health", "home", "login", "logout", "theme", "styleguide"} | {
    "profile",
    "time-zone",
    "project-new",
    "invitation",
}
CASES = [(name, method) for name, page in PAGES.items() for method in page.methods]
ACTIONS = [(name, method) for name, method in CASES if PAGES[name].least != Role.VIEWER]
READABLE = [name for name, page in PAGES.items() if page.least == Role.VIEWER]
EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")


def test_no_page_escapes_the_sweep() -> None:
    assert set(names_of_pages(get_resolver().url_patterns)) == PAGES.keys() | OUTSIDE_PROJECTS


@pytest.mark.parametrize(("name", "method"), CASES)
def test_it_answers_alice(name: str, method: str, world: World, as_alice: Client) -> None:
    response = ask(as_alice, name, method, world)

    assert response.status_code in (200, 302, 422)
    assert response.status_code == 200 or method == "POST"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.EDITOR])
@pytest.mark.parametrize(("name", "method"), CASES)
def test_it_answers_the_role_that_it_takes(name: str, method: str, role: Role, world: World) -> None:
    member = log_in(builders.build_member(world.project, "between@example.org", role))

    status = ask(member, name, method, world).status_code

    assert status in ((200, 302, 422) if RANK[role] >= RANK[PAGES[name].least] else (403,))


@pytest.mark.parametrize("name", READABLE)
def test_bob_may_look(name: str, world: World, as_bob: Client) -> None:
    assert ask(as_bob, name, "GET", world).status_code == 200


@pytest.mark.parametrize(("name", "method"), ACTIONS)
def test_bob_may_not_act(name: str, method: str, world: World, as_bob: Client) -> None:
    response = ask(as_bob, name, method, world)

    assert response.status_code == 403
    assert "You may look at this, but not do that" in response.text


@pytest.mark.parametrize("name", READABLE)
def test_bob_is_offered_no_action(name: str, world: World, as_bob: Client) -> None:
    text = b"".join(ask(as_bob, name, "GET", world)).decode()

    actions = [reverse(each, args=arguments(each, world)) for each in PAGES if PAGES[each].least != Role.VIEWER]
    assert [address for address in actions if address in text] == []


@pytest.mark.parametrize(("name", "method"), CASES)
def test_it_does_not_exist_for_charlie(name: str, method: str, world: World, as_charlie: Client) -> None:
    assert ask(as_charlie, name, method, world).status_code == 404


@pytest.mark.parametrize(("name", "method"), CASES)
def test_anonymous_people_are_led_to_the_login(name: str, method: str, world: World, client: Client) -> None:
    response = ask(client, name, method, world)

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=/projects/")


@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_part_of_a_page_leads_anonymous_people_to_the_login_as_a_whole(
    name: str, method: str, world: World, client: Client
) -> None:
    here = f"http://testserver{reverse(name, args=arguments(name, world))}"

    response = ask(client, name, method, world, headers={"HX-Request": "true", "HX-Current-URL": here})

    assert response["HX-Redirect"] == f"/login/?next={reverse(name, args=arguments(name, world))}"
    assert response.content == b""


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name in PAGES for method in EVERY_METHOD if method not in PAGES[name].methods],
)
def test_another_method_is_refused(name: str, method: str, world: World, as_alice: Client) -> None:
    assert ask(as_alice, name, method, world).status_code == 405


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if len(page.of) > 1 and not page.is_everywhere])
def test_a_row_of_another_project_is_not_found(name: str, world: World, as_alice: Client, alice: User) -> None:
    another = builders.build_project(alice, "Another")
    method = PAGES[name].methods[0]

    of_another = as_alice.generic(method, reverse(name, args=[another.pk, *arguments(name, world)[1:]]))
    unknown = as_alice.generic(method, reverse(name, args=[world.project.pk, 10**30, *arguments(name, world)[2:]]))

    assert (of_another.status_code, unknown.status_code) == (404, 404)


def test_the_styleguide_is_for_staff(as_bob: Client, alice: User, client: Client) -> None:
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])

    assert log_in(alice).get("/styleguide/").status_code == 200
    assert as_bob.get("/styleguide/").status_code == 403
    assert client.get("/styleguide/").status_code == 302


def names_of_pages(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if str(pattern.pattern).startswith(ELSEWHERE):
            continue
        if isinstance(pattern, URLResolver):
            yield from names_of_pages(pattern.url_patterns)
        else:
            yield pattern.name or str(pattern.pattern)


def arguments(name: str, world: World) -> list[int | str]:
    rows = [getattr(world, row) for row in PAGES[name].of]
    return [row if isinstance(row, int) else row.pk for row in rows]


def ask(client: Client, name: str, method: str, world: World, headers: dict[str, str] | None = None) -> Any:
    return client.generic(method, reverse(name, args=arguments(name, world)), headers=headers or {})
