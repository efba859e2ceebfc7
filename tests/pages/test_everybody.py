"""Every page, asked for by everybody: a new address that is not listed here fails the first test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from django.db import transaction
from django.http import FileResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from orchestrations.access import RANK
from orchestrations.models import Role, User
from tests import builders
from tests.pages.conftest import log_in
from tests.pages.world import World

pytestmark = pytest.mark.django_db

ELSEWHERE = ("admin/", "blob/", "queue/", "notification/", "scheduler/", "^v2/storage")
"""Addresses with tests of their own: Django's admin and the API."""
OF_THE_COMPONENT = ("project", "component")
OF_THE_CONFIGURATION = ("project", "extractor")
OF_THE_ORCHESTRATION = ("project", "orchestration")
OF_A_MEMBER = ("project", "member")
OF_THE_FAILED_RUN = ("project", "failed_run")
OF_THE_WAITING_RUN = ("project", "waiting_run")
OF_THE_SCHEDULE = ("project", "schedule")
OF_THE_TRASHED = ("project", "trashed")
OF_THE_BUCKET = ("project", "bucket")
OF_THE_LINKED_BUCKET = ("project", "linked")
OF_THE_TABLE = ("project", "table")
FORM = ("GET", "POST")


@dataclass(frozen=True)
class Page:
    """``of``: which rows of the world its address names. ``least``: the role that it takes, even to look at it.
    ``is_everywhere``: what it names is no row of a project."""

    of: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    least: Role = Role.VIEWER
    is_everywhere: bool = False
    to_post: Role | None = None
    """When a POST takes more than to look: what it would do is somebody's own, or an admin's."""

    def takes(self, method: str) -> Role:
        return self.to_post if method == "POST" and self.to_post is not None else self.least


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
    "project-pause": page_to_operate(("project",)),
    "members": Page(of=("project",)),
    "member-new": page_to_manage(("project",)),
    "member": page_to_manage(OF_A_MEMBER),
    "member-removal": page_to_manage(OF_A_MEMBER),
    "member-renewal": page_to_manage(OF_A_MEMBER, ("POST",)),
    "orchestrations": Page(of=("project",)),
    "orchestrations-help": Page(of=("project",)),
    "orchestration-new": page_to_edit(("project",)),
    "orchestration-import": page_to_edit(("project",)),
    "orchestration": Page(of=OF_THE_ORCHESTRATION),
    "orchestration-edit": page_to_edit(OF_THE_ORCHESTRATION),
    "orchestration-export": Page(of=OF_THE_ORCHESTRATION),
    "orchestration-run": page_to_operate(OF_THE_ORCHESTRATION),
    "orchestration-switch": page_to_operate(OF_THE_ORCHESTRATION, ("POST",)),
    "orchestration-tasks": page_to_edit(OF_THE_ORCHESTRATION),
    "orchestration-notifications": page_to_edit(OF_THE_ORCHESTRATION),
    "notifications": Page(of=("project",)),
    "next-starts": Page(of=("project",)),
    "schedule-new": page_to_edit(OF_THE_ORCHESTRATION),
    "schedule-missed": page_to_operate(OF_THE_ORCHESTRATION),
    "schedule": page_to_edit(OF_THE_SCHEDULE),
    "schedule-removal": Page(OF_THE_SCHEDULE, ("POST",), Role.EDITOR),
    "schedule-switch": page_to_operate(OF_THE_SCHEDULE, ("POST",)),
    "schedule-pause": page_to_operate(OF_THE_SCHEDULE),
    "event-trigger": page_to_edit(OF_THE_ORCHESTRATION),
    "event-trigger-switch": page_to_operate(OF_THE_ORCHESTRATION, ("POST",)),
    "event-trigger-inspector": Page(of=OF_THE_ORCHESTRATION),
    "tokens": Page(of=("project",)),
    "token-new": Page(of=("project",), methods=FORM, to_post=Role.ADMIN),
    "token": Page(of=("project", "token"), methods=FORM, to_post=Role.ADMIN),
    "token-refresh": Page(of=("project", "token"), methods=FORM, to_post=Role.ADMIN),
    "token-delete": Page(of=("project", "token"), methods=FORM, to_post=Role.ADMIN),
    "orchestration-token": page_to_edit(OF_THE_ORCHESTRATION),
    "notification-test": Page(("project", "subscription"), ("POST",), Role.EDITOR),
    "components": Page(of=("project",)),
    "component": Page(of=OF_THE_COMPONENT, is_everywhere=True),
    "configuration-new": page_to_edit(OF_THE_COMPONENT, is_everywhere=True),
    "configuration": Page(of=OF_THE_CONFIGURATION),
    "configuration-edit": page_to_edit(OF_THE_CONFIGURATION),
    "configuration-run": page_to_operate(OF_THE_CONFIGURATION),
    "configuration-automate": page_to_edit(OF_THE_CONFIGURATION),
    "configuration-test": page_to_edit(("project", "database")),
    "configuration-switch": page_to_operate(OF_THE_CONFIGURATION, ("POST",)),
    "configuration-copy": page_to_edit(OF_THE_ORCHESTRATION),
    "configuration-trash": page_to_edit(OF_THE_ORCHESTRATION),
    "versions": Page(of=OF_THE_ORCHESTRATION),
    "version-compare": Page(of=OF_THE_ORCHESTRATION),
    "version-restore": page_to_edit((*OF_THE_ORCHESTRATION, "first_version")),
    "trash": Page(of=("project",)),
    "configuration-restore": page_to_edit(OF_THE_TRASHED),
    "configuration-purge": page_to_manage(OF_THE_TRASHED),
    "storage": Page(of=("project",)),
    "storage-shared": Page(of=("project",)),
    "bucket-new": page_to_edit(("project",)),
    "bucket-link": page_to_edit(("project", "shared")),
    "bucket": Page(of=OF_THE_BUCKET),
    "bucket-edit": page_to_edit(OF_THE_BUCKET),
    "bucket-sharing": page_to_manage(OF_THE_BUCKET),
    "bucket-unlinking": page_to_edit(OF_THE_LINKED_BUCKET),
    "bucket-deletion": page_to_edit(OF_THE_BUCKET),
    "table": Page(of=OF_THE_TABLE),
    "table-edit": page_to_edit(OF_THE_TABLE),
    "table-deletion": page_to_edit(OF_THE_TABLE),
    "table-row-deletion": page_to_edit(OF_THE_TABLE),
    "bucket-upload": page_to_edit(OF_THE_BUCKET),
    "table-upload": page_to_edit(OF_THE_TABLE),
    "table-download": Page(OF_THE_TABLE, FORM),
    "table-file": Page(("project", "table", "unloading")),
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


