"""Components are declared by folders, and a broken declaration hides only itself."""

import importlib.metadata
import json
import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pytest_django import Settings

from orchestrations.components import catalogue, declarations
from orchestrations.components.catalogue import ComponentKind

BUILT_IN = Path(__file__).parents[3] / "jobs" / "components"


def declare(folder: Path, **fields: Any) -> Path:
    declaration = {"id": "acme.ex-weather", "name": "Weather", "kind": "extractor", "command": ["weather"], **fields}
    kept = {name: value for name, value in declaration.items() if value is not None}
    folder.mkdir(parents=True)
    (folder / "component.json").write_text(json.dumps(kept), encoding="utf-8")
    return folder


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    settings.COMPONENTS_DIR = folder
    return folder


def test_the_built_in_set_is_complete_and_without_problems(settings: Settings) -> None:
    settings.COMPONENTS_DIR = None

    ids = {component.id for component in catalogue.all() if not component.is_hidden}

    assert ids >= {"ex-http", "python-transformation", "command", catalogue.ORCHESTRATOR}
    assert catalogue.problems() == []
    assert all(component.builtin for component in catalogue.all())


def test_every_built_in_component_names_a_program_that_exists_and_an_icon(settings: Settings) -> None:
    icons = (Path(settings.BASE_DIR) / "static" / "icons.svg").read_text(encoding="utf-8")

    for component in catalogue.all():
        assert all(Path(word).exists() for word in component.command or () if word.startswith("/"))
        assert f'id="{component.icon}"' in icons


def test_defaults_of_built_in_components_fit_their_own_schema() -> None:
    for component in catalogue.all():
        unfit = [
            error.message
            for error in Draft202012Validator(component.schema).iter_errors(component.defaults)
            if error.validator not in ("required", "minLength")
        ]

        assert unfit == []


def test_the_command_takes_its_process_from_its_parameters_and_costs_no_python_start() -> None:
    command = catalogue.get("command")

    assert command.takes_process_from_parameters
    assert command.command is None
    assert not command.safe_to_run_again


def test_an_unknown_component_is_named_in_the_sentence() -> None:
    with pytest.raises(catalogue.UnknownComponent) as caught:
        catalogue.get("acme.nothing")

    assert str(caught.value) == 'There is no component "acme.nothing".'


def test_a_folder_of_its_own_is_read_with_placeholders_filled_in(own: Path) -> None:
    folder = declare(own / "weather", command=["{python}", "{folder}/main.py"], label="gpu", safe_to_run_again=True)

    weather = catalogue.get("acme.ex-weather")

    assert weather.command == (sys.executable, f"{folder}/main.py")
    assert (weather.kind, weather.icon, weather.label) == (ComponentKind.EXTRACTOR, "k-extractor", "gpu")
    assert weather.safe_to_run_again
    assert not weather.builtin


def test_the_catalogue_is_read_once_and_again_when_asked(own: Path) -> None:
    assert "acme.ex-weather" not in [component.id for component in catalogue.all()]
    first = [component.id for component in catalogue.all()]
    declare(own / "weather")

    before = [component.id for component in catalogue.all()]
    catalogue.reload()

    assert before == first
    assert catalogue.get("acme.ex-weather").name == "Weather"


def test_groups_come_in_the_order_of_a_pipeline_and_by_name(own: Path, settings: Settings) -> None:
    settings.BUILTIN_COMPONENTS_DIR = own / "built-in"
    for folder in ("python_transformation", "command", "orchestrator"):
        shutil.copytree(BUILT_IN / folder, own / "built-in" / folder)
    declare(own / "b", id="b", name="beta", kind="writer")
    declare(own / "a", id="a", name="Alpha", kind="writer")
    declare(own / "x", id="x", kind="extractor")

    groups = [(kind.plural, [component.id for component in components]) for kind, components in catalogue.grouped()]

    assert groups == [
        ("Extractors", ["x"]),
        ("Transformations", ["python-transformation"]),
        ("Writers", ["a", "b"]),
        ("Applications", ["command"]),
        ("Orchestrators", ["keboola.orchestrator"]),
    ]


