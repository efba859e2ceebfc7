"""``manage.py create_token``: the token alone, for members only."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from orchestrations import access, tokens
from orchestrations.models import Project, Token, User
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def test_it_prints_the_token_alone(project: Project, bob: User) -> None:
    printed = create(project, "Bob@example.org", "--description", "Bob's script")

    found = tokens.find(printed.strip(), NOW)
    assert printed == f"{printed.strip()}\n"
    assert found is not None
    assert (found.project, found.user, found.description, found.is_master) == (project, bob, "Bob's script", True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--project", "99", "--user", "bob@example.org"], "There is no project 99."),
        (["--project", "{project}", "--user", "nobody@example.org"], "There is no person nobody@example.org."),
        (["--project", "{project}", "--user", "charlie@example.org"], "is not a member of the project Analytics."),
        (["--project", "{project}", "--user", "bob@example.org", "--description", "x" * 256], "--description"),
    ],
)
def test_it_is_refused_with_a_sentence(
    words: list[str], sentence: str, project: Project, bob: User, charlie: User
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("create_token", *[word.format(project=project.pk) for word in words], stdout=io.StringIO())

    assert not Token.objects.exists()


def test_a_limited_one_may_run_its_components_and_nothing_else(project: Project, alice: User) -> None:
    printed = create(project, alice.email, "--component", "keboola.orchestrator")

    found = tokens.find(printed.strip(), NOW)
    assert found is not None
    assert (found.user, found.component_access, found.bucket_permissions) == (None, ["keboola.orchestrator"], {})
    assert access.refusal(found, component_id="keboola.orchestrator", now=NOW) is None
    assert access.refusal(found, component_id="command", now=NOW) is not None


@pytest.mark.parametrize(("component", "sentence"), [("command", "role admin"), ("no-such", "no component")])
def test_a_limited_one_is_for_administrators_and_known_components(
    component: str, sentence: str, project: Project, alice: User, bob: User
) -> None:
    who = bob if component == "command" else alice

    with pytest.raises(CommandError, match=sentence):
        create(project, who.email, "--component", component)


def test_somebody_who_may_not_sign_in_any_more_gets_none(project: Project, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)

    with pytest.raises(CommandError, match="There is no person"):
        create(project, bob.email)


def create(project: Project, email: str, *words: str) -> str:
    output = io.StringIO()
    call_command("create_token", "--project", str(project.pk), "--user", email, *words, stdout=output)
    return output.getvalue()