@dataclass(frozen=True)
class Outside:
    """A page of no project: what a stranger gets, with a login and without one, who asks by each of its methods."""

    methods: tuple[str, ...] = ("GET",)
    known: int = 200
    unknown: int = 302
    arguments: tuple[int | str, ...] = ()


OUTSIDE = {
    "health": Outside(known=503, unknown=503),
    "home": Outside(),
    "login": Outside(FORM, known=302, unknown=200),
    "logout": Outside(("POST",), known=302),
    "theme": Outside(("POST",), known=302),
    "styleguide": Outside(known=403),
    "openapi": Outside(unknown=200),
    "api-docs": Outside(unknown=200),
    "profile": Outside(FORM),
    "time-zone": Outside(("POST",), known=302),
    "project-new": Outside(FORM, known=403),
    "invitation": Outside(FORM, known=404, unknown=404, arguments=(1, "no-such-secret")),
    "password-forgotten": Outside(FORM, unknown=200),
    "password-new": Outside(FORM, unknown=200, arguments=("MQ", "no-such-secret")),
    "my-notifications": Outside(),
    "outbox": Outside(known=403),
}
REFUSED_FORM = 422
"""What an empty form gets where the page itself would answer 200."""
CASES = [(name, method) for name, page in PAGES.items() for method in page.methods]
ACTIONS = [(name, method) for name, method in CASES if PAGES[name].takes(method) != Role.VIEWER]
READABLE = [name for name, page in PAGES.items() if page.least == Role.VIEWER]
EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")
WHO_MAY = pytest.mark.one_database
"""Decided in Python; that every page and form works on either database is seen by those who may everything."""
Case = tuple[str, str]