def test_of_two_with_one_id_the_first_counts_and_the_second_is_reported(own: Path) -> None:
    declare(own / "mine", id="command", name="Mine")
    declare(own / "weather")

    assert catalogue.get("command").builtin
    assert catalogue.get("acme.ex-weather").name == "Weather"
    (problem,) = catalogue.problems()
    assert problem.startswith(f'{own}/mine/component.json: the id "command" is already taken by ')


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"id": None}, "id: is required."),
        ({"id": "no spaces please"}, "id: does not have the expected form"),
        ({"kind": "extracter"}, "kind: expected one of extractor, transformation, writer, application, orchestrator."),
        ({"command": "ls -l"}, "command: expected a list of words."),
        ({"command": []}, "command: must not be empty."),
        ({"command": None}, 'command: exactly one of "command" and "takes_process_from_parameters" is needed.'),
        ({"takes_process_from_parameters": True}, "command: exactly one of"),
        ({"kind": "orchestrator"}, "command: an orchestrator has no process of its own."),
        ({"timelimit": 3}, "timelimit: is not known here; known fields: "),
        ({"time_limit_seconds": 0}, "time_limit_seconds: must be more than 0."),
        ({"schema": {"type": "objekt"}}, "schema.type: not a JSON Schema (draft 2020-12): "),
        (
            {"schema": {"$ref": "https://example.com/s.json"}},
            'schema: the reference "https://example.com/',
        ),
        ({"schema": {"$ref": "#/$defs/none"}}, 'schema: the reference "#/$defs/none" leads nowhere'),
    ],
)
def test_a_bad_declaration_is_a_sentence_that_names_file_and_field(
    own: Path, fields: dict[str, Any], problem: str
) -> None:
    declare(own / "broken", **fields)
    declare(own / "weather", id="acme.good")

    assert catalogue.get("acme.good").name == "Weather"
    (sentence,) = catalogue.problems()
    assert sentence.startswith(f"{own}/broken/component.json: {problem}")


def test_broken_json_is_reported_with_line_and_column(own: Path) -> None:
    (own / "broken").mkdir()
    (own / "broken" / "component.json").write_text('{"id": "a",\n "name" }', encoding="utf-8")

    (problem,) = catalogue.problems()

    assert problem == f"{own}/broken/component.json: Invalid JSON in line 2, column 9: expecting ':' delimiter."


def test_a_folder_that_is_not_there_is_a_problem_and_no_crash(settings: Settings, tmp_path: Path) -> None:
    settings.COMPONENTS_DIR = tmp_path / "nowhere"

    assert catalogue.get("command").builtin
    (problem,) = catalogue.problems()
    assert problem == f"{tmp_path}/nowhere: cannot be read as a folder of components: No such file or directory."


def test_an_entry_point_brings_the_components_of_its_package_without_importing_it(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "acme_tutti_components"
    declare(package / "weather")
    (package / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    points = [
        EntryPoint("acme", "acme_tutti_components", catalogue.ENTRY_POINTS),
        EntryPoint("gone", "acme_gone_components", catalogue.ENTRY_POINTS),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)

    assert catalogue.get("acme.ex-weather").folder == package / "weather"
    assert catalogue.problems() == [
        'Entry point "gone" of tutti.components: "acme_gone_components" is not an installed package.'
    ]


def test_a_reference_inside_the_schema_is_fine(tmp_path: Path) -> None:
    schema = {"$defs": {"word": {"type": "string"}}, "properties": {"city": {"$ref": "#/$defs/word"}}}

    component = declarations.read(declare(tmp_path / "weather", schema=schema))

    assert not component.validator().is_valid({"city": 5})
    assert component.validator().is_valid({"city": "Brno"})
