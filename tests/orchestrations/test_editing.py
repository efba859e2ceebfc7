"""R4, R8, R18: saving configurations and orchestrations; each save is a version, and nothing half-done stays."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from orchestrations import editing, tokens
from orchestrations.access import Actor, Denied
from orchestrations.components.catalogue import ORCHESTRATOR, UnknownComponent
from orchestrations.editing import Content, InvalidConfiguration, StaleEdit
from orchestrations.models import Configuration, ConfigurationVersion, Phase, Project, Task, Token, User
from tests import builders
from tests.builders import NOW, document, task
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def save(configuration: Configuration, expected_version: int | None = None, **content: Any) -> Configuration:
    return editing.update(
        configuration,
        Content(**content),
        actor=builders.admin_of(configuration.project),
        now=NOW,
        expected_version=expected_version,
    )


@pytest.fixture
def configuration(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load")


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Configuration, ConfigurationVersion, Phase, Task, Token))


def test_each_save_appends_a_version_and_changes_no_older_one(configuration: Configuration) -> None:
    first = configuration.versions.get()

    save(configuration, name="Load more", document={"parameters": {"command": ["false"]}})

    newest = configuration.versions.get(version=2)
    before = configuration.versions.get(version=1)
    assert (before.name, before.document) == (first.name, first.document)
    assert (newest.name, newest.document["parameters"]) == ("Load more", {"command": ["false"]})
    configuration.refresh_from_db()
    assert (configuration.version, configuration.document) == (2, newest.document)


def test_a_rollback_is_a_new_version(configuration: Configuration) -> None:
    save(configuration, name="Other", document={"parameters": {"command": ["false"]}})

    restored = editing.roll_back(configuration, 1, actor=builders.admin_of(configuration.project), now=NOW)

    assert (restored.version, restored.name) == (3, "Load")
    assert restored.document == configuration.versions.get(version=1).document


def test_a_stale_save_is_refused_with_the_version_that_stands(configuration: Configuration) -> None:
    save(configuration, name="Theirs")

    with pytest.raises(StaleEdit) as caught:
        save(configuration, expected_version=1, name="Mine")

    configuration.refresh_from_db()
    assert caught.value.current == 2
    assert configuration.name == "Theirs"


@pytest.mark.parametrize(
    "phases",
    [
        lambda good: [[{**task(good), "task": {"componentId": "command", "configId": "unknown"}}]],
        lambda good: [[{**task(good), "task": {"componentId": "nobody.knows", "configId": "1"}}]],
        lambda good: [[task(good, key="one")], [task(good, key="one")]],
        lambda good: [[task(good, enabled="maybe")]],
    ],
    ids=["unknown configuration", "unknown component", "one key twice", "no flag"],
)
def test_an_orchestration_that_cannot_be_is_refused_and_nothing_changes(
    project: Project, configuration: Configuration, phases: Any
) -> None:
    orchestration = builders.build_orchestration(project, [task(configuration)])
    before = rows()

    with pytest.raises((InvalidConfiguration, UnknownComponent)):
        builders.build_orchestration(project, *phases(configuration))
    with pytest.raises((InvalidConfiguration, UnknownComponent)):
        save(orchestration, document=document(*phases(configuration)))

    assert rows() == before
    orchestration.refresh_from_db()
    assert orchestration.version == 1


@pytest.mark.parametrize("name", ["", "   ", None, 7, "n" * 256, "a\x00b"])
def test_an_impossible_name_is_refused(project: Project, configuration: Configuration, name: Any) -> None:
    before = rows()

    with pytest.raises(InvalidConfiguration, match="name"):
        save(configuration, name=name)
    with pytest.raises(InvalidConfiguration, match="name"):
        editing.create(project, "command", Content(name=name), actor=builders.admin_of(project), now=NOW)

    assert rows() == before


def test_parameters_against_the_schema_are_refused_with_the_field(configuration: Configuration) -> None:
    with pytest.raises(InvalidConfiguration, match="command"):
        save(configuration, document={"parameters": {"command": "ls -l"}})

    configuration.refresh_from_db()
    assert configuration.version == 1


def test_rows_of_phases_and_tasks_follow_the_document(project: Project, configuration: Configuration) -> None:
    orchestration = builders.build_orchestration(
        project, [task(configuration, key="a")], [task(configuration, key="b")]
    )

    save(orchestration, document=document([task(configuration, key="b", enabled=False)]))

    assert list(Task.objects.filter(orchestration=orchestration).values_list("key", "is_enabled")) == [("b", False)]
    assert [phase.key for phase in Phase.objects.filter(orchestration=orchestration)] == ["phase-1"]


def test_an_orchestration_gets_a_token_of_its_own_and_a_configuration_none(
    project: Project, configuration: Configuration
) -> None:
    orchestration = builders.build_orchestration(project, [task(configuration)])

    own = orchestration.own_tokens.get()
    assert (own.component_access, own.bucket_permissions, own.expires_at) == (None, None, None)
    assert not own.may_manage_tokens
    assert tokens.find(tokens.reveal(own), NOW) == own
    assert tokens.reveal(own) not in str(list(Token.objects.values()))
    assert not configuration.own_tokens.exists()


def test_an_operator_may_only_switch_and_others_may_not_even_that(
    project: Project, configuration: Configuration, oscar: User, bob: User, charlie: User
) -> None:
    for person in (oscar, bob, charlie):
        with pytest.raises(Denied):
            editing.update(configuration, Content(name="Mine"), actor=Actor(user=person), now=NOW)
    for person in (bob, charlie):
        with pytest.raises(Denied):
            editing.set_enabled(configuration, False, actor=Actor(user=person), now=NOW)

    editing.set_enabled(configuration, False, actor=Actor(user=oscar), now=NOW)

    configuration.refresh_from_db()
    assert (configuration.name, configuration.is_disabled, configuration.version) == ("Load", True, 2)


# --- Nesting (R8) ------------------------------------------------------------------------------


@pytest.fixture
def chain(project: Project, configuration: Configuration) -> list[Configuration]:
    """A runs B, B runs C: the deepest there may be."""
    third = builders.build_orchestration(project, [task(configuration)], name="C")
    second = builders.build_orchestration(project, [task(third)], name="B")
    return [builders.build_orchestration(project, [task(second)], name="A"), second, third]


def test_a_chain_too_deep_is_refused_with_its_path_at_either_end_and_when_inactive(
    project: Project, configuration: Configuration, chain: list[Configuration]
) -> None:
    below = builders.build_orchestration(project, [task(configuration)], name="D")
    before = rows()

    with pytest.raises(InvalidConfiguration, match="Z > A > B > C"):
        builders.build_orchestration(project, [task(chain[0])], name="Z")
    for enabled in (True, False):
        with pytest.raises(InvalidConfiguration, match="A > B > C > D"):
            save(chain[2], document=document([task(below, enabled=enabled)]))

    assert rows() == before


@pytest.mark.parametrize("callee", [0, 1, 2])
def test_a_circle_is_refused_with_its_path(chain: list[Configuration], callee: int) -> None:
    before = rows()

    with pytest.raises(InvalidConfiguration, match="circle.*" + chain[callee].name):
        save(chain[2], document=document([task(chain[callee])]))

    assert rows() == before


def test_a_circle_is_refused_when_a_version_is_restored(project: Project, configuration: Configuration) -> None:
    second = builders.build_orchestration(project, [task(configuration)], name="B")
    first = builders.build_orchestration(project, [task(second)], name="A")
    save(first, document=document([task(configuration)]))
    save(second, document=document([task(first)]))

    with pytest.raises(InvalidConfiguration, match="circle"):
        editing.roll_back(first, 1, actor=builders.admin_of(project), now=NOW)

    first.refresh_from_db()
    assert first.version == 2


def test_a_circle_is_refused_when_one_comes_back_from_the_trash(project: Project, configuration: Configuration) -> None:
    by = builders.admin_of(project)
    second = builders.build_orchestration(project, [task(configuration)], name="B")
    first = builders.build_orchestration(project, [task(second)], name="A")
    editing.trash(first, actor=by, now=NOW)
    save(second, document=document([task(first)]))

    with pytest.raises(InvalidConfiguration, match="circle"):
        editing.restore(first, actor=by, now=NOW)

    first.refresh_from_db()
    assert first.deleted_at is not None


# --- Races -------------------------------------------------------------------------------------


def test_two_saves_at_once_are_two_versions(configuration: Configuration) -> None:
    for number in range(ROUNDS):
        results = race(*[lambda name=name: save(configuration, name=name) for name in (f"a{number}", f"b{number}")])

        assert not unexpected(results)
    configuration.refresh_from_db()
    names = dict(configuration.versions.values_list("version", "name"))
    assert configuration.version == 1 + 2 * ROUNDS
    assert sorted(names) == list(range(1, 2 + 2 * ROUNDS))
    assert configuration.name == names[configuration.version]
    assert {f"{letter}{number}" for number in range(ROUNDS) for letter in "ab"} <= set(names.values())


def test_of_two_saves_at_once_of_one_version_one_is_stale(configuration: Configuration) -> None:
    for number in range(ROUNDS):
        calls = [partial(save, configuration, number + 1, name=name) for name in ("a", "b")]
        results = race(*calls)

        assert not unexpected(results, StaleEdit)
        assert sum(isinstance(each, StaleEdit) for each in results) == 1
    configuration.refresh_from_db()
    assert configuration.version == 1 + ROUNDS


def test_two_saves_that_close_a_circle_only_together_are_not_both_taken(
    project: Project, configuration: Configuration
) -> None:
    for _ in range(ROUNDS):
        first, second = (builders.build_orchestration(project, [task(configuration)]) for _ in range(2))

        results = race(
            lambda first=first, second=second: save(first, document=document([task(second)])),
            lambda first=first, second=second: save(second, document=document([task(first)])),
        )

        assert not unexpected(results, InvalidConfiguration)
        assert sum(isinstance(each, InvalidConfiguration) for each in results) == 1


def test_one_key_given_twice_at_once_is_taken_once(project: Project) -> None:
    by = builders.admin_of(project)
    for number in range(ROUNDS):
        content = Content(name="One", document={"parameters": {"command": ["true"]}})

        call = partial(editing.create, project, "command", content, actor=by, now=NOW, key=f"key-{number}")
        results = race(call, call)

        assert not unexpected(results, InvalidConfiguration)
        assert sum(isinstance(each, InvalidConfiguration) for each in results) == 1
    assert not Configuration.objects.filter(component_id=ORCHESTRATOR).exists()