class Answer(NamedTuple):
    status: int
    text: str
    headers: Mapping[str, str]


def test_no_page_escapes_the_sweep() -> None:
    """Nor a second address under a name that is listed: only one of them would be asked for."""
    assert sorted(names_of_pages(get_resolver().url_patterns)) == sorted([*PAGES, *OUTSIDE])


@pytest.mark.parametrize("path", ["admin/", "queue/x/", "^v2/storage/x"])
def test_the_names_of_elsewhere_hide_no_page_below_another_address(path: str) -> None:
    hidden = [URLResolver(RoutePattern("projects/"), [URLPattern(RoutePattern(path), lambda request: None, name="x")])]

    assert list(names_of_pages(hidden)) == ["x"]


@pytest.mark.parametrize(("name", "method"), [(name, method) for name in OUTSIDE for method in EVERY_METHOD])
def test_a_page_of_no_project_answers_strangers_with_and_without_a_login(
    name: str, method: str, client: Client, as_charlie: Client
) -> None:
    page = OUTSIDE[name]
    address = reverse(name, args=page.arguments)

    statuses = [who.generic(method, address).status_code for who in (as_charlie, client)]

    if method not in page.methods:
        assert set(statuses) <= {405, page.unknown}
        assert statuses[0] == 405
        return
    allowed = [
        {status, REFUSED_FORM} if method == "POST" and status == 200 else {status}
        for status in (page.known, page.unknown)
    ]
    assert [status in each for status, each in zip(statuses, allowed, strict=True)] == [True, True], statuses


def test_it_answers_alice(world: World, as_alice: Client) -> None:
    answers = ask_all(as_alice, CASES, world)

    assert others(answers, 200, 302, 422) == {}
    assert [case for case, answer in answers.items() if answer.status != 200 and case[1] != "POST"] == []


@WHO_MAY
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.EDITOR])
def test_it_answers_the_role_that_it_takes(role: Role, world: World) -> None:
    member = log_in(builders.build_member(world.project, "between@example.org", role))
    may = [case for case in CASES if RANK[role] >= RANK[PAGES[case[0]].takes(case[1])]]

    answers = ask_all(member, CASES, world)

    assert others({case: answers[case] for case in may}, 200, 302, 422) == {}
    assert others({case: answers[case] for case in set(CASES) - set(may)}, 403) == {}


@WHO_MAY
def test_bob_may_look_and_is_offered_no_action(world: World, as_bob: Client) -> None:
    answers = ask_all(as_bob, [(name, "GET") for name in READABLE], world)

    assert others(answers, 200) == {}
    actions = [reverse(each, args=arguments(each, world)) for each in PAGES if PAGES[each].least != Role.VIEWER]
    assert {
        case: found for case, answer in answers.items() if (found := [a for a in actions if a in answer.text])
    } == {}


@WHO_MAY
def test_bob_may_not_act(world: World, as_bob: Client) -> None:
    answers = ask_all(as_bob, ACTIONS, world)

    assert others(answers, 403) == {}
    assert [
        case for case, answer in answers.items() if "You may look at this, but not do that" not in answer.text
    ] == []


