"""One configuration becomes an orchestration that runs it."""

from __future__ import annotations

import pytest

from orchestrations import automating, editing
from orchestrations.access import Actor, Denied
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.documents import InvalidConfiguration
from orchestrations.models import Configuration, Project, Token, User
from tests import builders
from tests.builders import NOW, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load")


def test_it_has_one_phase_with_one_task_and_a_token_of_its_own(load: Configuration, by_alice: Actor) -> None:
    made = automating.automate(load, actor=by_alice, now=NOW)

    assert (made.component_id, made.name, made.phases.count()) == (ORCHESTRATOR, "Automated Load", 1)
    assert [(each.name, each.configuration) for each in made.tasks.all()] == [("Load", load)]
    assert made.versions.get().change_description == "Automate Load"
    assert Token.objects.filter(orchestration=made).exists()


def test_the_default_name_of_a_long_one_still_fits(project: Project, by_alice: Actor) -> None:
    longest = builders.build_configuration(project, name="x" * 255)

    assert len(automating.automate(longest, actor=by_alice, now=NOW).name) == 255


def test_an_orchestration_is_one_already(load: Configuration, by_alice: Actor) -> None:
    orchestration = builders.build_orchestration(load.project, [task(load)])

    with pytest.raises(InvalidConfiguration, match="already"):
        automating.automate(orchestration, actor=by_alice, now=NOW)


def test_what_is_in_the_trash_is_not_automated(load: Configuration, by_alice: Actor) -> None:
    editing.trash(load, actor=by_alice, now=NOW)
    load.refresh_from_db()

    with pytest.raises(InvalidConfiguration, match="trash"):
        automating.automate(load, actor=by_alice, now=NOW)


def test_an_operator_may_not(load: Configuration, oscar: User) -> None:
    with pytest.raises(Denied):
        automating.automate(load, actor=Actor(user=oscar), now=NOW)

    assert not Configuration.objects.filter(component_id=ORCHESTRATOR).exists()