@WHO_MAY
def test_it_does_not_exist_for_charlie(world: World, as_charlie: Client) -> None:
    assert others(ask_all(as_charlie, CASES, world), 404) == {}


@WHO_MAY
def test_anonymous_people_are_led_to_the_login(world: World, client: Client) -> None:
    answers = ask_all(client, CASES, world)

    assert others(answers, 302) == {}
    assert [
        c for c, answer in answers.items() if not answer.headers["Location"].startswith("/login/?next=/projects/")
    ] == []


@WHO_MAY
def test_a_part_of_a_page_leads_anonymous_people_to_the_login_as_a_whole(world: World, client: Client) -> None:
    for name, method in CASES:
        path = reverse(name, args=arguments(name, world))
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{path}"}

        answer = ask(client, name, method, world, headers)

        assert (answer.headers["HX-Redirect"], answer.text) == (f"/login/?next={path}", "")


@WHO_MAY
def test_another_method_is_refused(world: World, as_alice: Client) -> None:
    cases = [(name, method) for name in PAGES for method in EVERY_METHOD if method not in PAGES[name].methods]

    assert others(ask_all(as_alice, cases, world), 405) == {}


def test_a_row_of_another_project_is_not_found(world: World, as_alice: Client, alice: User) -> None:
    another = builders.build_project(alice, "Another")
    found = []
    for name in [name for name, page in PAGES.items() if len(page.of) > 1 and not page.is_everywhere]:
        _, *rows = arguments(name, world)
        for words in ([another.pk, *rows], [world.project.pk, 10**30, *rows[1:]]):
            answer = ask_at(as_alice, reverse(name, args=words), PAGES[name].methods[0])
            found += [(name, words, answer.status)] * (answer.status != 404)

    assert found == []


@pytest.mark.parametrize("number", [0, 10**30])
def test_a_project_that_cannot_be_is_not_found(number: int, as_bob: Client) -> None:
    assert as_bob.get(f"/projects/{number}/").status_code == 404


def test_the_styleguide_is_for_staff(as_bob: Client, alice: User, client: Client) -> None:
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])

    assert log_in(alice).get("/styleguide/").status_code == 200
    assert as_bob.get("/styleguide/").status_code == 403
    assert client.get("/styleguide/").status_code == 302


def names_of_pages(patterns: Sequence[URLPattern | URLResolver], above: str = "") -> Iterator[str]:
    for pattern in patterns:
        address = above + str(pattern.pattern)
        if address.startswith(ELSEWHERE):
            continue
        if isinstance(pattern, URLResolver):
            yield from names_of_pages(pattern.url_patterns, address)
        else:
            yield pattern.name or str(pattern.pattern)


def arguments(name: str, world: World) -> list[int | str]:
    rows = [getattr(world, row) for row in PAGES[name].of]
    return [row if isinstance(row, int) else row.pk for row in rows]


def ask_all(client: Client, cases: Iterable[Case], world: World) -> dict[Case, Answer]:
    return {(name, method): ask(client, name, method, world) for name, method in cases}


def ask(client: Client, name: str, method: str, world: World, headers: dict[str, str] | None = None) -> Answer:
    return ask_at(client, reverse(name, args=arguments(name, world)), method, headers)


def ask_at(client: Client, address: str, method: str, headers: dict[str, str] | None = None) -> Answer:
    """What the page answers; what it changes is undone."""
    with transaction.atomic():
        response = client.generic(method, address, headers=headers or {})
        answer = Answer(response.status_code, response.getvalue().decode(), response.headers)
        if isinstance(response, FileResponse) and response.file_to_stream is not None:
            # Not the response itself: that would close the connection to the database, too.
            response.file_to_stream.close()
        transaction.set_rollback(True)
    return answer


def others(answers: dict[Case, Answer], *expected: int) -> dict[Case, int]:
    """Those that are none of the expected ones."""
    return {case: answer.status for case, answer in answers.items() if answer.status not in expected}
